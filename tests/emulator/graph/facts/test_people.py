"""Users: creation, reading, changes, deletion, sign-in (service facts, 3.2, 4.1, 4.2)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.facts.conftest import Graph

NOBODY = "00000000-1111-4222-8333-444444444444"
NEW = {
    "accountEnabled": True,
    "displayName": "Nia Moe",
    "mailNickname": "nia",
    "userPrincipalName": "nia@contoso.example",
    "passwordProfile": {"password": "Correct-Horse-9", "forceChangePasswordNextSignIn": False},
}


def test_a_new_person_comes_back_with_the_id_first(graph: Graph) -> None:
    """
    A new user comes with 201, Location and the default properties in the recorded order (7.3).
    """
    response = graph.call("POST", "users", NEW)
    body = response.json()

    assert 201 == response.status_code
    assert [
        "@odata.context", "id", "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone",
        "officeLocation", "preferredLanguage", "surname", "userPrincipalName",
    ] == list(body)  # fmt: skip
    assert body["@odata.context"].endswith("/v1.0/$metadata#users/$entity")
    assert response.headers["location"].endswith(
        f"/v2/{graph.caller.tenant.tenant_id}/directoryObjects/{body['id']}/Microsoft.DirectoryServices.User"
    )


@pytest.mark.parametrize(
    "name", ["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"]
)
def test_what_is_required_is_named(graph: Graph, name: str) -> None:
    """
    A missing property gives 400 with the recorded message (3.2).
    """
    response = graph.call("POST", "users", {key: value for key, value in NEW.items() if key != name})

    assert (400, "Request_BadRequest") == graph.refused(response)
    assert f"A value is required for property '{name}' of resource 'User'." == graph.text(response)


def test_a_sign_in_name_is_there_once(graph: Graph) -> None:
    """
    A name in use, in any case, gives 400 with the detail ObjectConflict (3.2).
    """
    graph.call("POST", "users", NEW)
    response = graph.call("POST", "users", NEW | {"userPrincipalName": "NIA@contoso.example"})
    error = response.json()["error"]

    assert (400, "Request_BadRequest") == graph.refused(response)
    assert "Another object with the same value for property userPrincipalName already exists." == error["message"]
    assert ["code", "message", "details", "innerError"] == list(error)
    assert ("ObjectConflict", "userPrincipalName") == (error["details"][0]["code"], error["details"][0]["target"])


@pytest.mark.parametrize("upn", ["nia@elsewhere.example", "nia"])
def test_a_sign_in_name_is_of_a_verified_domain(graph: Graph, upn: str) -> None:
    """
    An unverified domain gives 400 with the detail InvalidValue (3.2).
    """
    response = graph.call("POST", "users", NEW | {"userPrincipalName": upn})

    assert (400, "Request_BadRequest") == graph.refused(response)
    if "@" in upn:
        assert "InvalidValue" == response.json()["error"]["details"][0]["code"]
        assert graph.text(response).startswith("The domain portion of the userPrincipalName property is invalid.")


@pytest.mark.parametrize("password", ["short", "alllowercaseletters", ""])
def test_a_password_is_complex(graph: Graph, password: str) -> None:
    """
    A password has 8 characters of three kinds; otherwise the recorded message is returned (3.2).
    """
    response = graph.call("POST", "users", NEW | {"passwordProfile": {"password": password}})

    assert (400, "Request_BadRequest") == graph.refused(response)
    assert "password complexity" in graph.text(response) or "required" in graph.text(response)


@pytest.mark.parametrize(
    "change",
    [
        {"shoeSize": 3}, {"id": NOBODY}, {"displayName": 5}, {"accountEnabled": "yes"}, {"businessPhones": "1"},
        {"createdDateTime": "2020-01-01T00:00:00Z"}, {"displayName": ""}, {"passwordProfile": "x"},
    ],
)  # fmt: skip
def test_what_is_no_property_or_of_another_type_is_refused(graph: Graph, change: dict[str, object]) -> None:
    """
    A creation or change with an invalid property gives 400, and nothing is written.
    """
    made = graph.add_user("ned")

    assert 400 == graph.call("POST", "users", NEW | change).status_code
    assert 400 == graph.call("PATCH", f"users/{made['id']}", change).status_code
    assert made | {"@odata.context": ""} == graph.get(f"users/{made['id']}").json() | {"@odata.context": ""}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 5000])
def test_a_body_is_a_json_object(graph: Graph, body: bytes) -> None:
    """
    Another body gives 400 BadRequest with the recorded message (3.2).
    """
    headers = {"Authorization": f"Bearer {graph.token}", "Content-Type": "application/json"}
    response = graph.http.post("/v1.0/users", content=body, headers=headers)

    assert (400, "BadRequest") == graph.refused(response)
    assert graph.text(response).startswith("Unable to read JSON request payload.")


def test_a_person_is_found_by_id_and_by_sign_in_name(graph: Graph) -> None:
    """
    Id and name work in any case, as a segment and in the key form; `#` is escaped (4.1).
    """
    made = graph.add_user("o'brien#x")

    for key in (made["id"], made["id"].upper(), "o'brien%23x@contoso.example", "O'BRIEN%23X@contoso.example"):
        assert made["id"] == graph.get(f"users/{key}").json()["id"]
    assert made["id"] == graph.get("users('o''brien%23x@contoso.example')").json()["id"]
    assert made["id"] == graph.get(f"users('{made['id']}')").json()["id"]


@pytest.mark.parametrize("key", [NOBODY, "nobody@contoso.example", "nonsense"])
def test_nobody_is_a_404_or_an_invalid_key(graph: Graph, key: str) -> None:
    """
    An unknown user gives 404 Request_ResourceNotFound with the recorded message (3.2).
    """
    for method in ("GET", "PATCH", "DELETE"):
        response = graph.call(method, f"users/{key}", {"displayName": "x"} if method == "PATCH" else None)
        assert (404, "Request_ResourceNotFound") == graph.refused(response)
        assert (
            f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
            == graph.text(response)
        )


def test_a_change_is_answered_with_nothing(graph: Graph) -> None:
    """
    A change gives 204 without body and content type; other properties are kept.
    """
    made = graph.add_user("una", department="R&D")
    response = graph.call("PATCH", f"users/{made['id']}", {"jobTitle": "Engineer", "businessPhones": ["+47 1"]})

    assert (204, b"") == (response.status_code, response.content)
    assert "content-type" not in response.headers
    found = graph.get(f"users/{made['id']}?$select=jobTitle,department,businessPhones,accountEnabled,userType").json()
    assert {
        "jobTitle": "Engineer", "department": "R&D", "businessPhones": ["+47 1"], "accountEnabled": True,
        "userType": "Member",
    } == {name: value for name, value in found.items() if not name.startswith("@")}  # fmt: skip
    assert found["@odata.context"].endswith(
        "#users(jobTitle,department,businessPhones,accountEnabled,userType)/$entity"
    )


def test_a_value_can_be_taken_away(graph: Graph) -> None:
    """
    A null removes a value, and an empty list removes a list.
    """
    made = graph.add_user("una", jobTitle="Engineer", businessPhones=["+47 1"])
    graph.call("PATCH", f"users/{made['id']}", {"jobTitle": None, "businessPhones": []})

    assert (None, []) == tuple(graph.get(f"users/{made['id']}").json()[name] for name in ("jobTitle", "businessPhones"))


def test_a_change_may_not_take_what_is_another_s(graph: Graph) -> None:
    """
    The rules for a creation also apply to changes.
    """
    graph.add_user("una")
    made = graph.add_user("ulf")
    path = f"users/{made['id']}"

    assert 400 == graph.call("PATCH", path, {"userPrincipalName": "una@contoso.example"}).status_code
    assert 400 == graph.call("PATCH", path, {"userPrincipalName": "ulf@elsewhere.example"}).status_code
    assert 400 == graph.call("PATCH", path, {"passwordProfile": {"password": "short"}}).status_code
    assert 204 == graph.call("PATCH", path, {"userPrincipalName": "ULF@contoso.example"}).status_code


def test_times_are_the_tenant_s_in_whole_seconds(graph: Graph) -> None:
    """
    Times have the form of ISO 8601, in UTC with Z.
    """
    graph.caller.tenant.clock.advance(3600)
    made = graph.add_user("una")
    text = graph.get(f"users/{made['id']}?$select=createdDateTime").json()["createdDateTime"]
    at = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)

    assert abs(at.timestamp() - graph.caller.tenant.clock.now()) < 60


def test_passwords_are_never_shown(graph: Graph) -> None:
    """
    A password is never returned, even if it is selected, and can't be used in a filter.
    """
    made = graph.add_user("una")

    assert "Correct-Horse-9" not in graph.get(f"users/{made['id']}?$select=id,passwordProfile").text
    assert "Correct-Horse-9" not in graph.get("users?$select=id,passwordProfile&$top=999").text
    filtered = graph.get("users?$filter=passwordProfile/password eq 'Correct-Horse-9'&$count=true", advanced=True)
    assert filtered.status_code == 400 or not filtered.json()["value"]


def sign_in(graph: Graph, upn: str, password: str = "Correct-Horse-9") -> str:
    """Sign a user in by password, and return the AADSTS number of the error, or nothing."""
    body = graph.caller.password(username=upn, password=password, scope="openid").json()
    return str(body.get("error_codes", [""])[0])


def test_who_was_made_can_sign_in(graph: Graph) -> None:
    """
    The token service has new users at once, and follows each change.
    """
    upn = "nia@contoso.example"
    made = graph.call("POST", "users", NEW).json()
    path = f"users/{made['id']}"

    assert "" == sign_in(graph, upn) or "65001" == sign_in(graph, upn)
    assert "50126" == sign_in(graph, upn, "wrong")

    graph.call("PATCH", path, {"accountEnabled": False})
    assert "50057" == sign_in(graph, upn)

    graph.call("PATCH", path, {"accountEnabled": True, "passwordProfile": {
        "password": "Another-Horse-8", "forceChangePasswordNextSignIn": False}})  # fmt: skip
    assert "50126" == sign_in(graph, upn)
    assert sign_in(graph, upn, "Another-Horse-8") in ("", "65001")

    graph.call("PATCH", path, {"userPrincipalName": "nina@contoso.example"})
    assert "50034" == sign_in(graph, upn)
    assert sign_in(graph, "nina@contoso.example", "Another-Horse-8") in ("", "65001")

    graph.call("DELETE", path)
    assert "50034" == sign_in(graph, "nina@contoso.example", "Another-Horse-8")

    graph.call("POST", f"directory/deletedItems/{made['id']}/restore")
    assert sign_in(graph, "nina@contoso.example", "Another-Horse-8") in ("", "65001")


def test_a_password_that_must_be_changed_lets_nobody_in(graph: Graph) -> None:
    """
    The user gets AADSTS50055, as with an expired password.
    """
    profile = {"password": "Correct-Horse-9", "forceChangePasswordNextSignIn": True}
    graph.call("POST", "users", NEW | {"passwordProfile": profile})

    assert "50055" == sign_in(graph, "nia@contoso.example")


def test_what_a_test_seeds_shows_in_graph(graph: Graph) -> None:
    """
    Seeded users and their changes are in the directory.
    """
    graph.caller.tenant.seed.add_user("una@contoso.example", "Password-1", display_name="Una Moe")
    graph.caller.tenant.seed.change_user("una@contoso.example", {"is_enabled": False, "display_name": "Una Holm"})
    found = graph.get("users/una@contoso.example?$select=displayName,accountEnabled").json()

    assert ("Una Holm", False) == (found["displayName"], found["accountEnabled"])


def test_managers(graph: Graph) -> None:
    """
    PUT and DELETE change the reference; a missing manager gives 404, and directReports is the reverse (4.1).
    """
    boss, worker = graph.add_user("boss"), graph.add_user("worker")
    path = f"users/{worker['id']}/manager"

    assert (404, "Request_ResourceNotFound") == graph.refused(graph.get(path))
    put = graph.call("PUT", f"{path}/$ref", {"@odata.id": f"https://graph.microsoft.com/v1.0/users/{boss['id']}"})
    assert 204 == put.status_code
    body = graph.get(path).json()
    assert ["@odata.context", "@odata.type", "id"] == list(body)[:3]
    assert ("#microsoft.graph.user", boss["id"]) == (body["@odata.type"], body["id"])
    assert [worker["id"]] == [one["id"] for one in graph.value(f"users/{boss['id']}/directReports")]
    expanded = graph.get(f"users/{worker['id']}?$expand=manager($select=id,displayName)").json()
    assert ("boss", boss["id"]) == (expanded["manager"]["displayName"], expanded["manager"]["id"])
    assert 204 == graph.call("DELETE", f"{path}/$ref").status_code
    assert 404 == graph.get(path).status_code
    assert 404 == graph.call("DELETE", f"{path}/$ref").status_code


def test_a_manager_is_somebody_who_is_there(graph: Graph) -> None:
    """
    An unknown manager gives 404, an invalid reference 400.
    """
    path = f"users/{graph.add_user('worker')['id']}/manager/$ref"

    assert 404 == graph.call("PUT", path, {"@odata.id": f"https://x/v1.0/users/{NOBODY}"}).status_code
    assert 400 == graph.call("PUT", path, {}).status_code
    assert 400 == graph.call("PUT", path, {"@odata.id": 7}).status_code


def test_revoking_sessions(graph: Graph) -> None:
    """
    The answer is 200 with true (8, 1); earlier tokens get a claims challenge.
    """
    user = graph.caller.tenant.users.normal
    token = graph.caller.password().json()["access_token"]
    response = graph.call("POST", f"users/{user.object_id}/revokeSignInSessions")

    assert (200, True) == (response.status_code, response.json()["value"])
    assert response.json()["@odata.context"].endswith("#Edm.Boolean")
    assert 401 == graph.caller.graph(token).status_code


def test_directory_objects_ignore_if_match(graph: Graph) -> None:
    """
    Directory objects have no ETag; the last writer wins (3.10).
    """
    made = graph.add_user("una")
    response = graph.call("PATCH", f"users/{made['id']}", {"jobTitle": "x"}, {"If-Match": '"another"'})

    assert 204 == response.status_code
    assert "@odata.etag" not in graph.get(f"users/{made['id']}").json()


def test_a_representation_on_request(graph: Graph) -> None:
    """
    A preference never makes a write fail.
    """
    made = graph.add_user("una")

    assert graph.call(
        "PATCH", f"users/{made['id']}", {"jobTitle": "x"}, {"Prefer": "return=representation"}
    ).status_code in (200, 204)
    assert "x" == graph.get(f"users/{made['id']}").json()["jobTitle"]


def test_alternate_keys_are_refused_by_name(graph: Graph) -> None:
    """
    Upserts by uniqueName are not supported.
    """
    response = graph.call("PATCH", "groups(uniqueName='team')", {"displayName": "Team"})

    assert 501 == response.status_code
    assert "uniqueName" in response.text
