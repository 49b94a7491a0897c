"""Azure Key Vault: keys that sign where they are, certificates and secrets that are fetched, by another connection."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import pytest

from entrakit import connect, get_connection
from entrakit.authority.clouds import GLOBAL, find_cloud
from entrakit.certificates.signers.key_vault import KeyVault, VaultKey, vault_url
from entrakit.certificates.sources import proof_from
from entrakit.cli.reconnect import reconnect
from entrakit.connection.settings import Settings
from entrakit.errors import (
    CertificateError,
    NetworkError,
    NotConnectedError,
    ParameterError,
    ParameterSetError,
    SignInError,
)
from entrakit.http.message import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrakit import Connection
    from entrakit_emulator import Tenant

connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture
def app(entra_tenant: Tenant) -> dict[str, object]:
    """Return who signs in, and from which vault; the connection `ops` may use it."""
    where = {
        "tenant_id": entra_tenant.tenant_id, "cloud": find_cloud(entra_tenant.url), "ca_bundle": entra_tenant.ca_path
    }  # fmt: skip
    connect_any(
        client_id=entra_tenant.vault_client, client_secret=entra_tenant.vault_client_secret, save_secret=True,
        name="ops", **where,
    ).close()  # fmt: skip
    vault = {"key_vault": entra_tenant.vault_url, "key_vault_connection": "ops"}
    return {"client_id": entra_tenant.confidential_client, **where, **vault}


def test_a_key_signs_in_the_vault(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    Its certificate is read, its key is never fetched: the vault signs, and the tenant verifies what it signed.
    """
    entra_tenant.journal.clear()

    with connect_any(key_vault_certificate=entra_tenant.vault_hsm_certificate, **app) as connection:
        assert connection.token().access_token

    asked = [
        (one.method, one.path.rpartition("/contoso/")[2].split("/")[0]) for one in entra_tenant.journal.of("keyvault")
    ]
    assert [("GET", "certificates"), ("POST", "keys")] == asked


