"""Claims of tokens."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import jwt
import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

TENANT = "32ad8c5a-6125-471f-9ee1-afce592af5d9"
API = "b23b19f7-eb65-48d5-96e8-ab46c1d85d64"


def test_a_graph_token_of_a_person_is_of_version_1(caller: Caller) -> None:
    """
    Graph gets the v1.0 format from every endpoint (service facts, 1.9).
    """
    claims = caller.claims(caller.password().json()["access_token"])
    user = caller.tenant.users.normal

    assert {
        "aud": "https://graph.microsoft.com", "iss": f"https://sts.windows.net/{TENANT}/", "ver": "1.0",
        "idtyp": "user", "appid": caller.tenant.public_client, "appidacr": "0", "oid": user.object_id,
        "upn": user.upn, "unique_name": user.upn, "tid": TENANT, "amr": ["pwd"], "tenant_region_scope": "EU",
    }.items() <= claims.items()  # fmt: skip
    assert {"acct", "acr", "aio", "given_name", "family_name", "ipaddr", "platf", "puid", "rh", "sub", "uti", "wids",
            "signin_state", "xms_st", "xms_ftd"} <= set(claims)  # fmt: skip
    assert user.object_id != claims["sub"]


def test_a_graph_token_of_an_app(caller: Caller) -> None:
    """
    `oid` and `sub` are the service principal, not the app; roles, no scp, no upn (service facts, 1.9).
    """
    claims = caller.claims(caller.app_token().json()["access_token"])

    assert claims["oid"] == claims["sub"]
    assert caller.tenant.confidential_client not in (claims["oid"], claims["sub"])
    assert ("app", "1", claims["iss"]) == (claims["idtyp"], claims["appidacr"], claims["idp"])
    assert "Directory.Read.All" in claims["roles"]
    assert set() == {"scp", "upn", "name"} & set(claims)


def test_an_app_without_roles_gets_a_token_that_says_nothing_of_roles(caller: Caller) -> None:
    """
    The token is issued without roles, and the API refuses it (service facts, 1.7).
    """
    caller.tenant.seed.grant_roles(caller.tenant.confidential_client, "https://graph.microsoft.com", [])

    assert "roles" not in caller.claims(caller.app_token().json()["access_token"])


def test_a_token_for_an_own_api_is_of_version_2(caller: Caller) -> None:
    """
    Other APIs get v2.0 tokens, for users and for apps (service facts, 1.9).
    """
    person = caller.claims(caller.password(scope=f"api://{API}/Orders.Read").json()["access_token"])
    app = caller.claims(caller.app_token(scope=f"api://{API}/.default").json()["access_token"])

    for claims in (person, app):
        assert (API, f"{caller.tenant.url}/{TENANT}/v2.0", "2.0") == (claims["aud"], claims["iss"], claims["ver"])
        assert {"azp", "azpacr", "oid", "sub", "rh", "uti", "xms_ftd"} <= set(claims)
    assert "Orders.Read" == person["scp"]
    assert caller.tenant.users.normal.upn == person["preferred_username"]
    assert ["Orders.Read.All"] == app["roles"]


def test_the_header_of_a_graph_token_has_a_nonce(caller: Caller) -> None:
    """
    Graph tokens have `nonce` in the header, tokens of version 1 `x5t`, other tokens only `kid` (service facts, 1.9).
    """
    graph = jwt.get_unverified_header(caller.app_token().json()["access_token"])
    azure = jwt.get_unverified_header(caller.vault_token())
    own = jwt.get_unverified_header(caller.app_token(scope=f"api://{API}/.default").json()["access_token"])

    assert {"typ", "nonce", "alg", "x5t", "kid"} == set(graph)
    assert {"typ", "alg", "x5t", "kid"} == set(azure)
    assert {"typ", "alg", "kid"} == set(own)


@pytest.mark.parametrize("api", ["https://management.azure.com/", "https://vault.azure.net"])
def test_claims_of_graph_are_not_in_tokens_of_other_apis(caller: Caller, api: str) -> None:
    """
    Other APIs with v1.0 tokens get none of the claims that Microsoft Graph alone has.
    """
    person = caller.claims(caller.password(scope=f"{api}/.default openid profile").json()["access_token"])
    app = caller.claims(caller.app_token(scope=f"{api}/.default").json()["access_token"])
    only_graph = {
        "acct", "app_displayname", "platf", "signin_state", "tenant_region_scope", "xms_st", "xms_tcdt", "xms_tdbr",
    }  # fmt: skip

    assert ("user_impersonation", "1.0", "user") == (person["scp"], person["ver"], person["idtyp"])
    assert set() == only_graph & set(person)
    assert set() == (only_graph | {"wids", "roles"}) & set(app)
    assert only_graph - {"xms_tcdt", "xms_tdbr"} <= set(caller.claims(caller.person_token()))


@pytest.mark.parametrize("what", ["access_token", "id_token"])
def test_tokens_verify_against_the_published_keys(caller: Caller, what: str) -> None:
    """
    PyJWT verifies signature, audience, issuer and times of a token with the keys that discovery names.
    """
    configuration = caller.http.get(f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
    keys = jwt.PyJWKSet.from_dict(caller.http.get(configuration["jwks_uri"]).json())
    token = caller.password(scope=f"api://{API}/Orders.Read openid profile").json()[what]
    key = keys[jwt.get_unverified_header(token)["kid"]]

    claims = jwt.decode(
        token, key, ["RS256"],
        audience=API if what == "access_token" else caller.tenant.public_client, issuer=configuration["issuer"],
    )  # fmt: skip

    assert caller.tenant.users.normal.object_id == claims["oid"]


def test_the_id_token_names_the_person(caller: Caller) -> None:
    """
    `aud` is the app, `nonce` that of the request, and `email` exists if the user has mail (OpenID Connect Core, 2).
    """
    code = caller.code(nonce="from-the-request")
    answer = caller.redeem(code).json()
    claims = caller.claims(answer["id_token"])
    user = caller.tenant.users.normal

    assert {
        "aud": caller.tenant.public_client, "nonce": "from-the-request", "oid": user.object_id, "tid": TENANT,
        "preferred_username": user.upn, "name": user.display_name, "email": user.mail, "ver": "2.0",
    }.items() <= claims.items()  # fmt: skip
    assert 3600 == claims["exp"] - claims["iat"] - 300
    assert "auth_time" not in claims


def test_sub_is_another_for_each_app(caller: Caller) -> None:
    """
    `sub` is pairwise: the same for one app, and different for another (OpenID Connect Core, 8.1).
    """
    subjects = [
        caller.claims(caller.password(client_id=client_id).json()["id_token"])["sub"]
        for client_id in (caller.tenant.public_client, caller.tenant.public_client, caller.tenant.single_tenant_client)
    ]

    assert subjects[0] == subjects[1] != subjects[2]


def test_client_info_names_the_account(caller: Caller) -> None:
    """
    `client_info` is `{"uid": oid, "utid": tid}` in base64url without padding (service facts, 1.5).
    """
    text = caller.password(client_info="1").json()["client_info"]

    assert "=" not in text
    assert {"uid": caller.tenant.users.normal.object_id, "utid": TENANT} == json.loads(
        base64.urlsafe_b64decode(text + "===")
    )


def test_a_person_without_mail_has_no_email(caller: Caller) -> None:
    """
    The claim is missing without a mail address.
    """
    caller.tenant.seed.add_user("una@contoso.example", "Password-1")
    caller.tenant.seed.grant("*", caller.tenant.public_client, "https://graph.microsoft.com", ["User.Read"])

    answer = caller.password(username="una@contoso.example", password="Password-1").json()

    assert "email" not in caller.claims(answer["id_token"])
