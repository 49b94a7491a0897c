"""Federated credentials of apps in Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.sts.conftest import prove

from entrakit_emulator import start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.graph.conftest import Graph

BODY: dict[str, object] = {
    "name": "main", "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:contoso/shop:ref:main",
    "audiences": ["api://AzureADTokenExchange"],
}  # fmt: skip


@pytest.fixture
def app(graph: Graph) -> Any:  # noqa: ANN401 - JSON
    """An app registration."""
    return graph.ask("POST", "/applications", {"displayName": "Robot"}).json()


def path_of(app: dict[str, str], credential: str = "") -> str:
    """Return the address of the credentials of an app, or of one of them."""
    return f"/applications/{app['id']}/federatedIdentityCredentials{credential}"


def test_a_credential_is_created_read_changed_and_deleted(graph: Graph, app: dict[str, str]) -> None:
    """
    The answers have the form of Graph's documentation.
    """
    created = graph.ask("POST", path_of(app), BODY)
    made = created.json()
    context = f"{graph.root}/$metadata#applications('{app['id']}')/federatedIdentityCredentials"
    listed = graph.get(path_of(app))
    changed = graph.ask("PATCH", path_of(app, f"/{made['id']}"), {"subject": "repo:contoso/shop:ref:next"})
    read = graph.get(path_of(app, f"/{made['id']}"))
    deleted = graph.ask("DELETE", path_of(app, f"/{made['id']}"))

    assert (201, 204, 204) == (created.status_code, changed.status_code, deleted.status_code)
    assert ["@odata.context", "id", "name", "issuer", "subject", "description", "audiences"] == list(made)
    assert BODY.items() <= made.items()
    assert (f"{context}/$entity", None) == (made["@odata.context"], made["description"])
    shown = {name: value for name, value in made.items() if name != "@odata.context"}
    assert {"@odata.context": context, "value": [shown]} == listed
    assert {**made, "subject": "repo:contoso/shop:ref:next"} == read
    assert [] == graph.get(path_of(app))["value"]


def test_the_credentials_are_counted(graph: Graph, app: dict[str, str]) -> None:
    """
    `$count` answers with a number.
    """
    graph.ask("POST", path_of(app), BODY)

    assert "1" == graph.ask("GET", path_of(app, "/$count")).text


def test_the_app_and_the_credential_have_alternate_keys(graph: Graph, app: dict[str, str]) -> None:
    """
    `appId` addresses the app, and `name` the credential.
    """
    graph.ask("POST", path_of(app), BODY)

    by_name = graph.get(f"/applications(appId='{app['appId']}')/federatedIdentityCredentials(name='main')")

    assert "main" == by_name["name"]


def test_a_credential_is_added_by_its_name_if_it_is_missing(graph: Graph, app: dict[str, str]) -> None:
    """
    PATCH with `Prefer: create-if-missing` creates or changes.
    """
    address = path_of(app, "(name='main')")
    body = {name: value for name, value in BODY.items() if name != "name"}

    plain = graph.ask("PATCH", address, body)
    answers = [graph.ask("PATCH", address, body, Prefer="create-if-missing") for _ in range(2)]

    assert (404, [201, 204]) == (plain.status_code, [one.status_code for one in answers])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "Invalid value specified for property 'name'"),
        ({"name": "with space"}, "Name value is not a valid URI last segment."),
        ({"name": "x" * 121}, "Invalid value specified for property 'name'"),
        ({"issuer": ""}, "Invalid value specified for property 'issuer'"),
        ({"subject": "x" * 601}, "Invalid value specified for property 'subject'"),
        ({"audiences": []}, "Invalid value specified for property 'audiences'"),
        ({"audiences": ["one", "two"]}, "Invalid value specified for property 'audiences'"),
        ({"audiences": "one"}, "Invalid value specified for property 'audiences'"),
        ({"audience": "one"}, "Could not find a property named 'audience'"),
        ({"id": "5"}, "Invalid value specified for property 'id'"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(
    graph: Graph, app: dict[str, str], changes: dict[str, object], message: str
) -> None:
    """
    The limits are those of Graph's documentation: one audience, 600 characters, and 120 for a name.
    """
    status, code, text = graph.refusal(path_of(app), "POST", BODY | changes)

    assert (400, "Request_BadRequest") == (status, code)
    assert text.startswith(message)


@pytest.mark.parametrize("name", ["name", "issuer", "subject", "audiences"])
def test_required_properties_are_named(graph: Graph, app: dict[str, str], name: str) -> None:
    """
    The error names the missing property.
    """
    body = {key: value for key, value in BODY.items() if key != name}

    assert f"property '{name}'" in graph.refusal(path_of(app), "POST", body)[2]


def test_names_and_pairs_are_unique(graph: Graph, app: dict[str, str]) -> None:
    """
    A name occurs once, and so does a pair of issuer and subject; the name can't be changed.
    """
    made = graph.ask("POST", path_of(app), BODY).json()
    other = graph.ask("POST", path_of(app), BODY | {"name": "next", "subject": "next"}).json()

    assert (
        409, "Request_MultipleObjectsWithSameKeyValue", "FederatedIdentityCredential with name main already exists.",
    ) == graph.refusal(path_of(app), "POST", BODY)  # fmt: skip
    assert 400 == graph.refusal(path_of(app), "POST", BODY | {"name": "third"})[0]
    assert 400 == graph.refusal(path_of(app, f"/{other['id']}"), "PATCH", {"subject": BODY["subject"]})[0]
    assert "Name is immutable" in graph.refusal(path_of(app, f"/{made['id']}"), "PATCH", {"name": "new"})[2]


def test_an_app_has_twenty_credentials_at_most(graph: Graph, app: dict[str, str]) -> None:
    """
    The twenty-first is refused (403).
    """
    made = [graph.ask("POST", path_of(app), BODY | {"name": f"n{n}", "subject": f"s{n}"}) for n in range(20)]

    refused = graph.refusal(path_of(app), "POST", BODY)

    assert {201} == {one.status_code for one in made}
    assert (403, "Directory_ResourceSizeExceeded") == refused[:2]


@pytest.mark.parametrize(("query", "names"), [("$filter=name eq 'a'", ["a"]), ("$filter=subject eq 'B'", ["b"])])
def test_a_list_is_filtered_and_selected(graph: Graph, app: dict[str, str], query: str, names: list[str]) -> None:
    """
    Name, subject and id can be filtered by eq.
    """
    for name in ("a", "b"):
        graph.ask("POST", path_of(app), BODY | {"name": name, "subject": name.upper()})

    listed = graph.get(f"{path_of(app)}?$select=name&{query}")

    assert [{"name": name} for name in names] == listed["value"]


@pytest.mark.parametrize(
    ("query", "status"), [("$filter=issuer ne 'a'", 501), ("$select=nothing", 400), ("$orderby=name", 501)]
)
def test_other_queries_are_refused_by_name(graph: Graph, app: dict[str, str], query: str, status: int) -> None:
    """
    Nothing is ignored silently.
    """
    graph.ask("POST", path_of(app), BODY)

    assert status == graph.refusal(f"{path_of(app)}?{query}")[0]


def test_an_unknown_credential_is_not_found(graph: Graph, app: dict[str, str]) -> None:
    """
    404 for reading, changing and deleting.
    """
    address = path_of(app, "/9b1bcdd5-7f0b-4f0a-8a8c-3ad2a0ab2a11")

    assert [404, 404, 404] == [graph.ask(method, address, body).status_code for method, body in (
        ("GET", None), ("PATCH", {"subject": "x"}), ("DELETE", None),
    )]  # fmt: skip


def test_apps_of_microsoft_get_no_credentials(graph: Graph) -> None:
    """
    A tenant can't change them.
    """
    principal = graph.get("/servicePrincipals?$filter=appId eq '04b07795-8ddb-461a-bbee-02f9e1bf7b46'")["value"][0]

    refused = graph.refusal(f"/servicePrincipals/{principal['id']}/federatedIdentityCredentials", "POST", BODY)

    assert (403, "Authorization_RequestDenied") == refused[:2]


@pytest.mark.parametrize("collection", ["applications", "servicePrincipals"])
def test_a_credential_signs_the_app_in(graph: Graph, collection: str) -> None:
    """
    A credential that was added through Graph, to the registration or the service principal, works at the token
    endpoint until it is deleted.
    """
    caller, tenant = graph.caller, graph.tenant
    issuer = tenant.add_issuer(str(BODY["issuer"]))
    found = graph.get(f"/{collection}?$filter=appId eq '{tenant.confidential_client}'")["value"][0]
    address = f"/{collection}/{found['id']}/federatedIdentityCredentials"
    made = graph.ask("POST", address, BODY).json()

    before = prove(caller, issuer.sign(str(BODY["subject"])))
    graph.ask("DELETE", f"{address}/{made['id']}")
    after = prove(caller, issuer.sign(str(BODY["subject"])))

    assert (200, [70025]) == (before.status_code, after.json()["error_codes"])


def test_a_snapshot_keeps_credentials(graph: Graph, app: dict[str, str], tmp_path: Path) -> None:
    """
    Credentials of an app are in a snapshot.
    """
    graph.ask("POST", path_of(app), BODY)
    graph.ask("POST", "/servicePrincipals", {"appId": app["appId"]})
    path = str(tmp_path / "tenant.json")
    graph.tenant.snapshot(path)

    with start(restore=path) as restored:
        kept = restored._world.apps[app["appId"]].federated

    assert ["main"] == [one.name for one in kept]
