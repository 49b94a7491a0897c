"""Keys on PKCS#11 tokens: real SoftHSM tokens, whose keys are made on them and can't leave."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from glob import glob
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from tests.certificates.conftest import NOW, named

from entrakit import Certificate, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.certificates.sources import proof_from, stores_of
from entrakit.certificates.stores.inventory import offers
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pkcs11
    from cryptography import x509
    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit_emulator import Tenant

PIN = "canary-pin-1234"
# Which parameter set it is, connect() finds out; the type checker can't.
connect_any = cast("Callable[..., Connection]", connect)
NOW_S = NOW.timestamp()


class Hsm(NamedTuple):
    """A token with a key and its certificate.

    Args:
        module: File of the PKCS#11 module.
        label: The token's label.
        certificate: The certificate of the key `app`.
        home: Where its tokens are.
    """

    module: str
    label: str
    certificate: x509.Certificate
    home: Path

    @property
    def uri(self) -> str:
        """The URI of the certificate."""
        return f"pkcs11:token={self.label};object=app"

    @property
    def thumbprint(self) -> str:
        """The SHA-256 thumbprint of the certificate."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def pem(self) -> str:
        """Return the certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def softhsm() -> str:
    """Return the file of SoftHSM's module."""
    return next(iter(glob("/usr/lib/*/softhsm/libsofthsm2.so") + glob("/usr/lib/softhsm/libsofthsm2.so")))


def new_token(label: str) -> None:
    """Make a token."""
    words = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", PIN]
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture(scope="session")
def hsm(tmp_path_factory: pytest.TempPathFactory, maker: Maker) -> Iterator[Hsm]:
    """Give SoftHSM with a token `signing`: a key made on it, which can't leave, and its certificate."""
    home = tmp_path_factory.mktemp("softhsm")
    (home / "tokens").mkdir()
    (home / "conf").write_text(f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "conf")
    for label in ("signing", "other", "wrong"):
        new_token(label)
    import pkcs11
    from pkcs11 import Attribute, CertificateType, KeyType, ObjectClass

    module = softhsm()
    with pkcs11.lib(module).get_token(token_label="signing").open(rw=True, user_pin=PIN) as session:
        public, private = session.generate_keypair(KeyType.RSA, 2048, store=True, label="app", id=b"\x01")
        assert (False, True) == (private[Attribute.EXTRACTABLE], private[Attribute.SENSITIVE])
        numbers = RSAPublicNumbers(
            int.from_bytes(public[Attribute.PUBLIC_EXPONENT], "big"), int.from_bytes(public[Attribute.MODULUS], "big")
        )
        certificate = maker.certificate("on a token", public_key=numbers.public_key())
        lonely = maker.certificate("without a key")
        for one, label, key_id in ((certificate, "app", b"\x01"), (lonely, "lonely", b"\x02")):
            session.create_object({
                Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
                Attribute.VALUE: one.public_bytes(serialization.Encoding.DER), Attribute.ID: key_id,
                Attribute.LABEL: label, Attribute.TOKEN: True, Attribute.SUBJECT: one.subject.public_bytes(),
            })  # fmt: skip
    yield Hsm(module, "signing", certificate, home)
    del os.environ["SOFTHSM2_CONF"]


@pytest.fixture
def app(hsm: Hsm, entra_tenant: Tenant) -> dict[str, object]:
    """Return who signs in: an app of the tenant that has the token's certificate."""
    entra_tenant.seed.add_certificate(entra_tenant.confidential_client, hsm.pem())
    return {
        "client_id": entra_tenant.confidential_client, "tenant_id": entra_tenant.tenant_id,
        "cloud": find_cloud(entra_tenant.url), "ca_bundle": entra_tenant.ca_path,
    }  # fmt: skip


def on_token(origin: dict[str, str], password: Secret | None, now: float) -> Certificate:
    """Return the certificate of an origin, which is no secret."""
    found = proof_from(origin, password, now)
    assert isinstance(found, Certificate)
    return found


