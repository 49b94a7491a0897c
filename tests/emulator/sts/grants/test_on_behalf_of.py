"""On-behalf-of grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.sts.conftest import TYPE

from entrakit_emulator import jose
from entrakit_emulator.faults import Tokens
from entrakit_emulator.state.keys import make_signing_key

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
READ = "https://graph.microsoft.com/User.Read"


def assertion_of(caller: Caller, user: str = "normal", **form: str) -> str:
    """Return a user's access token for the API, which the public app got."""
    token: str = caller.password(user, **({"scope": f"{caller.tenant.api_uri}/Orders.Read"} | form)).json()[
        "access_token"
    ]
    return token


def exchange(caller: Caller, assertion: str, /, **form: str) -> httpx2.Response:
    """Send the API's request for a token on behalf of its caller; a parameter changed to "" is left out."""
    given = {
        "client_id": caller.tenant.api_client, "client_secret": caller.tenant.api_secret, "assertion": assertion,
        "requested_token_use": "on_behalf_of", "scope": READ,
    }  # fmt: skip
    return caller.token(GRANT, **(given | form))


def codes(response: httpx2.Response) -> tuple[int, str, list[int]]:
    """Return status, error and numbers of a refusal."""
    body = response.json()
    return response.status_code, body["error"], body["error_codes"]


def test_the_api_gets_a_token_for_the_user_of_its_caller(caller: Caller) -> None:
    """
    The token is the user's, for the app of the API, with the permissions that the user granted the API.
    """
    answer = exchange(caller, assertion_of(caller)).json()

    claims = caller.claims(answer["access_token"])
    assert (caller.tenant.users.normal.upn, caller.tenant.api_client, "1", "User.Read") == (
        claims["upn"], claims["appid"], claims["appidacr"], claims["scp"],
    )  # fmt: skip
    assert 200 == caller.graph(answer["access_token"]).status_code
    assert {"token_type", "scope", "expires_in", "ext_expires_in", "access_token"} == set(answer)


def test_offline_access_brings_a_refresh_token_of_the_api(caller: Caller) -> None:
    """
    The refresh token belongs to the API, which needs its credential for each renewal.
    """
    scope = f"{READ} openid profile offline_access"
    answer = exchange(caller, assertion_of(caller), scope=scope, client_info="1").json()
    app = {"client_id": caller.tenant.api_client}

    bare = caller.token("refresh_token", refresh_token=answer["refresh_token"], **app)
    renewed = caller.token(
        "refresh_token", refresh_token=answer["refresh_token"], client_secret=caller.tenant.api_secret, **app
    )

    assert {"id_token", "client_info"} <= set(answer)
    assert (401, "invalid_client", [7000218]) == codes(bare)
    assert caller.tenant.users.normal.upn == caller.claims(renewed.json()["access_token"])["upn"]


def test_the_api_may_authenticate_with_a_federated_credential(caller: Caller) -> None:
    """
    The credential is any that the app has.
    """
    issuer = caller.tenant.add_issuer()
    caller.tenant.seed.add_federated_credential(caller.tenant.api_client, issuer.issuer, "api")
    proof = {"client_secret": "", "client_assertion": issuer.sign("api"), "client_assertion_type": TYPE}

    answer = exchange(caller, assertion_of(caller), **proof).json()

    assert "2" == caller.claims(answer["access_token"])["appidacr"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"requested_token_use": ""}, (400, "invalid_request", [900144])),
        ({"requested_token_use": "other"}, (400, "invalid_request", [9002313])),
        ({"assertion": ""}, (400, "invalid_request", [900144])),
        ({"scope": ""}, (400, "invalid_request", [900144])),
        ({"client_secret": ""}, (401, "invalid_client", [7000218])),
        ({"client_secret": "wrong"}, (401, "invalid_client", [7000215])),
        ({"assertion": "not a token"}, (400, "invalid_request", [50027])),
        ({"scope": f"{READ} https://vault.azure.net/.default"}, (400, "invalid_scope", [28000])),
    ],
)
def test_the_request_is_checked(caller: Caller, form: dict[str, str], expected: tuple[int, str, list[int]]) -> None:
    """
    Parameters, credential and form of the assertion are checked as for other grants.
    """
    assert expected == codes(exchange(caller, assertion_of(caller), **form))


def test_a_public_app_can_not_act_for_its_callers(caller: Caller) -> None:
    """
    A public app has no credential, and must not send one.
    """
    app = {"client_id": caller.tenant.public_client}
    assertion = assertion_of(caller)

    assert [700025] == codes(exchange(caller, assertion, **app))[2]
    assert [7000218] == codes(exchange(caller, assertion, client_secret="", **app))[2]


def test_the_assertion_must_be_for_the_api(caller: Caller) -> None:
    """
    Another audience is refused with both names (AADSTS500131), and a token for Graph, whose signature nobody can
    verify, as wrongly signed (AADSTS50013).
    """
    vault = exchange(caller, assertion_of(caller, scope="https://vault.azure.net/.default"))
    graph = exchange(caller, assertion_of(caller, scope="User.Read"))

    assert (400, "invalid_grant", [500131]) == codes(vault)
    text = vault.json()["error_description"]
    assert "was 'https://vault.azure.net' and the expected audience is" in text
    assert f"App ID '{caller.tenant.api_client}'(Contoso Orders)" in text
    assert (400, "invalid_grant", [50013]) == codes(graph)