def test_a_later_process_signs_there_again(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    A kept connection has neither key nor certificate: it remembers the vault, and through which connection.
    """
    connect_any(key_vault_certificate=entra_tenant.vault_hsm_certificate, name="app", **app).close()

    with get_connection("app") as connection:
        assert connection.token(min_validity_s=10**6).access_token
        words = reconnect(connection.settings)
    assert f"--key-vault {entra_tenant.vault_url} --key-vault-connection ops --key-vault-certificate" in words


def test_a_key_signs_for_a_file(app: dict[str, object], entra_tenant: Tenant, tmp_path: Path) -> None:
    """
    The certificate may be a file of ours, with its key in the vault.
    """
    (tmp_path / "app.pem").write_text(entra_tenant.certificate_pem)

    with connect_any(
        key_vault_key=entra_tenant.vault_certificate, certificate_path=tmp_path / "app.pem", **app
    ) as connection:
        assert connection.token().access_token


def test_a_certificate_is_fetched(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    A secret that is a certificate with its key (PFX) signs in this process.
    """
    with connect_any(key_vault_secret=entra_tenant.vault_certificate, **app) as connection:
        assert "certificate" == connection.settings.flow
        assert connection.token().access_token


def test_a_client_secret_is_fetched(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    Any other secret is the app's own; a renewal fetches it again, so that it may be changed in the vault.
    """
    connect_any(key_vault_secret=entra_tenant.vault_secret, name="app", **app).close()

    with get_connection("app") as connection:
        assert "secret" == connection.settings.flow
        assert connection.token(min_validity_s=10**6).access_token
        assert "--key-vault-secret" in reconnect(connection.settings)


def test_the_first_of_several_that_works(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    Names that are not there, or do not sign in, are passed over; what worked is remembered.
    """
    entra_tenant.seed.add_vault_secret(entra_tenant.vault, "stale", "emu8Q~not-the-secret")
    names = ["gone", "stale", entra_tenant.vault_secret]

    with connect_any(key_vault_secret=names, **app) as connection:
        assert ("vault_secret", entra_tenant.vault_secret) in connection.settings.origin
    with pytest.raises(SignInError, match="secret is wrong"):
        connect_any(key_vault_secret=["gone", "stale"], **app)
    with pytest.raises(CertificateError, match="SecretNotFound"):
        connect_any(key_vault_secret=["stale", "gone"], **app)


def test_what_the_vault_refuses_is_told(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    No such name, a key that can't be fetched, no right: each by what the vault says, with what to do.
    """
    for parameters, words in (
        ({"key_vault_certificate": "gone"}, "CertificateNotFound"),
        ({"key_vault_secret": entra_tenant.vault_hsm_certificate}, "without its private key|no certificate|Forbidden"),
    ):
        with pytest.raises(CertificateError, match=words):
            connect_any(**parameters, **app)
    stranger = {"client_id": entra_tenant.confidential_client, "client_secret": entra_tenant.client_secret}
    where = {name: value for name, value in app.items() if name in ("tenant_id", "cloud", "ca_bundle")}
    connect_any(name="stranger", save_secret=True, **stranger, **where).close()
    with pytest.raises(CertificateError, match="Forbidden") as caught:
        connect_any(key_vault_certificate="nightly", **app | {"key_vault_connection": "stranger"})
    assert "Give the connection the right" in caught.value.remedy


def test_what_does_not_go_together_is_told(app: dict[str, object]) -> None:
    """
    A vault without what is wanted of it, what is wanted without a vault, two wishes at once, an unknown connection.
    """
    plain = {name: value for name, value in app.items() if not name.startswith("key_vault")}
    for parameters in (
        {"key_vault": "contoso", "key_vault_connection": "ops"},
        {"key_vault_certificate": "a", "key_vault_secret": "b", "key_vault": "contoso"},
        {"key_vault_certificate": "a", "client_secret": "x", "key_vault": "contoso"},
        {"key_vault_certificate": "a", "certificate_path": "x", "key_vault": "contoso"},
    ):
        with pytest.raises(ParameterSetError):
            connect_any(**parameters, **plain)
    for parameters, words in (
        ({"key_vault_certificate": "a", "key_vault": "contoso"}, "needs a connection"),
        ({"key_vault_certificate": "a", "key_vault_connection": "ops"}, "No key vault was named"),
        ({"key_vault_key": "a", "key_vault": "contoso", "key_vault_connection": "ops"}, "none was named"),
        (
            {"key_vault_certificate": "a", "key_vault": "contoso", "key_vault_connection": "ops", "name": "OPS"},
            "itself",
        ),
        ({"key_vault_certificate": "../a", "key_vault": "contoso", "key_vault_connection": "ops"}, "can't be a name"),
    ):
        with pytest.raises(ParameterError, match=words):
            connect_any(**parameters, **plain)
    with pytest.raises(NotConnectedError, match="'nobody'"):
        connect_any(key_vault_certificate="a", **app | {"key_vault_connection": "nobody"})


@pytest.mark.parametrize(
    ("vault", "suffix", "url"),
    [("contoso", "vault.azure.net", "https://contoso.vault.azure.net"),
     ("Contoso-1", "vault.azure.cn", "https://contoso-1.vault.azure.cn"),
     ("https://contoso.vault.usgovcloudapi.net/", "vault.azure.net", "https://contoso.vault.usgovcloudapi.net")],
)  # fmt: skip
def test_a_vault_is_a_name_or_an_address(vault: str, suffix: str, url: str) -> None:
    """
    A name is completed with the cloud's own suffix.
    """
    assert url == vault_url(vault, suffix)


@pytest.mark.parametrize("vault", ["", "x", "a.b", "http://contoso.vault.azure.net", "https://", "https://u:p@host",
                                   "https://host/?q=1", "contoso/../evil", "-contoso", "https://[",
                                   "https://exa mple", "https://host:x", "https://host:99999"])  # fmt: skip
def test_what_is_no_vault_is_refused(vault: str) -> None:
    """
    Tokens go over TLS, to a host that was named plainly.
    """
    with pytest.raises(ParameterError, match="neither a name nor an https address"):
        vault_url(vault, "vault.azure.net")


@pytest.mark.parametrize("kid", ["", "https://evil.example/other/key", "https://evil.example/keys/../../x", "keys"])
def test_a_key_is_asked_of_the_named_vault_only(kid: str) -> None:
    """
    What the vault says of its keys names a key, and never another place for the token.
    """
    vault = KeyVault("contoso", "ops", cast("Callable[..., Connection]", None))

    with pytest.raises(CertificateError, match="named no key"):
        vault._path_of_key(kid)
    assert "n/1" == vault._path_of_key("https://contoso.vault.azure.net/keys/n/1")


class Elsewhere:
    """A connection of the global cloud that must give no token."""

    settings = Settings("ops", "secret", "app", "contoso.com", GLOBAL, ())

    def __enter__(self) -> Elsewhere:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def headers(self, *scopes: str) -> dict[str, str]:
        """Fail."""
        raise AssertionError(scopes)


@pytest.mark.parametrize(
    "vault", ["https://evil.example", "https://vault.azure.net.evil.example", "https://contoso.vault.azure.cn",
              "https://evil.example/contoso.vault.azure.net"],
)  # fmt: skip
def test_a_token_goes_to_vaults_of_the_cloud_only(vault: str) -> None:
    """
    Another host gets no token, however it is named; one of another cloud neither.
    """
    reach = cast("Callable[..., Connection]", lambda name: Elsewhere())

    with pytest.raises(ParameterError, match="no key vault of the cloud 'global', so it gets no token"):
        KeyVault(vault, "ops", reach).certificate("app")


def test_secrets_of_the_vault_are_nowhere(
    app: dict[str, object], entra_tenant: Tenant, private_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What was fetched is in memory only: not in logs, not in what is kept, not in any repr.
    """
    caplog.set_level(logging.DEBUG)
    connection = connect_any(key_vault_secret=entra_tenant.vault_secret, name="app", **app)
    origin = dict(connection.settings.origin)
    connection.close()

    shown = caplog.text + repr(connection) + repr(origin)
    assert entra_tenant.client_secret not in shown
    with pytest.raises(ParameterError):
        proof_from(origin, None, 0.0)
    for path in private_home.rglob("*"):
        assert not path.is_file() or entra_tenant.client_secret.encode() not in path.read_bytes()


def answering(body: bytes, status: int = 200) -> Callable[..., Connection]:
    """Return what opens a connection whose vault answers like this."""

    class Sender:
        def send(self, method: str, url: str, **more: object) -> Response:
            return Response(Request(method, url), status, {}, body)

    class Answering(Elsewhere):
        def headers(self, *scopes: str) -> dict[str, str]:
            return {"Authorization": "Bearer canary"}

        def open_transport(self) -> Sender:
            return Sender()

    return cast("Callable[..., Connection]", lambda name: Answering())


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [(b"<html>", NetworkError, "something else than JSON"), (b"[]", CertificateError, "named no key"),
     (b'{"cer": "%%", "kid": "https://contoso.vault.azure.net/keys/a/1"}', CertificateError, "not base64"),
     (b'{"cer": "AAAA", "kid": "https://contoso.vault.azure.net/keys/a/1"}', CertificateError, "is damaged")],
)  # fmt: skip
def test_an_answer_that_cannot_be_right_is_told(body: bytes, error: type[Exception], words: str) -> None:
    """
    Something else than JSON, or JSON that is no certificate: a clear error, without the token.
    """
    with pytest.raises(error, match=words) as caught:
        KeyVault("contoso", "ops", answering(body)).certificate("app")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"), [(b"<html>", "HTTP 502"), (b'{"error": {"code": "Bad", "message": "so"}}', "Bad, so")]
)
def test_a_refusal_is_told_by_its_code(body: bytes, words: str) -> None:
    """
    The vault's own code and text where it gives them, else the HTTP status.
    """
    with pytest.raises(CertificateError, match=words):
        KeyVault("contoso", "ops", answering(body, 502)).secret("app")


def test_what_a_secret_may_hold() -> None:
    """
    PEM, PFX or any other text; nothing at all is told.
    """
    with pytest.raises(CertificateError, match="is empty"):
        KeyVault("contoso", "ops", answering(b"{}")).secret("app")
    with pytest.raises(CertificateError, match="neither PFX nor PEM"):
        KeyVault("contoso", "ops", answering(b'{"value": "x", "contentType": "application/x-pem-file"}')).secret("app")
    vault = KeyVault("contoso", "ops", answering(b'{"value": "A"}'))
    assert "KeyVault('contoso', through='ops')" == repr(vault)
    with pytest.raises(CertificateError, match="signature"):
        VaultKey(vault, "a/1").sign(b"message")