def test_an_app_signs_in_with_a_key_that_cannot_leave(hsm: Hsm, app: dict[str, object]) -> None:
    """
    By URI, with the PIN: the tenant verifies signature and thumbprint; nothing of the key is in this process.
    """
    connection = connect_any(certificate_uri=hsm.uri, pkcs11_module=hsm.module, certificate_password=PIN, **app)
    with connection:
        assert connection.token().access_token


@pytest.mark.parametrize("how", ["thumbprint", "name"])
def test_an_app_signs_in_by_what_names_the_certificate(hsm: Hsm, app: dict[str, object], how: str) -> None:
    """
    Thumbprint and name work on tokens as they do in stores, once tokens are chosen.
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
    A later process has neither key nor PIN: it finds the token by the URI, and the PIN where pin-source says.
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


def test_a_pin_that_was_handed_in_is_asked_for_again(hsm: Hsm, app: dict[str, object]) -> None:
    """
    A PIN is kept nowhere: a later process says that it is missing, and how to connect again.
    """
    connect_any(
        certificate_uri=hsm.uri, pkcs11_module=hsm.module, certificate_password=PIN, name="token", **app
    ).close()

    with get_connection("token") as connection, pytest.raises(InteractionRequiredError) as caught:
        connection.token(min_validity_s=10**6)
    assert "--certificate-uri 'pkcs11:token=signing;object=app' --pkcs11-module" in remedy_of(caught.value)
    assert PIN not in str(caught.value)


def test_a_key_that_cannot_leave_is_not_saved(hsm: Hsm, app: dict[str, object]) -> None:
    """
    Asking to keep the key is an error before anything is sent.
    """
    with pytest.raises(CertificateError, match="can't leave where it is"):
        connect_any(
            certificate_uri=hsm.uri, pkcs11_module=hsm.module, certificate_password=PIN, name="token", save_secret=True,
            **app,
        )  # fmt: skip


def test_without_a_pin_it_is_asked_for(hsm: Hsm) -> None:
    """
    The certificate shows without, the key does not sign: the error says how to give the PIN.
    """
    found = on_token({"uri": hsm.uri, "module": hsm.module}, None, NOW_S)

    with pytest.raises(CertificatePasswordError, match="needs its PIN") as caught:
        found.sign(b"message")
    assert "pin-source" in caught.value.remedy


def test_a_wrong_pin_is_not_tried_twice(hsm: Hsm) -> None:
    """
    Tokens count wrong PINs, and lock: it is told with what is left, and the same one never gets to the token again.
    """
    store = TokenStore(named_module(hsm.module), parse_uri("pkcs11:token=wrong"), Secret("canary-wrong"))

    first, second = (next(iter(store.contents())).problem for _ in range(2))

    assert "is wrong" in first
    assert "was wrong before, and is not tried again" in second
    assert "left" in first
    assert "canary" not in first + second + repr(store)


def test_a_pin_goes_to_no_other_token(hsm: Hsm) -> None:
    """
    Several tokens fit a thumbprint's search; only the one that has the certificate gets the PIN, so that no other
    counts a wrong one.
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


def test_threads_use_a_token_one_after_another(hsm: Hsm) -> None:
    """
    A module is used by one thread at a time, however many sign and search at once.
    """
    from concurrent.futures import ThreadPoolExecutor

    def sign(_: int) -> int:
        return len(on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S).sign(b"message"))

    with ThreadPoolExecutor(8) as pool:
        assert [256] * 60 == list(pool.map(sign, range(60)))


def test_a_pin_is_not_pickled(hsm: Hsm) -> None:
    """
    Neither a certificate on a token nor its signer lets the PIN out of memory.
    """
    import pickle

    found = on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S)

    assert "canary" not in str(tuple(found.signer))  # type: ignore[arg-type] # a NamedTuple
    with pytest.raises(TypeError):
        pickle.dumps(found.signer)


