"""The protected endpoint."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import jwt
import pytest

from entrakit_emulator.faults import Tokens
from entrakit_emulator.sts.keys import make_key

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

GRAPH = "https://graph.microsoft.com"
CP1 = '{"access_token": {"xms_cc": {"values": ["cp1"]}}}'


def person_token(caller: Caller, **form: str) -> str:
    """Return an access token of a person."""
    token: str = caller.password(**form).json()["access_token"]
    return token


def test_me_is_the_person_of_the_token(caller: Caller) -> None:
    """
    The shape of a user, and the headers, are Graph's (service facts, 3.1 and 7.3).
    """
    response = caller.graph(person_token(caller))
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
    What is not known is null.
    """
    caller.tenant.seed.add_user("una@contoso.example", "Password-1", display_name="Una")
    caller.tenant.seed.grant("*", caller.tenant.public_client, GRAPH, ["User.Read"])

    body = caller.graph(person_token(caller, username="una@contoso.example", password="Password-1")).json()

    assert ("Una", None, None) == (body["givenName"], body["surname"], body["mail"])


@pytest.mark.parametrize("kind", ["person", "app"])
def test_the_organization_is_the_tenant(caller: Caller, kind: str) -> None:
    """
    People with User.Read and apps with Directory.Read.All may read it.
    """
    token = person_token(caller) if kind == "person" else caller.app_token().json()["access_token"]

    value = caller.graph(token, "/v1.0/organization").json()["value"]

    assert [(caller.tenant.tenant_id, "Contoso (emulated)")] == [(one["id"], one["displayName"]) for one in value]
    assert ["contoso.example", "contoso.onmicrosoft.com"] == [one["name"] for one in value[0]["verifiedDomains"]]


def test_userinfo_tells_who_signed_in(caller: Caller) -> None:
    """
    The endpoint that discovery names (OpenID Connect Core, 5.3).
    """
    address = caller.http.get("/common/v2.0/.well-known/openid-configuration").json()["userinfo_endpoint"]
    token = person_token(caller)

    body = caller.graph(token, address).json()

    assert caller.claims(token)["sub"] == body["sub"]
    assert caller.tenant.users.normal.mail == body["email"]


def test_userinfo_of_somebody_who_is_gone(caller: Caller) -> None:
    """
    A person that is no longer there has a subject and nothing else.
    """
    caller.tenant.faults.add(Tokens(access_token={"oid": "gone"}))

    assert ["sub"] == list(caller.graph(person_token(caller), "/oidc/userinfo").json())


def test_me_of_an_app_is_refused(caller: Caller) -> None:
    """
    400, in Graph's words (service facts, 3.2).
    """
    response = caller.graph(caller.app_token().json()["access_token"])

    assert (400, "BadRequest") == (response.status_code, response.json()["error"]["code"])
    assert "/me request is only valid with delegated authentication flow." == response.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1.0/organization", "/v1.0/me"])
def test_without_permission_it_is_refused(caller: Caller, path: str) -> None:
    """
    403 Authorization_RequestDenied (service facts, 3.2).
    """
    caller.tenant.seed.grant_roles(caller.tenant.confidential_client, GRAPH, [])
    caller.tenant.seed.withdraw(caller.tenant.users.normal.upn, caller.tenant.public_client)
    caller.tenant.seed.grant(caller.tenant.users.normal.upn, caller.tenant.public_client, GRAPH, ["Mail.Read"])
    token = (
        person_token(caller, scope="Mail.Read") if path.endswith("me") else caller.app_token().json()["access_token"]
    )

    response = caller.graph(token, path)

    assert (403, "Authorization_RequestDenied") == (response.status_code, response.json()["error"]["code"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aud": "https://vault.azure.net"}, "Invalid audience"),
        ({"aud": "https://nowhere.example"}, "Invalid audience"),
        ({"exp": 1}, "expired"),
        ({"exp": "soon"}, "expired"),
        ({"nbf": 2**40}, "not yet valid"),
        ({"nbf": None}, "not yet valid"),
        ({"tid": "other"}, "Invalid issuer"),
        ({"iss": "https://evil.example/"}, "Invalid issuer"),
    ],
)
def test_tokens_for_others_are_refused(caller: Caller, changes: dict[str, object], words: str) -> None:
    """
    Audience, lifetime, tenant and issuer are checked: 401 InvalidAuthenticationToken, with WWW-Authenticate.
    """
    caller.tenant.faults.add(Tokens(access_token=changes))

    response = caller.graph(person_token(caller))

    assert (401, "InvalidAuthenticationToken") == (response.status_code, response.json()["error"]["code"])
    assert words in response.json()["error"]["message"]
    assert response.headers["www-authenticate"].startswith('Bearer realm="", authorization_uri="https://localhost:')


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c"])
def test_what_is_no_token_is_refused(caller: Caller, token: str) -> None:
    """
    Nothing, or nothing that can be read.
    """
    assert 401 == caller.graph(token).status_code


