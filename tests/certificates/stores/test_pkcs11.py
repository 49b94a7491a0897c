"""Keys on PKCS#11 tokens: SoftHSM tokens with keys that were created there and are not exportable."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest
from tests.certificates.conftest import NOW, named
from tests.certificates.stores.conftest import PIN

from entrakit import Certificate, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.certificates.sources import credential_from
from entrakit.certificates.stores.pkcs11 import (
    COUNT_LOW,
    FINAL_TRY,
    INITIALIZED,
    LOCKED,
    LOGIN_REQUIRED,
    TokenStore,
    session_of,
)
from entrakit.certificates.stores.pkcs11_modules import Module, named_module
from entrakit.certificates.stores.pkcs11_uri import ANY, parse_uri
from entrakit.cli.words import remedy_of
from entrakit.errors import CertificateError, CertificatePasswordError, InteractionRequiredError, ParameterError
from entrakit.secret import Secret
from entrakit.sources import certificate_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pkcs11
    from tests.certificates.stores.conftest import Hsm

    from entrakit import Connection
    from entrakit_emulator import Tenant

# The tests pass parameters as dictionaries, which the overloads of connect() do not accept.
connect_any = cast("Callable[..., Connection]", connect)
NOW_S = NOW.timestamp()


@pytest.fixture
def app(hsm: Hsm, entra_tenant: Tenant) -> dict[str, object]:
    """Return an app of the tenant that has the certificate of the token."""
    entra_tenant.seed.add_certificate(entra_tenant.confidential_client, hsm.pem())
    return {
        "client_id": entra_tenant.confidential_client,
        "tenant_id": entra_tenant.tenant_id,
        "cloud": find_cloud(entra_tenant.url),
        "ca_bundle": entra_tenant.ca_path,
    }


def on_token(source: dict[str, str], password: Secret | None, now: float) -> Certificate:
    """Return the certificate of the saved form of a source."""
    place = certificate_source(source)
    assert place is not None
    found = credential_from(place, password, now)
    assert isinstance(found, Certificate)
    return found


def test_an_app_signs_in_with_a_key_on_a_token(hsm: Hsm, app: dict[str, object]) -> None:
    """
    With URI and PIN, the tenant verifies signature and thumbprint. The key is never in this process.
    """
    connection = connect_any(certificate_uri=hsm.uri, pkcs11_module=hsm.module, certificate_password=PIN, **app)
    with connection:
        assert connection.token().access_token


@pytest.mark.parametrize("how", ["thumbprint", "name"])
def test_an_app_signs_in_by_thumbprint_and_by_name(hsm: Hsm, app: dict[str, object], how: str) -> None:
    """
    Thumbprint and name find certificates on tokens, if tokens are selected.
    """
    parameters = {
        "thumbprint": {"certificate_thumbprint": hsm.thumbprint, "certificate_store": "pkcs11"},
        "name": {"certificate_name": "on a token", "pkcs11_module": hsm.module},
    }[how]
    with connect_any(certificate_password=PIN, **parameters, **app) as connection:
        assert connection.token().access_token


def test_a_renewal_finds_token_and_pin_again(
    hsm: Hsm, app: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A later process finds the token by the URI, and the PIN at its pin-source.
    """
    (tmp_path / "pin").write_text(f"{PIN}\n")
    (tmp_path / "pin").chmod(0o600)
    uri = f"{hsm.uri}?module-path={hsm.module}&pin-source=file:{tmp_path}/pin"
    connect_any(certificate_uri=uri, name="token", **app).close()

    with get_connection("token") as connection:
        assert connection.token(min_validity_s=10**6).access_token
    monkeypatch.setenv("TOKEN_PIN", PIN)
    uri = f"{hsm.uri}?module-path={hsm.module}&pin-source=env:TOKEN_PIN"
    assert on_token({"uri": uri}, None, NOW_S).sign(b"x")


def test_a_pin_of_the_program_is_required_again(hsm: Hsm, app: dict[str, object]) -> None:
    """
    A PIN is never stored: a later process reports that it is missing, and how to connect again.
    """
    connect_any(
        certificate_uri=hsm.uri, pkcs11_module=hsm.module, certificate_password=PIN, name="token", **app
    ).close()

    with get_connection("token") as connection, pytest.raises(InteractionRequiredError) as caught:
        connection.token(min_validity_s=10**6)
    assert "--certificate-uri 'pkcs11:token=signing;object=app' --pkcs11-module" in remedy_of(caught.value)
    assert PIN not in str(caught.value)


def test_a_key_on_a_token_is_not_saved(hsm: Hsm, app: dict[str, object]) -> None:
    """
    Saving a key that is not exportable is an error before anything is sent.
    """
    with pytest.raises(CertificateError, match="is not exportable"):
        connect_any(
            certificate_uri=hsm.uri,
            pkcs11_module=hsm.module,
            certificate_password=PIN,
            name="token",
            save_secret=True,
            **app,
        )