def test_who_is_logged_in_already_is_no_problem(hsm: Hsm) -> None:
    """
    Another thread of this process may be logged in, which counts for all.
    """
    import pkcs11

    found = on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S)
    with pkcs11.lib(hsm.module).get_token(token_label="signing").open(user_pin=PIN):
        assert 256 == len(found.sign(b"message"))


@pytest.mark.parametrize(
    ("uri", "words"),
    [("pkcs11:token=nowhere", "no certificate at"), ("pkcs11:token=signing;object=none", "no certificate at"),
     ("pkcs11:token=signing;object=lonely", "has no private key"), ("pkcs11:token=signing;id=%09", "no certificate"),
     ("pkcs11:token=other", "no certificate at")],
)  # fmt: skip
def test_what_is_not_there_is_told(hsm: Hsm, uri: str, words: str) -> None:
    """
    No such token, no such object, no key: each is an error that says where was looked.
    """
    with pytest.raises(CertificateError, match=words) as caught:
        on_token({"uri": uri, "module": hsm.module}, Secret(PIN), NOW_S)
    assert hsm.module in str(caught.value)


def test_a_token_that_was_taken_out_is_told(hsm: Hsm) -> None:
    """
    The token goes away between finding and signing: the error says so.
    """
    found = on_token({"uri": hsm.uri, "module": hsm.module}, Secret(PIN), NOW_S)
    gone = found.signer._replace(label="gone")  # type: ignore[attr-defined] # a TokenKey

    with pytest.raises(CertificateError, match="'gone' is not there"):
        gone.sign(b"message")
    with pytest.raises(CertificateError, match="is not on the token 'signing'"):
        found.signer._replace(key_id=b"\x77").sign(b"message")  # type: ignore[attr-defined] # as above


def test_a_module_that_is_none_is_told(hsm: Hsm, tmp_path: Path) -> None:
    """
    A missing file, and a file that is no module, are told before anything else happens.
    """
    (tmp_path / "none.so").write_bytes(b"not a library")

    with pytest.raises(ParameterError, match="no PKCS#11 module"):
        on_token({"uri": hsm.uri, "module": str(tmp_path / "gone.so")}, None, NOW_S)
    with pytest.raises(CertificateError, match="does not load"):
        on_token({"uri": hsm.uri, "module": str(tmp_path / "none.so")}, None, NOW_S)
    with pytest.raises(CertificateError, match="No PKCS#11 module is configured"):
        on_token({"uri": f"{hsm.uri}?module-name=nothing"}, None, NOW_S)


def test_tokens_are_listed(hsm: Hsm) -> None:
    """
    What is on them, and what can't be used and why; whether a key can leave shows with the PIN only.
    """
    found = {one.place: one for one in offers(module=hsm.module, now=NOW_S)}

    one = found["app on the token 'signing'"]
    assert ("pkcs11", "user", "RSA 2048", None, "") == (
        one.kind, one.scope, one.key, one.is_exportable, one.problem
    )  # fmt: skip
    assert one.certificate is not None
    assert hsm.thumbprint.upper() == one.certificate.thumbprint_sha256


