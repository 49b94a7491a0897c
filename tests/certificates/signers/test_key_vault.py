"""Azure Key Vault: keys that sign there, and certificates and secrets that another connection reads."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import pytest
from tests.services.fake_service import run

from entrakit import connect, get_connection
from entrakit.authority.clouds import CLOUDS, GLOBAL, find_cloud
from entrakit.certificates.signers.key_vault import KeyVault, KeyVaultKey, _key_path
from entrakit.certificates.sources import credential_from
from entrakit.cli.reconnect import reconnect
from entrakit.errors import (
    CertificateError,
    NetworkError,
    NotConnectedError,
    ParameterError,
    ParameterSetError,
    SignInError,
)
from entrakit.services.operation import Response
from entrakit.services.runner import steps_of
from entrakit.services.service import Service, find_service
from entrakit.sources import InKeyVault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from entrakit import Connection
    from entrakit.authority.clouds import Cloud
    from entrakit.services.connected import OpenConnection
    from entrakit.services.operation import Call, Operation
    from entrakit_emulator import Tenant

T = TypeVar("T")

connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture
def app(entra_tenant: Tenant) -> dict[str, object]:
    """Return an app and a key vault, which the saved connection `ops` is allowed to use."""
    tenant = {
        "tenant_id": entra_tenant.tenant_id,
        "cloud": find_cloud(entra_tenant.url),
        "ca_bundle": entra_tenant.ca_path,
    }
    connect_any(
        client_id=entra_tenant.vault_client,
        client_secret=entra_tenant.vault_client_secret,
        save_secret=True,
        name="ops",
        **tenant,
    ).close()
    key_vault = {"key_vault": entra_tenant.vault_url, "key_vault_connection": "ops"}
    return {"client_id": entra_tenant.confidential_client, **tenant, **key_vault}


def test_a_key_signs_in_the_key_vault(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    The certificate is read, the key is not: the key vault signs, and the tenant accepts the signature.
    """
    entra_tenant.journal.clear()

    with connect_any(key_vault_certificate=entra_tenant.vault_hsm_certificate, **app) as connection:
        assert connection.token().access_token

    requests = [
        (one.method, one.path.rpartition("/contoso/")[2].split("/")[0]) for one in entra_tenant.journal.of("keyvault")
    ]
    assert [("GET", "certificates"), ("POST", "keys")] == requests