def test_a_signature_requires_the_pin(hsm: Hsm) -> None:
    """
    Without the PIN the certificate is found, but the key does not sign. The error tells how to give the PIN.
    """
    found = on_token({"uri": hsm.uri, "module": hsm.module}, None, NOW_S)

    with pytest.raises(CertificatePasswordError, match="requires its PIN") as caught:
        found.sign(b"message")
    assert "pin-source" in caught.value.remedy


def test_a_wrong_pin_is_not_tried_twice(hsm: Hsm) -> None:
    """
    Tokens count wrong PINs and lock themselves. The error has the attempts that are left, and the same PIN is not sent
    again.
    """
    store = TokenStore(named_module(hsm.module), parse_uri("pkcs11:token=wrong"), Secret("canary-wrong"))

    first, second = (next(iter(store.contents())).problem for _ in range(2))

    assert "is wrong" in first
    assert "was wrong before and is not tried again" in second
    assert "left" in first
    assert "canary" not in first + second + repr(store)


def test_a_pin_goes_to_no_other_token(hsm: Hsm) -> None:
    """
    A search by thumbprint covers several tokens. Only the one with the certificate gets the PIN, so no other token
    counts a wrong PIN.
    """
    import pkcs11

    found = on_token({"thumbprint": hsm.thumbprint, "module": hsm.module}, Secret(PIN), NOW_S)
    assert found.sign(b"message")
    wrong = on_token({"thumbprint": hsm.thumbprint, "module": hsm.module}, Secret("canary-other"), NOW_S)
    with pytest.raises(CertificateError, match="is wrong"):
        wrong.sign(b"message")

    other = pkcs11.lib(hsm.module).get_token(token_label="other")
    assert 0 == other.flags & (COUNT_LOW | FINAL_TRY | LOCKED)
    assert found.sign(b"message")


def test_threads_use_a_token_one_at_a_time(hsm: Hsm) -> None:
    """
    One thread at a time uses a module, even if many threads search and sign at the same time.
    """
    from concurrent.futures import ThreadPoolExecutor

    def sign(_: int) -> int:
        return len(on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S).sign(b"message"))

    with ThreadPoolExecutor(8) as pool:
        assert [256] * 60 == list(pool.map(sign, range(60)))


def test_a_pin_is_not_pickled(hsm: Hsm) -> None:
    """
    A signer with a PIN can't be pickled, and its fields do not show the PIN.
    """
    import pickle

    found = on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S)

    assert "canary" not in str(tuple(found.signer))  # type: ignore[arg-type] # a NamedTuple
    with pytest.raises(TypeError):
        pickle.dumps(found.signer)


def test_a_token_that_is_logged_in_signs(hsm: Hsm) -> None:
    """
    A login of another thread, which is valid for the whole process, does not prevent a signature.
    """
    import pkcs11

    found = on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S)
    with pkcs11.lib(hsm.module).get_token(token_label="signing").open(user_pin=PIN):
        assert 256 == len(found.sign(b"message"))


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("pkcs11:token=nowhere", "no certificate at"),
        ("pkcs11:token=signing;object=none", "no certificate at"),
        ("pkcs11:token=signing;object=lonely", "has no private key"),
        ("pkcs11:token=signing;id=%09", "no certificate"),
        ("pkcs11:token=other", "no certificate at"),
    ],
)
def test_a_missing_object_is_reported(hsm: Hsm, uri: str, words: str) -> None:
    """
    A missing token, a missing object and a missing key are errors with the searched module.
    """
    with pytest.raises(CertificateError, match=words) as caught:
        on_token({"uri": uri, "module": hsm.module}, Secret(PIN), NOW_S)
    assert hsm.module in str(caught.value)


def test_a_removed_token_is_reported(hsm: Hsm) -> None:
    """
    A token or key that is removed between search and signature is reported.
    """
    found = on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S)
    gone = found.signer._replace(label="gone")  # type: ignore[attr-defined] # a TokenKey

    with pytest.raises(CertificateError, match="'gone' is missing"):
        gone.sign(b"message")
    with pytest.raises(CertificateError, match="is not on the token 'signing'"):
        found.signer._replace(key_id=b"\x77").sign(b"message")  # type: ignore[attr-defined] # as above


def test_an_invalid_module_is_reported(hsm: Hsm, tmp_path: Path) -> None:
    """
    A missing module, a file that is not a module, and a module that is not configured are errors.
    """
    (tmp_path / "none.so").write_bytes(b"not a library")

    with pytest.raises(ParameterError, match=r"gone\.so' does not exist"):
        on_token({"uri": hsm.uri, "module": str(tmp_path / "gone.so")}, None, NOW_S)
    with pytest.raises(CertificateError, match="can't be loaded"):
        on_token({"uri": hsm.uri, "module": str(tmp_path / "none.so")}, None, NOW_S)
    with pytest.raises(CertificateError, match="No suitable PKCS#11 module is configured"):
        on_token({"uri": f"{hsm.uri}?module-name=nothing"}, None, NOW_S)