def test_no_store_asks_tokens_unless_chosen(hsm: Hsm) -> None:
    """
    A thumbprint alone never loads a module: that may wait for hardware, or ask for a PIN.
    """
    program = (
        "import sys\nfrom entrakit.certificates.stores.store import find_by_thumbprint\n"
        "try: find_by_thumbprint('0' * 40)\nexcept Exception as error: print(type(error).__name__)\n"
        "print('pkcs11' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "CertificateError\nFalse\n" == done.stdout
    assert {"pkcs11"} == {store.kind for store in stores_of("pkcs11", hsm.module)}


def test_the_extra_may_be_missing(hsm: Hsm, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without python-pkcs11 the error says what to install.
    """
    monkeypatch.setitem(sys.modules, "pkcs11", None)

    (found,) = TokenStore(named_module(hsm.module), ANY).contents()

    assert "the extra pkcs11." in found.problem


def test_the_pin_is_nowhere(
    hsm: Hsm, app: dict[str, object], private_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Neither in logs at their fullest, nor in what is kept, nor in what is shown of any object.
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
        repr(connection.settings),
        caplog.text,
    ]
    connection.close()
    assert [] == [text for text in shown if "canary" in text]
    for path in private_home.rglob("*"):
        assert not path.is_file() or b"canary" not in path.read_bytes()


def test_the_command_takes_the_pin_from_where_it_is_safe(
    hsm: Hsm, app: dict[str, object], entra_tenant: Tenant, private_home: Path
) -> None:
    """
    From a variable or standard input; without one, and with nobody to ask, the command says what is missing.
    """
    words = [
        sys.executable, "-m", "entrakit", "connect", "--client-id", str(app["client_id"]), "--tenant-id",
        str(app["tenant_id"]), "--authority-url", entra_tenant.url, "--ca-bundle", entra_tenant.ca_path,
        "--certificate-uri", hsm.uri, "--pkcs11-module", hsm.module,
    ]  # fmt: skip
    environ = {**os.environ, "SOFTHSM2_CONF": str(hsm.home / "conf")}

    missing = subprocess.run(words, env=environ, input="", capture_output=True, text=True, check=False)
    given = environ | {"AZURE_CLIENT_CERTIFICATE_PASSWORD": PIN}
    by_variable = subprocess.run(words, env=given, capture_output=True, text=True, check=False)
    by_pipe = subprocess.run(
        [*words, "--certificate-password-stdin"], env=environ, input=PIN, capture_output=True, text=True, check=False
    )

    assert 2 == missing.returncode
    assert "needs its PIN" in missing.stderr
    assert (0, 0) == (by_variable.returncode, by_pipe.returncode), by_variable.stderr + by_pipe.stderr


class FailingToken:
    """A token that fails when it is opened, as the module says; what SoftHSM can't be made to do.

    Args:
        error: Name of the package's exception.
        flags: What the token says of its PIN.
    """

    label, serial = "card", b"1"

    def __init__(self, error: str, flags: int = LOGIN_REQUIRED) -> None:
        self._error = error
        self.flags = flags | INITIALIZED
        self.slot = self

    def get_token(self) -> FailingToken:
        """Return itself, as its slot."""
        return self

    def open(self, user_pin: str = "") -> object:
        """Fail."""
        import pkcs11

        raise getattr(pkcs11.exceptions, self._error)


@pytest.mark.parametrize(
    ("error", "flags", "words"),
    [("PinLocked", LOCKED, r"PIN of the token 'card' is locked\.[\s\S]*PUK"),
     ("PinIncorrect", FINAL_TRY, "one try is left"),
     ("PinIncorrect", COUNT_LOW, "few tries are left"), ("PinIncorrect", LOCKED, r"it is locked now\.[\s\S]*Unlock"),
     ("PinLenRange", 0, "is wrong; tries are left"), ("UserPinNotInitialized", 0, "has no PIN yet"),
     ("DeviceRemoved", 0, "was taken out"), ("TokenNotPresent", 0, "was taken out"), ("SessionClosed", 0, "was lost"),
     ("SessionHandleInvalid", 0, "was lost"), ("DeviceError", 0, "failed: DeviceError")],
)  # fmt: skip
def test_what_a_token_does_wrong_is_told(tmp_path: Path, error: str, flags: int, words: str) -> None:
    """
    PIN locked, wrong with few tries left, card taken out, session lost: each has its own sentence and remedy.
    """
    pin = f"canary-{error}-{flags}"
    module = Module("card", str(tmp_path))
    token = cast("pkcs11.Token", FailingToken(error, LOGIN_REQUIRED | flags))

    with pytest.raises(CertificateError, match=words) as caught, session_of(module, token, Secret(pin)):
        pass
    assert caught.value.remedy
    assert "canary" not in str(caught.value)


def test_softhsm_is_there() -> None:
    """
    `scripts/setup` installs it; these tests are never skipped.
    """
    assert shutil.which("softhsm2-util")
    assert "Contoso" in named("x").rfc4514_string()
