"""The API of the key vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.key_vault.conftest import SCOPE, refused

from entrakit_emulator import faults
from entrakit_emulator.state.keys import make_key

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_without_a_token_it_says_where_to_get_one(caller: Caller) -> None:
    """
    A request without a token gets 401 with the authority and the resource (Key Vault, "Authentication, requests and
    responses").
    """
    response = caller.vault("keys/nightly", token="")

    tenant = caller.tenant
    challenge = f'Bearer authorization="{tenant.url}/{tenant.tenant_id}", resource="https://vault.azure.net"'
    text = "AKV10000: Request is missing a Bearer or PoP token."
    assert (401, challenge) == (response.status_code, response.headers["www-authenticate"])
    assert {"error": {"code": "Unauthorized", "message": text}} == response.json()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aud": "https://graph.microsoft.com"}, "AKV10022: Invalid audience. Expected https://vault.azure.net or"),
        ({"aud": "https://vault.azure.net/"}, "found: https://vault.azure.net/."),
        ({"exp": 1}, "TokenExpired"),
        ({"nbf": 2**40}, "TokenNotYetValid"),
        ({"tid": "other"}, "AKV10032: Invalid issuer"),
        ({"iss": "https://evil.example/"}, "found https://evil.example/."),
    ],
)
def test_tokens_for_others_are_refused(caller: Caller, changes: dict[str, object], words: str) -> None:
    """
    Audience, lifetime, tenant and issuer are checked, and the challenge is the same.
    """
    caller.tenant.faults.add(faults.Tokens(access_token=changes))

    response = caller.vault("keys/nightly")

    assert (401, "Unauthorized", "") == refused(response)
    assert words in response.json()["error"]["message"]
    assert "authorization=" in response.headers["www-authenticate"]


@pytest.mark.parametrize("audience", ["https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"])
def test_both_names_of_the_service_are_its_audience(caller: Caller, audience: str) -> None:
    """
    The audience is the URL or the application id of the service.
    """
    assert 200 == caller.vault("keys/nightly", token=caller.vault_token(scope=f"{audience}/.default")).status_code


def test_a_token_of_another_tenant_is_refused(caller: Caller) -> None:
    """
    A key vault only accepts tokens of its tenant.
    """
    other = caller.tenant.seed.add_tenant("fabrikam.example")
    caller.tenant.seed.add_vault("fabrikam", tenant_id=other.tenant_id)

    response = caller.vault("/keyvault/fabrikam/keys/nightly")

    assert "AKV10032" in response.json()["error"]["message"]
    assert f"/{other.tenant_id}" in response.headers["www-authenticate"]


def test_what_is_no_token_of_ours_is_refused(caller: Caller) -> None:
    """
    A string that is not a token, and a token signed with another key, are refused.
    """
    forged = jwt.encode(caller.claims(caller.vault_token()), make_key(), "RS256", headers={"kid": "unknown"})

    assert "S2S12005" in caller.vault("keys/nightly", token="garbage").json()["error"]["message"]
    assert "AKV10046" in caller.vault("keys/nightly", token=forged).json()["error"]["message"]


def test_a_revoked_session_is_challenged(caller: Caller) -> None:
    """
    A revoked session gets 401 with a claims challenge (continuous access evaluation).
    """
    token = caller.password(scope=SCOPE).json()["access_token"]
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    response = caller.vault("keys/nightly", token=token)

    assert 401 == response.status_code
    assert 'error="insufficient_claims", claims="' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("", "api-version must be specified"),
        ("7.3", "The specified version (7.3) is not recognized. Consider using the latest supported version (7.5)."),
    ],
)
def test_the_api_version_is_required_and_known(caller: Caller, version: str, words: str) -> None:
    """
    Another version gets 400 BadParameter before the token is checked; 7.4 and 7.5 are supported.
    """
    response = caller.vault("keys/nightly", token="", version=version)

    assert (400, "BadParameter", "") == refused(response)
    assert words == response.json()["error"]["message"]
    assert 200 == caller.vault("keys/nightly", version="7.4").status_code


@pytest.mark.parametrize("path", ["keys/nightly", "certificates/nightly", "secrets/nightly-secret", "keys/x/versions"])
def test_a_caller_without_access_is_refused(caller: Caller, path: str) -> None:
    """
    The caller gets 403 Forbidden with the inner code ForbiddenByPolicy, the caller's ids and the permission, also for
    an unknown object.
    """
    tenant = caller.tenant
    token = caller.app_token(scope=SCOPE).json()["access_token"]

    response = caller.vault(path, token=token)

    kind, operation = path.partition("/")[0], "list" if path.endswith("versions") else "get"
    assert (403, "Forbidden", "ForbiddenByPolicy") == refused(response)
    assert (
        f"The user, group or application 'appid={tenant.confidential_client};oid={caller.claims(token)['oid']};"
        f"iss=https://sts.windows.net/{tenant.tenant_id}/' does not have {kind} {operation} permission on key vault "
        "'contoso;location=westeurope'."
    ) in response.json()["error"]["message"]


def test_a_person_with_access_is_let_in(caller: Caller) -> None:
    """
    An access policy may name users as well as apps.
    """
    token = caller.password(scope=SCOPE).json()["access_token"]

    assert caller.tenant.client_secret == caller.vault("secrets/nightly-secret", token=token).json()["value"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("keys/nothing", "KeyNotFound"),
        ("keys/nightly-secret", "KeyNotFound"),
        ("certificates/nothing", "CertificateNotFound"),
        ("secrets/nothing", "SecretNotFound"),
        ("secrets/nightly/0123456789abcdef0123456789abcdef", "SecretNotFound"),
    ],
)
def test_what_is_not_there_is_not_found(caller: Caller, path: str, code: str) -> None:
    """
    An unknown object gets 404 with its name and a hint on recovery.
    """
    response = caller.vault(path)

    assert (404, code, "") == refused(response)
    assert f" with (name/id) {path.partition('/')[2]} was not found" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("kind", "code"), [("keys", "KeyDisabled"), ("certificates", "CertificateDisabled"), ("secrets", "SecretDisabled")]
)
def test_a_disabled_version_is_refused(caller: Caller, kind: str, code: str) -> None:
    """
    A disabled version gets 403, also if it is the newest of several; older ones can be read.
    """
    seed = caller.tenant.seed
    older = seed.add_vault_certificate("contoso", "switched")
    seed.add_vault_certificate("contoso", "switched", is_enabled=False)

    response = caller.vault(f"{kind}/switched")

    assert (403, "Forbidden", code) == refused(response)
    assert f"Operation get is not allowed on a disabled {kind[:-1]}." == response.json()["error"]["message"]
    assert 200 == caller.vault(f"{kind}/switched/{older.version}").status_code
    assert (403, "Forbidden", "KeyDisabled") == refused(caller.vault_sign("switched"))
    assert 200 == caller.vault_sign(f"switched/{older.version}").status_code


def test_permissions_are_told_apart(caller: Caller) -> None:
    """
    The permission to sign with keys does not include the permission to read secrets.
    """
    tenant = caller.tenant
    tenant.seed.allow_on_vault("contoso", tenant.confidential_client, permissions=["keys/sign", "certificates/get"])
    token = caller.app_token(scope=SCOPE).json()["access_token"]
    body = {"alg": "RS256", "value": "A" * 43}

    def status(path: str, method: str = "GET") -> int:
        return caller.vault(path, token=token, method=method, body=body if method == "POST" else None).status_code

    assert (200, 200, 403, 403) == (
        status("keys/nightly/sign", "POST"), status("certificates/nightly"), status("secrets/nightly"),
        status("keys/nightly"),
    )  # fmt: skip


def test_the_origin_is_an_address_of_the_seeded_vault(caller: Caller) -> None:
    """
    Clients that know no path before the kind use the origin; ids begin with the requested URL. Additional slashes are
    ignored.
    """
    url = caller.tenant.url

    assert caller.vault("/keys/nightly").json()["key"]["kid"].startswith(f"{url}/keys/nightly/")
    assert (
        caller.vault("/keyvault/CONTOSO//keys/nightly/")
        .json()["key"]["kid"]
        .startswith(f"{url}/keyvault/contoso/keys/nightly/")
    )
    assert caller.tenant.vault_url == f"{url}/keyvault/contoso"


@pytest.mark.parametrize("path", ["Keys/Nightly", "SECRETS/nightly-secret/VERSIONS", "/Keys/nightly"])
def test_paths_have_no_case(caller: Caller, path: str) -> None:
    """
    Kinds, names and the other words of a path are accepted in any case.
    """
    assert 200 == caller.vault(path).status_code


def test_a_vault_that_there_is_not(caller: Caller) -> None:
    """
    An unknown key vault gets 404 without the form of the service, whose host would not exist.
    """
    response = caller.vault("/keyvault/nowhere/keys/nightly")

    assert (404, True) == (response.status_code, response.headers["content-type"].startswith("text/plain"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "secrets/new"),
        ("DELETE", "keys/nightly"),
        ("GET", "secrets"),
        ("GET", "certificates/nightly/1/2"),
        ("POST", "keys/nightly/decrypt"),
        ("GET", "deletedsecrets/nightly"),
        ("GET", "certificates/nightly/policy"),
        ("GET", "certificates/nightly/Pending"),
        ("GET", "certificates/contacts"),
        ("GET", "certificates/issuers/digicert"),
        ("GET", "keys/nightly/rotationpolicy"),
    ],
)
def test_the_rest_of_key_vault_is_refused_by_name(caller: Caller, method: str, path: str) -> None:
    """
    Unsupported requests get 501 with their name.
    """
    response = caller.vault(path, method=method)

    assert 501 == response.status_code
    assert f"Key Vault's {method} /{path.partition('/')[0]}" in response.json()["error_description"]


def test_headers_are_those_of_key_vault(caller: Caller) -> None:
    """
    The headers are region, version, request id and the client's own id, and none of the token service.
    """
    headers = {"Authorization": f"Bearer {caller.vault_token()}", "x-ms-client-request-id": "mine"}

    response = caller.http.get("/keyvault/contoso/keys/nightly?api-version=7.5", headers=headers)

    assert ("mine", "no-cache") == (response.headers["x-ms-client-request-id"], response.headers["cache-control"])
    assert {"x-ms-keyvault-region", "x-ms-keyvault-service-version", "x-ms-request-id"} <= set(response.headers)
    assert "x-ms-ests-server" not in response.headers


def test_the_journal_knows_the_vault(caller: Caller) -> None:
    """
    An entry has the endpoint `key_vault` and the error code, and never the token.
    """
    caller.vault("secrets/nothing")

    entry = caller.tenant.journal.of("keyvault")[0]

    assert ("/keyvault/contoso/secrets/nothing", 404, "SecretNotFound") == (entry.path, entry.status, entry.error)
    assert ({"api-version": "7.5"}, "Bearer ***") == (dict(entry.parameters), entry.headers["authorization"])


def test_faults_meet_the_vault_in_its_own_form(caller: Caller) -> None:
    """
    Throttling, failures and challenges have Key Vault's form; other faults are as for other endpoints.
    """
    add = caller.tenant.faults.add
    add(faults.Throttle(endpoint="keyvault", retry_after=7))
    add(faults.Failure(endpoint="keyvault", status=500))
    add(faults.Challenge(endpoint="keyvault", claims="{}"))
    add(faults.Challenge(endpoint="keyvault"))
    add(faults.Garbage(endpoint="keyvault", form="truncated"))

    throttled, failed, challenged = (caller.vault("keys/nightly") for _ in range(3))
    nowhere = caller.vault("/keyvault/nowhere/keys/nightly")
    garbage = caller.vault("keys/nightly")

    assert ((429, "Throttled", ""), "7") == (refused(throttled), throttled.headers["retry-after"])
    assert (500, "ServiceUnavailable", "") == refused(failed)
    assert 'claims="e30="' in challenged.headers["www-authenticate"]
    assert 'error="insufficient_claims"' in nowhere.headers["www-authenticate"]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        garbage.json()
    assert 200 == caller.vault("keys/nightly").status_code
