"""The key vault as a service: states, addresses, seeds, faults, journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from entrakit_emulator import faults
from entrakit_emulator.sts.keys import make_certificate, make_key

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

SCOPE = "https://vault.azure.net/.default"


def refused(response: httpx2.Response) -> tuple[int, str, str]:
    """Return status, code and inner code of an error."""
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("innererror", {}).get("code", "")


def pem_pair(*, days: int = 365, start_days: int = -1) -> dict[str, str]:
    """Return a certificate and its key, PEM."""
    key = make_key()
    certificate = make_certificate("given", key, days=days, start_days=start_days)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "private_key": private.decode(),
    }


@pytest.mark.parametrize(
    ("kind", "code"), [("keys", "KeyDisabled"), ("certificates", "CertificateDisabled"), ("secrets", "SecretDisabled")]
)
def test_a_disabled_version_is_refused(caller: Caller, kind: str, code: str) -> None:
    """
    403, also where it is the newest of several; the older ones can still be had.
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


@pytest.mark.parametrize("times", [{"days": -1, "start_days": -5}, {"days": 5, "start_days": 2}])
def test_a_key_signs_while_its_certificate_is_valid_only(caller: Caller, times: dict[str, int]) -> None:
    """
    Before and after, the key can be read, not used ("About keys": date-time controlled operations).
    """
    caller.tenant.seed.add_vault_certificate("contoso", "timed", **pem_pair(**times))  # type: ignore[arg-type] # PEM

    assert (403, "Forbidden", "KeyNotYetValidOrExpired") == refused(caller.vault_sign("timed"))
    assert 200 == caller.vault("keys/timed").status_code


def test_permissions_are_told_apart(caller: Caller) -> None:
    """
    Who may sign with a key need not be able to read secrets.
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
    For clients that know no path before the kind; ids begin with the URL that was asked. Slashes too many do no harm.
    """
    url = caller.tenant.url

    assert caller.vault("/keys/nightly").json()["key"]["kid"].startswith(f"{url}/keys/nightly/")
    assert (
        caller.vault("/keyvault/CONTOSO//keys/nightly/")
        .json()["key"]["kid"]
        .startswith(f"{url}/keyvault/contoso/keys/nightly/")
    )
    assert caller.tenant.vault_url == f"{url}/keyvault/contoso"


def test_a_vault_that_there_is_not(caller: Caller) -> None:
    """
    404, in no form of the service, which would not be found at all.
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
    ],
)
def test_the_rest_of_key_vault_is_refused_by_name(caller: Caller, method: str, path: str) -> None:
    """
    501, naming what is missing.
    """
    response = caller.vault(path, method=method)

    assert 501 == response.status_code
    assert f"Key Vault's {method} /{path.partition('/')[0]}" in response.json()["error_description"]


@pytest.mark.parametrize("algorithm", ["RS384", "PS512"])
def test_longer_hashes_are_refused_by_name(caller: Caller, algorithm: str) -> None:
    """
    The service has them; the emulator says that it has not.
    """
    assert 501 == caller.vault_sign("nightly", algorithm).status_code


def test_headers_are_those_of_key_vault(caller: Caller) -> None:
    """
    Region, version, request id, and the client's own id back; nothing of the token service.
    """
    headers = {"Authorization": f"Bearer {caller.vault_token()}", "x-ms-client-request-id": "mine"}

    response = caller.http.get("/keyvault/contoso/keys/nightly?api-version=7.5", headers=headers)

    assert ("mine", "no-cache") == (response.headers["x-ms-client-request-id"], response.headers["cache-control"])
    assert {"x-ms-keyvault-region", "x-ms-keyvault-service-version", "x-ms-request-id"} <= set(response.headers)
    assert "x-ms-ests-server" not in response.headers


def test_the_journal_knows_the_vault(caller: Caller) -> None:
    """
    Endpoint `keyvault`, with the error code; never the token.
    """
    caller.vault("secrets/nothing")

    entry = caller.tenant.journal.of("keyvault")[0]

    assert ("/keyvault/contoso/secrets/nothing", 404, "SecretNotFound") == (entry.path, entry.status, entry.error)
    assert ({"api-version": "7.5"}, "Bearer ***") == (dict(entry.parameters), entry.headers["authorization"])


def test_faults_meet_the_vault_in_its_own_form(caller: Caller) -> None:
    """
    Throttled, unavailable, challenged; others as at other endpoints.
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


def test_vaults_are_seeded_by_the_control_plane_and_reset(caller: Caller) -> None:
    """
    Steps by name; a reset takes them back, and keeps certificate and versions of the seeds.
    """
    tenant = caller.tenant
    before = caller.vault("certificates/nightly").json()["id"]

    planted = caller.control(
        "POST",
        "seed",
        [
            {"do": "add_vault", "name": "Second"},
            {"do": "add_vault_secret", "vault": "second", "name": "one", "value": "1", "expires_at": 5.0},
            {"do": "add_vault_certificate", "vault": "second", "name": "two", **pem_pair()},
            {"do": "allow_on_vault", "vault": "second", "who": tenant.users.mfa.upn, "permissions": ["secrets/get"]},
            {"do": "allow_on_vault", "vault": "second", "who": tenant.vault_client},
        ],
    )
    found = caller.vault("/keyvault/second/secrets/one").json()["value"]
    caller.control("POST", "reset")

    assert (200, "1") == (planted.status_code, found)
    assert 404 == caller.vault("/keyvault/second/secrets/one").status_code
    assert before == caller.vault("certificates/nightly").json()["id"]
    assert tenant.vault_url == caller.control("GET", "tenant").json()["vault_url"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"do": "add_vault", "name": "no"}, "no name of a vault"),
        ({"do": "add_vault", "name": "CONTOSO"}, "already"),
        ({"do": "add_vault", "name": "third", "tenant_id": "x"}, "no tenant"),
        ({"do": "add_vault_secret", "vault": "third", "name": "a", "value": ""}, "no vault 'third'"),
        ({"do": "add_vault_secret", "vault": "contoso", "name": "a b", "value": ""}, "no name of a key"),
        ({"do": "add_vault_secret", "vault": "contoso", "name": "Nightly", "value": ""}, "a certificate 'Nightly'"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "nightly-secret"}, "a secret 'nightly-secret'"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "a/b"}, "no name of a key"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "a", "content_type": "text/plain"}, "x-pem-file"),
        ({"do": "add_vault_certificate", "vault": "contoso", "name": "a", "certificate": "a"}, ""),
        ({"do": "allow_on_vault", "vault": "contoso", "who": "nobody"}, "no app and no person"),
        ({"do": "allow_on_vault", "vault": "contoso", "who": "x", "permissions": ["keys/eat"]}, "keys/eat"),
    ],
)
def test_seeds_that_can_not_be_are_refused(caller: Caller, step: dict[str, object], words: str) -> None:
    """
    400, saying what is wrong.
    """
    response = caller.control("POST", "seed", [step])

    assert 400 == response.status_code
    assert words in response.json()["error"]


@pytest.mark.parametrize("is_elliptic", [True, False])
def test_a_key_belongs_to_its_certificate(caller: Caller, *, is_elliptic: bool) -> None:
    """
    Another key, or one of another kind, is a mistake in the test.
    """
    key = ec.generate_private_key(ec.SECP256R1()) if is_elliptic else make_key()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    with pytest.raises(ValueError, match="not the RSA key"):
        caller.tenant.seed.add_vault_certificate(
            "contoso", "a", certificate=pem_pair()["certificate"], private_key=private.decode()
        )