def test_tokens_of_others_are_refused(caller: Caller) -> None:
    """
    A signature by another key, by none, by an unknown id: refused.
    """
    claims = caller.claims(person_token(caller))
    kid = caller.http.get("/common/discovery/keys").json()["keys"][0]["kid"]

    for token in (
        jwt.encode(claims, make_key(), "RS256", headers={"kid": kid}),
        jwt.encode(claims, make_key(), "RS256", headers={"kid": "unknown"}),
        jwt.encode(claims, "x" * 64, "HS256", headers={"kid": kid}),
        jwt.encode(claims, "", "none", headers={"kid": kid}),
    ):
        assert "signature" in caller.graph(token).json()["error"]["message"]


def test_a_token_outlives_a_reset(caller: Caller) -> None:
    """
    What is no longer remembered is verified by its signature.
    """
    token = person_token(caller)
    caller.tenant.reset()

    assert 200 == caller.graph(token).status_code


def test_a_person_who_is_gone_is_not_found(caller: Caller) -> None:
    """
    404 Request_ResourceNotFound.
    """
    caller.tenant.faults.add(Tokens(access_token={"oid": "00000000-1111-4222-8333-444444444444"}))

    response = caller.graph(person_token(caller))

    assert (404, "Request_ResourceNotFound") == (response.status_code, response.json()["error"]["code"])


def test_revocation_is_a_challenge(caller: Caller) -> None:
    """
    A revoked token is answered with the claims to ask for; a new sign-in is good again (service facts, 1.11).
    """
    token = person_token(caller, claims=CP1)
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    response = caller.graph(token)
    header = response.headers["www-authenticate"]
    claims = json.loads(base64.b64decode(header.partition('claims="')[2].rstrip('"')))

    assert 401 == response.status_code
    assert {"access_token": {"nbf": {"essential": True, "value": claims["access_token"]["nbf"]["value"]}}} == claims
    assert 200 == caller.graph(person_token(caller, claims=json.dumps(claims))).status_code


def test_errors_are_of_graphs_shape(caller: Caller) -> None:
    """
    code, message, innerError with a date without Z and two ids; plain application/json (service facts, 3.2).
    """
    response = caller.graph("")
    error = response.json()["error"]

    assert ["code", "message", "innerError"] == list(error)
    assert not error["innerError"]["date"].endswith("Z")
    assert response.headers["request-id"] == error["innerError"]["request-id"]
    assert "application/json" == response.headers["content-type"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_method_that_is_none_of_the_address_is_refused(caller: Caller, method: str) -> None:
    """
    405, in Graph's words.
    """
    headers = {"Authorization": f"Bearer {person_token(caller)}"}

    assert 405 == caller.http.request(method, "/v1.0/me", headers=headers).status_code


def test_the_rest_of_graph_is_refused_by_name(caller: Caller) -> None:
    """
    501, naming what is missing.
    """
    response = caller.graph(person_token(caller), "/v1.0/devices")

    assert 501 == response.status_code
    assert "/devices" in response.json()["error_description"]
