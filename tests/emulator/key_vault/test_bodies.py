"""Keys, certificates and secrets as a key vault returns them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from tests.emulator.key_vault.conftest import b64url

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(("name", "kind"), [("nightly", "RSA"), ("nightly-hsm", "RSA-HSM")])
def test_a_key_is_shown_without_its_private_part(caller: Caller, name: str, kind: str) -> None:
    """
    A key is a JSON web key (RFC 7517) with its id; it belongs to a certificate and is therefore managed.
    """
    body = caller.vault(f"keys/{name}").json()

    key = body["key"]
    assert {"kid", "kty", "key_ops", "n", "e"} == set(key)
    assert (kind, "AQAB", 342, True) == (key["kty"], key["e"], len(key["n"]), body["managed"])
    assert key["kid"].startswith(f"{caller.tenant.vault_url}/keys/{name}/")
    assert "sign" in key["key_ops"]
    assert {"enabled", "nbf", "exp", "created", "updated"} <= set(body["attributes"])


@pytest.mark.parametrize(("name", "is_exportable"), [("nightly", True), ("nightly-hsm", False)])
def test_a_certificate_names_its_key_and_its_secret(caller: Caller, name: str, *, is_exportable: bool) -> None:
    """
    Certificate, key and secret have the same name and version; the policy contains whether the key is exportable.
    """
    body = caller.vault(f"certificates/{name}").json()

    version = body["id"].rpartition("/")[2]
    url = caller.tenant.vault_url
    thumbprint = b64url(hashlib.sha1(base64.b64decode(body["cer"]), usedforsecurity=False).digest())
    assert [f"{url}/{kind}/{name}/{version}" for kind in ("certificates", "keys", "secrets")] == [
        body[one] for one in ("id", "kid", "sid")
    ]
    assert (thumbprint, "application/x-pkcs12") == (body["x5t"], body["contentType"])
    assert is_exportable is body["policy"]["key_props"]["exportable"]
    assert body == caller.vault(f"certificates/{name}/{version}").json()


@pytest.mark.parametrize(("name", "has_key"), [("nightly", True), ("nightly-hsm", False)])
def test_the_secret_of_a_certificate_is_a_pfx(caller: Caller, name: str, *, has_key: bool) -> None:
    """
    The PFX contains the private key only if it is exportable.
    """
    body = caller.vault(f"secrets/{name}").json()

    key, own, others = pkcs12.load_key_and_certificates(base64.b64decode(body["value"]), None)
    certificate = own or others[0]
    assert caller.vault(f"certificates/{name}").json()["cer"] == base64.b64encode(
        certificate.public_bytes(serialization.Encoding.DER)
    ).decode()  # fmt: skip
    assert ("application/x-pkcs12", has_key) == (body["contentType"], key is not None)
    assert body["kid"].startswith(f"{caller.tenant.vault_url}/keys/{name}/")


@pytest.mark.parametrize("is_exportable", [True, False])
def test_the_secret_of_a_certificate_may_be_pem(caller: Caller, *, is_exportable: bool) -> None:
    """
    The PEM contains the key, if it is exportable, and the certificate.
    """
    one = caller.tenant.seed.add_vault_certificate(
        "contoso", "pem", is_exportable=is_exportable, content_type="application/x-pem-file"
    )

    body = caller.vault("secrets/pem").json()

    key, mark, rest = body["value"].partition("-----BEGIN CERTIFICATE-----")
    assert ("application/x-pem-file", one.certificate_pem) == (body["contentType"], mark + rest)
    assert is_exportable is key.startswith("-----BEGIN PRIVATE KEY-----")


def test_a_plain_secret_has_its_value(caller: Caller) -> None:
    """
    Content type and expiry are present only if set; an expired secret can still be read.
    """
    caller.tenant.seed.add_vault_secret("contoso", "Other", "value", content_type="text/plain", expires_at=5)

    plain = caller.vault("secrets/nightly-secret").json()
    other = caller.vault("secrets/other").json()

    assert {"value", "id", "attributes"} == set(plain)
    assert (caller.tenant.client_secret, "exp" in plain["attributes"]) == (plain["value"], False)
    assert ("value", "text/plain", 5) == (other["value"], other["contentType"], other["attributes"]["exp"])


@pytest.mark.parametrize("kind", ["keys", "certificates", "secrets"])
def test_versions_are_listed(caller: Caller, kind: str) -> None:
    """
    Every version is listed by its id; an unknown name has no versions. A request without a version gets the newest one.
    """
    first = caller.vault(f"{kind}/nightly").json()
    caller.tenant.seed.add_vault_certificate("contoso", "nightly")

    newest = caller.vault(f"{kind}/nightly/").json()
    listed = caller.vault(f"{kind}/nightly/versions").json()

    def id_of(body: dict[str, Any]) -> str:
        found: str = body["key"]["kid"] if "key" in body else body["kid"] if kind == "keys" else body["id"]
        return found

    assert [id_of(first), id_of(newest)] == [id_of(one) for one in listed["value"]]
    assert listed["nextLink"] is None
    assert "value" not in listed["value"][0]
    assert {"value": [], "nextLink": None} == caller.vault(f"{kind}/nothing/versions").json()