def test_the_token_of_an_app_can_not_be_exchanged(caller: Caller) -> None:
    """
    There must be a user (AADSTS7000114).
    """
    token = caller.app_token(scope=f"{caller.tenant.api_uri}/.default").json()["access_token"]

    assert (400, "unauthorized_client", [7000114]) == codes(exchange(caller, token))


def test_an_id_token_can_not_be_exchanged(caller: Caller) -> None:
    """
    An ID token for the API has its audience, but is not an access token (AADSTS240002).
    """
    answer = exchange(caller, assertion_of(caller), scope=f"{READ} openid").json()

    assert (400, "invalid_grant", [240002]) == codes(exchange(caller, answer["id_token"]))


def test_an_expired_assertion_is_refused(caller: Caller) -> None:
    """
    There is no tolerance at the end of an assertion (AADSTS500133).
    """
    caller.tenant.seed.change_settings({"access_lifetime_s": 60})
    token = assertion_of(caller)
    caller.tenant.clock.advance(61)

    refused = exchange(caller, token)

    assert (400, "invalid_grant", [500133]) == codes(refused)
    assert ", expiry time of assertion " in refused.json()["error_description"]


@pytest.mark.parametrize("end", ["soon", None, -1])
def test_an_assertion_without_a_usable_end_is_refused(caller: Caller, end: object) -> None:
    """
    A token that a fault changed counts as expired.
    """
    caller.tenant.faults.add(Tokens(access_token={"exp": end}))

    assert [500133] == codes(exchange(caller, assertion_of(caller)))[2]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_forged_assertion_is_refused(caller: Caller, *, is_known: bool) -> None:
    """
    A signature with another key is refused, whether it names a published key or not (AADSTS50013).
    """
    own = make_signing_key()
    published = caller.http.get("/common/discovery/v2.0/keys").json()["keys"][0]["kid"]
    claims = caller.claims(assertion_of(caller))
    forged = jose.sign({"alg": "RS256", "kid": published if is_known else own.kid}, claims, own.key)

    assert (400, "invalid_grant", [50013]) == codes(exchange(caller, forged))


def test_a_token_from_before_the_reset_is_verified_by_its_signature(caller: Caller) -> None:
    """
    A tenant that has not recorded an assertion checks the signature.
    """
    token = assertion_of(caller)
    caller.tenant.reset()

    assert 200 == exchange(caller, token).status_code


def test_consent_for_the_api_is_required(caller: Caller) -> None:
    """
    The user granted the public app a permission on the API, but not the API a permission on Graph (AADSTS65001).
    """
    caller.tenant.seed.withdraw(caller.tenant.users.normal.upn, caller.tenant.api_client)
    assertion = assertion_of(caller)

    refused = exchange(caller, assertion)
    caller.tenant.seed.grant("*", caller.tenant.api_client, "https://graph.microsoft.com", ["User.Read"])

    assert (400, "invalid_grant", [65001]) == codes(refused)
    assert "consent_required" == refused.json()["suberror"]
    assert 200 == exchange(caller, assertion).status_code


def test_default_stands_for_the_granted_permissions(caller: Caller) -> None:
    """
    `.default` returns all permissions that were granted to the API.
    """
    answer = exchange(caller, assertion_of(caller), scope="https://graph.microsoft.com/.default").json()

    assert "User.Read" == caller.claims(answer["access_token"])["scp"]


def test_a_second_factor_is_demanded_with_claims(caller: Caller) -> None:
    """
    The caller must get the claims, so that the user can sign in again with the second factor.
    """
    token = assertion_of(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"mfa_code": "1"})

    body = exchange(caller, token).json()

    assert ("interaction_required", "basic_action", [50076]) == (body["error"], body["suberror"], body["error_codes"])
    assert "capolids" in body["claims"]


def test_a_sign_in_with_a_second_factor_suffices(caller: Caller) -> None:
    """
    The methods of the user's sign-in apply to the exchange, and its token names them.
    """
    person = caller.tenant.person(caller.tenant.users.mfa)
    scope = f"{caller.tenant.api_uri}/Orders.Read"
    token = caller.redeem(caller.code(person, scope=scope), scope=scope).json()["access_token"]

    answer = exchange(caller, token).json()

    assert ["pwd", "mfa"] == caller.claims(answer["access_token"])["amr"]


@pytest.mark.parametrize(
    ("changes", "code"), [({"is_enabled": False}, 50057), ({"is_locked": True}, 50053), ({"is_blocked": True}, 53003)]
)
def test_the_account_is_looked_at(caller: Caller, changes: dict[str, object], code: int) -> None:
    """
    Accounts that are disabled, locked or blocked can't be acted for.
    """
    token = assertion_of(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, changes)

    assert [code] == codes(exchange(caller, token))[2]


def test_a_revoked_sign_in_can_not_be_exchanged(caller: Caller) -> None:
    """
    An assertion from before the revocation is refused (AADSTS50173).
    """
    token = assertion_of(caller)
    caller.tenant.clock.advance(1)
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    assert (400, "invalid_grant", [50173]) == codes(exchange(caller, token))


def test_support_for_claims_challenges_is_announced_as_elsewhere(caller: Caller) -> None:
    """
    With `xms_cc`, the token has the claim and a long lifetime.
    """
    wish = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'

    answer: dict[str, Any] = exchange(caller, assertion_of(caller), claims=wish).json()

    assert ["cp1"] == caller.claims(answer["access_token"])["xms_cc"]
    assert 20 * 3600 <= answer["expires_in"]
