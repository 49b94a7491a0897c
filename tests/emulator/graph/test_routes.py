"""The table of Graph's addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.graph.conftest import GRAPH, Graph

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_what_is_not_here_says_so(graph: Graph) -> None:
    """
    A function of the service that the emulator lacks is refused by name, not as an error of the caller.
    """
    assert 501 == graph.ask("GET", "/users?$expand=manager($levels=max)").status_code
    assert 501 == graph.ask("GET", "/oauth2PermissionGrants").status_code
    about = graph.refusal(f"/users/{graph.make_user('Una')['id']}?$select=aboutme")
    assert "Microsoft Graph's property aboutMe of the type user." in about[2]
    locked = graph.refusal("/applications?$select=servicePrincipalLockConfiguration")
    assert locked[2].startswith(
        "The emulator does not implement Microsoft Graph's property servicePrincipalLockConfiguration of the type "
        "application."
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [("/", "GET /"), ("", "GET /"), ("/$metadata", "GET /$metadata"), ("/$METADATA", "GET /$METADATA")],
)
@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_the_service_document_and_the_metadata_are_refused_by_name(
    graph: Graph, version: str, path: str, name: str
) -> None:
    """
    The real service has them at the root of each version.
    """
    status, code, message = graph.refusal(f"{graph.tenant.url}/{version}{path}")

    assert (501, "NotImplemented") == (status, code)
    assert f"The emulator does not implement Microsoft Graph's {name}. " in message


@pytest.mark.parametrize("version", ["V1.0", "BETA"])
def test_the_version_is_the_same_in_any_case(graph: Graph, version: str) -> None:
    """
    The answers are those of the usual spelling, service principals among the members and options without `$` included.
    """
    principal = graph.get("/servicePrincipals?$top=1")["value"][0]["id"]
    group = graph.make_group("Team")["id"]
    graph.add(group, principal)
    usual, spelled = (f"{graph.tenant.url}/{one}" for one in (version.lower(), version))

    for path in (f"/groups/{group}/members", "/users?$top=1&$select=id", "/users?$select=id&top=1"):
        expected, found = (graph.get(f"{root}{path}") for root in (usual, spelled))
        assert expected["@odata.context"] == found["@odata.context"]
        assert expected["value"] == found["value"]
    assert 200 == graph.ask("GET", graph.get(f"{spelled}/users?$top=1")["@odata.nextLink"]).status_code


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_method_that_is_none_of_the_address_is_refused(caller: Caller, method: str) -> None:
    """
    An unsupported method gets 405 with Graph's message.
    """
    headers = {"Authorization": f"Bearer {caller.person_token()}"}

    assert 405 == caller.http.request(method, "/v1.0/me", headers=headers).status_code


def test_the_rest_of_graph_is_refused_by_name(caller: Caller) -> None:
    """
    An unsupported path gets 501 with its name.
    """
    response = caller.graph(caller.person_token(), "/v1.0/contacts")
    error = response.json()["error"]

    assert (501, "NotImplemented") == (response.status_code, error["code"])
    assert "The emulator does not implement Microsoft Graph's GET /contacts." in error["message"]
    assert response.headers["request-id"] == error["innerError"]["request-id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/directoryObjects/validateProperties"), ("POST", "/users/getByIds"),
        ("GET", "/directoryObjects/$count"),
        ("POST", "/directory/deletedItems/getUserOwnedObjects"), ("PATCH", "/organization/{id}"),
        ("GET", "/directoryObjects/microsoft.graph.user"), ("GET", "/users/microsoft.graph.user"),
        ("GET", "/groups/{id}/members/$ref"), ("GET", "/users/{id}/memberOf/{id}"), ("GET", "/users/{id}/photo"),
    ],
)  # fmt: skip
def test_addresses_of_v1_are_never_refused_in_the_words_of_the_service(graph: Graph, method: str, path: str) -> None:
    """
    An address that v1.0 has and the emulator lacks gets 501, which names the address once, also in a batch.
    """
    key = graph.make_group("Team")["id"] if "groups" in path else graph.make_user("Una")["id"]
    url = path.replace("{id}", key)
    status, code, message = graph.refusal(url, method, {} if method != "GET" else None)
    request = {"id": "1", "method": method, "url": url, "headers": {"Content-Type": "application/json"}, "body": {}}
    (item,) = graph.ask("POST", "/$batch", {"requests": [request]}).json()["responses"]

    assert (501, "NotImplemented") == (status, code)
    assert message.startswith("The emulator does not implement Microsoft Graph's ")
    assert 1 == message.count(f"{method} {path}.")
    assert (501, message) == (item["status"], item["body"]["error"]["message"])


def test_a_reference_is_removed_by_its_address_too(graph: Graph) -> None:
    """
    DELETE of `members/$ref` names the member by the parameter `@id`.
    """
    group, user = graph.make_group("Team")["id"], graph.make_user("Una")["id"]
    graph.add(group, user)
    removed = graph.ask("DELETE", f"/groups/{group}/members/$ref?@id={graph.root}/directoryObjects/{user}")

    assert 204 == removed.status_code
    assert [] == graph.ids(f"/groups/{group}/members")
    assert 400 == graph.refusal(f"/groups/{group}/members/$ref", "DELETE")[0]


def test_everything_below_a_user_is_below_me(graph: Graph, caller: Caller) -> None:
    """
    /me has the addresses of the user: a license is assigned there, too.
    """
    sku = graph.get("/subscribedSkus")["value"][0]["skuId"]
    graph.tenant.seed.grant(graph.tenant.users.normal.upn, graph.tenant.public_client, GRAPH, ["User.ReadWrite.All"])
    me = Graph(caller, caller.person_token(scope="User.ReadWrite.All"))
    me.ask("PATCH", "/me", {"usageLocation": "DK"})
    body = {"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []}

    assert 200 == me.ask("POST", "/me/assignLicense", body).status_code
    assert [sku] == [one["skuId"] for one in me.get("/me/licenseDetails")["value"]]