def test_the_extra_may_be_missing(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without python-pkcs11 the error names the extra to install.
    """
    monkeypatch.setitem(sys.modules, "pkcs11", None)

    (item,) = TokenStore(named_module(hsm.module), ANY).contents()

    assert "the extra pkcs11." in item.problem


def test_the_pin_is_never_shown(
    hsm: Hsm, app: dict[str, object], private_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The PIN is in no debug log, no saved connection, and no repr.
    """
    caplog.set_level(logging.DEBUG)
    connection = connect_any(
        certificate_uri=hsm.uri, pkcs11_module=hsm.module, certificate_password=PIN, name="token", **app
    )
    found = on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S)

    shown = [
        repr(found),
        repr(found.signer),
        str(found.signer),
        repr(connection),
        repr(connection.info),
        caplog.text,
    ]
    connection.close()
    assert [] == [text for text in shown if "canary" in text]
    for path in private_home.rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes()


def test_the_command_reads_the_pin_from_a_variable_or_a_pipe(
    hsm: Hsm, app: dict[str, object], entra_tenant: Tenant, private_home: Path
) -> None:
    """
    The command reads the PIN from a variable or from standard input. Without it, the error says that it is missing.
    """
    words = [
        *(sys.executable, "-m", "entrakit", "connect"),
        *("--client-id", str(app["client_id"]), "--tenant-id", str(app["tenant_id"])),
        *("--authority-url", entra_tenant.url, "--ca-bundle", entra_tenant.ca_path),
        *("--certificate-uri", hsm.uri, "--pkcs11-module", hsm.module),
    ]
    environ = {**os.environ, "SOFTHSM2_CONF": str(hsm.home / "conf")}

    missing = subprocess.run(words, env=environ, input="", capture_output=True, text=True, check=False)
    given = environ | {"AZURE_CLIENT_CERTIFICATE_PASSWORD": PIN}
    by_variable = subprocess.run(words, env=given, capture_output=True, text=True, check=False)
    by_pipe = subprocess.run(
        [*words, "--certificate-password-stdin"], env=environ, input=PIN, capture_output=True, text=True, check=False
    )

    assert 2 == missing.returncode
    assert "requires its PIN" in missing.stderr
    assert (0, 0) == (by_variable.returncode, by_pipe.returncode), by_variable.stderr + by_pipe.stderr


class FailingToken:
    """A token that can't be opened, for errors that SoftHSM can't produce.

    Args:
        error: Name of the exception in python-pkcs11.
        flags: Flags of the token about its PIN.
    """

    label, serial = "card", b"1"

    def __init__(self, error: str, flags: int = LOGIN_REQUIRED) -> None:
        self._error = error
        self.flags = flags | INITIALIZED
        self.slot = self

    def get_token(self) -> FailingToken:
        """Return the token, which is also its slot."""
        return self

    def open(self, user_pin: str = "") -> object:
        """Raise the exception."""
        import pkcs11

        raise getattr(pkcs11.exceptions, self._error)


@pytest.mark.parametrize(
    ("error", "flags", "words"),
    [
        ("PinLocked", LOCKED, r"PIN of the token 'card' is locked\.[\s\S]*PUK"),
        ("PinIncorrect", FINAL_TRY, "one attempt is left"),
        ("PinIncorrect", COUNT_LOW, "few attempts are left"),
        ("PinIncorrect", LOCKED, r"the token is locked now\.[\s\S]*Unlock"),
        ("PinLenRange", 0, "is wrong; further attempts are left"),
        ("UserPinNotInitialized", 0, "has no PIN yet"),
        ("DeviceRemoved", 0, "was removed"),
        ("TokenNotPresent", 0, "was removed"),
        ("SessionClosed", 0, "was lost"),
        ("SessionHandleInvalid", 0, "was lost"),
        ("DeviceError", 0, "failed: DeviceError"),
    ],
)
def test_a_failure_of_a_token_is_reported(tmp_path: Path, error: str, flags: int, words: str) -> None:
    """
    A locked PIN, a wrong PIN, a removed token and a lost session each have their own message and remedy.
    """
    pin = f"canary-{error}-{flags}"
    module = Module("card", str(tmp_path))
    token = cast("pkcs11.Token", FailingToken(error, LOGIN_REQUIRED | flags))

    with pytest.raises(CertificateError, match=words) as caught, session_of(module, token, Secret(pin)):
        pass
    assert caught.value.remedy
    assert "canary" not in str(caught.value)


def test_softhsm_is_installed() -> None:
    """
    `scripts/setup` installs SoftHSM, so these tests are never skipped.
    """
    assert shutil.which("softhsm2-util")
    assert "Contoso" in named("x").rfc4514_string()
