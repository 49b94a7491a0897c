"""Graph over HTTP: `/me`, userinfo, and access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.emulator.graph.conftest import Graph
import base64
import json
from typing import TYPE_CHECKING

from entrakit_emulator.faults import Tokens

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

GRAPH = "https://graph.microsoft.com"


CP1 = '{"access_token": {"xms_cc": {"values": ["cp1"]}}}'


def test_me_is_the_person_of_the_token(caller: Caller) -> None:
    """
    The user and the headers have Graph's form (service facts, 3.1 and 7.3).
    """
    response = caller.graph(caller.person_token())
    user = caller.tenant.users.normal

    assert (user.object_id, user.upn, user.display_name, user.mail) == tuple(
        response.json()[name] for name in ("id", "userPrincipalName", "displayName", "mail")
    )
    assert ("Ada", "Larsen") == (response.json()["givenName"], response.json()["surname"])
    assert response.headers["content-type"].startswith("application/json;odata.metadata=minimal")
    assert "11111111-2222-4333-8444-555555555555" == response.headers["client-request-id"]
    assert {"request-id", "x-ms-ags-diagnostic", "x-ms-resource-unit", "odata-version", "date"} <= set(response.headers)


def test_me_of_somebody_without_mail_and_surname(caller: Caller) -> None:
    """
    Unknown values are null.
    """
    caller.tenant.seed.add_user("una@contoso.example", "Password-1", display_name="Una")
    caller.tenant.seed.grant("*", caller.tenant.public_client, GRAPH, ["User.Read"])

    body = caller.graph(caller.person_token(username="una@contoso.example", password="Password-1")).json()

    assert ("Una", None, None) == (body["givenName"], body["surname"], body["mail"])


def test_userinfo_tells_who_signed_in(caller: Caller) -> None:
    """
    Userinfo is at the address that discovery names (OpenID Connect Core, 5.3).
    """
    address = caller.http.get("/common/v2.0/.well-known/openid-configuration").json()["userinfo_endpoint"]
    token = caller.person_token()

    body = caller.graph(token, address).json()

    assert caller.claims(token)["sub"] == body["sub"]
    assert caller.tenant.users.normal.mail == body["email"]


@pytest.mark.parametrize(
    ("scope", "told"),
    [("openid", {"sub"}), ("openid email", {"sub", "email"}), ("openid profile", {"sub", "name", "email"})],
)
def test_userinfo_tells_what_the_scopes_grant(caller: Caller, scope: str, told: set[str]) -> None:
    """
    `openid` alone gives no name and no mail address; `profile` includes `email`, as in the ID token.
    """
    token = caller.password(scope=scope).json()["access_token"]

    assert told == set(caller.graph(token, "/oidc/userinfo").json())


def test_userinfo_of_somebody_who_is_gone(caller: Caller) -> None:
    """
    Userinfo of a deleted user has a subject only.
    """
    caller.tenant.faults.add(Tokens(access_token={"oid": "gone"}))

    assert ["sub"] == list(caller.graph(caller.person_token(), "/oidc/userinfo").json())


def test_me_of_an_app_is_refused(caller: Caller) -> None:
    """
    An app gets 400 with Graph's message (service facts, 3.2).
    """
    response = caller.graph(caller.app_token().json()["access_token"])

    assert (400, "BadRequest") == (response.status_code, response.json()["error"]["code"])
    assert "/me request is only valid with delegated authentication flow." == response.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1.0/organization", "/v1.0/me"])
def test_without_permission_it_is_refused(caller: Caller, path: str) -> None:
    """
    A token without permission gets 403 Authorization_RequestDenied (service facts, 3.2).
    """
    caller.tenant.seed.grant_roles(caller.tenant.confidential_client, GRAPH, [])
    caller.tenant.seed.withdraw(caller.tenant.users.normal.upn, caller.tenant.public_client)
    caller.tenant.seed.grant(caller.tenant.users.normal.upn, caller.tenant.public_client, GRAPH, ["Mail.Read"])
    token = caller.person_token(scope="Mail.Read") if path.endswith("me") else caller.app_token().json()["access_token"]

    response = caller.graph(token, path)

    assert (403, "Authorization_RequestDenied") == (response.status_code, response.json()["error"]["code"])


def test_a_person_who_is_gone_is_not_found(caller: Caller) -> None:
    """
    A deleted user gets 404 Request_ResourceNotFound.
    """
    caller.tenant.faults.add(Tokens(access_token={"oid": "00000000-1111-4222-8333-444444444444"}))

    response = caller.graph(caller.person_token())

    assert (404, "Request_ResourceNotFound") == (response.status_code, response.json()["error"]["code"])


def test_revocation_is_a_challenge(caller: Caller) -> None:
    """
    A revoked token gets a challenge with claims; a new sign-in succeeds (service facts, 1.11).
    """
    token = caller.person_token(claims=CP1)
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    response = caller.graph(token)
    header = response.headers["www-authenticate"]
    claims = json.loads(base64.b64decode(header.partition('claims="')[2].rstrip('"')))

    assert 401 == response.status_code
    assert {"access_token": {"nbf": {"essential": True, "value": claims["access_token"]["nbf"]["value"]}}} == claims
    assert 200 == caller.graph(caller.person_token(claims=json.dumps(claims))).status_code


def test_a_request_without_an_id_has_the_services(graph: Graph) -> None:
    """
    A request without `client-request-id` gets the service's own id in that header.
    """
    answer = graph.ask("GET", "/users", client_request_id="")

    assert answer.headers["request-id"] == answer.headers["client-request-id"]