def test_a_later_process_signs_there_again(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    A saved connection contains neither key nor certificate, only the key vault and the connection that authenticates.
    """
    connect_any(key_vault_certificate=entra_tenant.vault_hsm_certificate, name="app", **app).close()

    with get_connection("app") as connection:
        assert connection.token(min_validity_s=10**6).access_token
        words = reconnect(connection.info)
    assert f"--key-vault {entra_tenant.vault_url} --key-vault-connection ops --key-vault-certificate" in words


def test_a_key_signs_for_a_file(app: dict[str, object], entra_tenant: Tenant, tmp_path: Path) -> None:
    """
    The certificate can be a local file, with its key in the key vault.
    """
    (tmp_path / "app.pem").write_text(entra_tenant.certificate_pem)

    with connect_any(
        key_vault_key=entra_tenant.vault_certificate, certificate_path=tmp_path / "app.pem", **app
    ) as connection:
        assert connection.token().access_token


def test_a_certificate_is_read_from_a_secret(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    A secret with a certificate and its key (PFX) signs in this process.
    """
    with connect_any(key_vault_secret=entra_tenant.vault_certificate, **app) as connection:
        assert "certificate" == connection.info.flow
        assert connection.token().access_token


def test_a_client_secret_is_read_from_a_secret(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    Any other secret is a client secret of the app. A renewal reads it again, so it can be changed in the key vault.
    """
    connect_any(key_vault_secret=entra_tenant.vault_secret, name="app", **app).close()

    with get_connection("app") as connection:
        assert "secret" == connection.info.flow
        assert connection.token(min_validity_s=10**6).access_token
        assert "--key-vault-secret" in reconnect(connection.info)


def test_a_line_break_at_the_end_of_a_secret_is_removed(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    A secret that was uploaded from a file has a line break at its end, which does not belong to it.
    """
    entra_tenant.seed.add_vault_secret(entra_tenant.vault, "uploaded", f"{entra_tenant.client_secret}\n")

    with connect_any(key_vault_secret="uploaded", **app) as connection:
        assert "secret" == connection.info.flow


def test_the_first_valid_secret_of_several_is_used(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    Secrets that do not exist, or do not sign in, are skipped. The connection saves the name of the valid one.
    """
    entra_tenant.seed.add_vault_secret(entra_tenant.vault, "stale", "emu8Q~not-the-secret")
    names = ["gone", "stale", entra_tenant.vault_secret]

    with connect_any(key_vault_secret=names, **app) as connection:
        assert ("vault_secret", entra_tenant.vault_secret) in connection.info.origin
    with pytest.raises(SignInError, match="secret is wrong"):
        connect_any(key_vault_secret=["gone", "stale"], **app)
    with pytest.raises(CertificateError, match="SecretNotFound"):
        connect_any(key_vault_secret=["stale", "gone"], **app)


def test_a_refusal_of_the_key_vault_is_reported(app: dict[str, object], entra_tenant: Tenant) -> None:
    """
    An unknown name, a key that is not exportable and a missing right give the error of the key vault, and a remedy.
    """
    for parameters, words in (
        ({"key_vault_certificate": "gone"}, "CertificateNotFound"),
        ({"key_vault_secret": entra_tenant.vault_hsm_certificate}, "without its private key|no certificate|Forbidden"),
    ):
        with pytest.raises(CertificateError, match=words):
            connect_any(**parameters, **app)
    stranger = {"client_id": entra_tenant.confidential_client, "client_secret": entra_tenant.client_secret}
    tenant = {name: value for name, value in app.items() if name in ("tenant_id", "cloud", "ca_bundle")}
    connect_any(name="stranger", save_secret=True, **stranger, **tenant).close()
    with pytest.raises(CertificateError, match="Forbidden") as caught:
        connect_any(key_vault_certificate="nightly", **app | {"key_vault_connection": "stranger"})
    assert "Give the connection the right" in caught.value.remedy


def test_parameters_that_do_not_match_are_reported(app: dict[str, object]) -> None:
    """
    A key vault without an object, an object without a key vault, two objects, and an unknown connection are errors.
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
        ({"key_vault_certificate": "a", "key_vault": "contoso"}, "you need a saved connection"),
        ({"key_vault_certificate": "a", "key_vault_connection": "ops"}, "No key vault was named"),
        ({"key_vault_key": "a", "key_vault": "contoso", "key_vault_connection": "ops"}, "none was named"),
        (
            {"key_vault_certificate": "a", "key_vault": "contoso", "key_vault_connection": "ops", "name": "OPS"},
            "itself",
        ),
        ({"key_vault_certificate": "../a", "key_vault": "contoso", "key_vault_connection": "ops"}, "is not a name in"),
    ):
        with pytest.raises(ParameterError, match=words):
            connect_any(**parameters, **plain)
    with pytest.raises(NotConnectedError, match="'nobody'"):
        connect_any(key_vault_certificate="a", **app | {"key_vault_connection": "nobody"})


@pytest.mark.parametrize(
    ("key_vault", "cloud", "url"),
    [
        ("contoso", "global", "https://contoso.vault.azure.net"),
        ("Contoso-1", "china", "https://contoso-1.vault.azure.cn"),
        ("https://contoso.vault.usgovcloudapi.net/", "usgov", "https://contoso.vault.usgovcloudapi.net"),
    ],
)
def test_a_key_vault_is_a_name_or_an_address(key_vault: str, cloud: str, url: str) -> None:
    """
    A name is completed with the suffix of the cloud.
    """
    assert url == find_service("key-vault", find_cloud(cloud), key_vault=key_vault).url


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_every_cloud_has_key_vaults(cloud: Cloud) -> None:
    """
    In every cloud the resource of the token is the suffix of the key vaults.
    """
    service = find_service("key-vault", cloud, key_vault="contoso")

    assert f"https://contoso.{service.resource.removeprefix('https://')}" == service.url
    assert service == find_service("key-vault", cloud, key_vault=service.url)


@pytest.mark.parametrize(
    "key_vault",
    [
        *("", "x", "a.b", "http://contoso.vault.azure.net", "https://", "https://u:p@host", "https://host/?q=1"),
        *("contoso/../evil", "-contoso", "https://[", "https://exa mple", "https://host:x", "https://host:99999"),
    ],
)
def test_another_text_is_not_a_key_vault(key_vault: str) -> None:
    """
    The address of a key vault is an https address without user name, password and query.
    """
    with pytest.raises(ParameterError, match=r"neither a name nor an https address|is missing"):
        find_service("key-vault", GLOBAL, key_vault=key_vault)


@pytest.mark.parametrize("key_id", ["", "https://evil.example/other/key", "https://evil.example/keys/../../x", "keys"])
def test_a_key_id_gives_only_name_and_version(key_id: str) -> None:
    """
    Only name and version of a key id are used, so the token is not sent to the host of the id.
    """
    with pytest.raises(CertificateError, match="named no key"):
        _key_path(key_id)
    assert "n/1" == _key_path("https://contoso.vault.azure.net/keys/n/1")


class Info(NamedTuple):
    """Settings of a connection."""

    cloud: Cloud = GLOBAL


class CannedClient(NamedTuple):
    """A client that gives every request the same response, without waiting."""

    status: int
    body: bytes

    def run(self, operation: Call[T] | Operation[T]) -> T:
        """Run an operation."""
        service = Service("key-vault", "https://contoso.vault.azure.net", "https://vault.azure.net")
        return run(steps_of(operation, service), lambda request: Response(request, self.status, {}, self.body))


class CannedConnection(NamedTuple):
    """A connection of the global cloud; None as its client means that it must not be used."""

    client: CannedClient | None
    info: Info = Info()

    def service(self, service: Service, /) -> CannedClient:
        """Return the client."""
        assert self.client is not None, service
        return self.client


def answering(body: bytes, status: int = 200) -> OpenConnection:
    """Return a function that opens a connection to a key vault with this response."""

    @contextmanager
    def open_connection(name: str) -> Iterator[CannedConnection]:
        yield CannedConnection(CannedClient(status, body))

    return open_connection


@contextmanager
def unused(name: str) -> Iterator[CannedConnection]:
    """Open a connection that must not be used."""
    yield CannedConnection(None)


@pytest.mark.parametrize(
    "key_vault",
    [
        "https://evil.example",
        "https://vault.azure.net.evil.example",
        "https://contoso.vault.azure.cn",
        "https://evil.example/contoso.vault.azure.net",
    ],
)
def test_only_key_vaults_of_the_cloud_get_a_token(key_vault: str) -> None:
    """
    No other host gets a token, and neither does a key vault of another cloud.
    """
    with pytest.raises(ParameterError, match="not a key vault of the cloud 'global', so it gets no token"):
        KeyVault(key_vault, "ops", unused).certificate("app")


def test_secrets_of_the_key_vault_are_never_shown(
    app: dict[str, object], entra_tenant: Tenant, private_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A secret that was read is in memory only: not in logs, in saved connections, or in a repr.
    """
    caplog.set_level(logging.DEBUG)
    connection = connect_any(key_vault_secret=entra_tenant.vault_secret, name="app", **app)
    origin = dict(connection.info.origin)
    connection.close()

    shown = caplog.text + repr(connection) + repr(origin)
    assert entra_tenant.client_secret not in shown
    with pytest.raises(ParameterError):
        credential_from(
            InKeyVault(origin["vault"], origin["vault_connection"], secret=origin["vault_secret"]), None, 0.0
        )
    for path in private_home.rglob("*"):
        assert not path.is_file() or entra_tenant.client_secret.encode() not in path.read_bytes()


KID = b'"kid": "https://contoso.vault.azure.net/keys/a/1"'


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"<html>", NetworkError, "incomplete or not JSON"),
        (b"[]", CertificateError, "named no key"),
        (b'{"cer": "%%", ' + KID + b"}", CertificateError, "not base64"),
        (b'{"cer": "AAAA", ' + KID + b"}", CertificateError, "is damaged"),
    ],
)
def test_an_invalid_response_is_reported(body: bytes, error: type[Exception], words: str) -> None:
    """
    A response that is not JSON, or is not a certificate, gives a clear error.
    """
    with pytest.raises(error, match=words):
        KeyVault("contoso", "ops", answering(body)).certificate("app")


@pytest.mark.parametrize(
    ("body", "words"), [(b"<html>", "HTTP 502"), (b'{"error": {"code": "Bad", "message": "so"}}', "Bad, so")]
)
def test_a_refusal_has_the_code_of_the_key_vault(body: bytes, words: str) -> None:
    """
    The error has code and message of the key vault, or the HTTP status if the response has none.
    """
    with pytest.raises(CertificateError, match=words):
        KeyVault("contoso", "ops", answering(body, 502)).secret("app")


def test_the_content_of_a_secret() -> None:
    """
    A secret contains PEM, PFX or a client secret. An empty secret is an error.
    """
    source = InKeyVault("contoso", "ops", secret="app")

    with pytest.raises(CertificateError, match="is empty"):
        KeyVault("contoso", "ops", answering(b"{}")).secret("app")
    pem = answering(b'{"value": "x", "contentType": "application/x-pem-file"}')
    with pytest.raises(CertificateError, match="neither PFX nor PEM"):
        credential_from(source, None, 0.0, open_connection=pem)
    key_vault = KeyVault("contoso", "ops", answering(b'{"value": "A"}'))
    assert "KeyVault('contoso', connection='ops')" == repr(key_vault)
    with pytest.raises(CertificateError, match="signature"):
        KeyVaultKey(key_vault, "a/1").sign(b"message")
