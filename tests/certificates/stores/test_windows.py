"""The certificate stores of Windows: search, signatures and errors, with a fake of the system's libraries."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.certificates.stores.fake_windows import (
    ACCESS_DENIED,
    BAD_KEYSET,
    CSP,
    NO_KEY_PROPERTY,
    NOT_SUPPORTED,
    SILENT_CONTEXT,
    Entry,
    Machine,
    entry_of,
)

from entrakit.certificates.stores import windows_calls
from entrakit.certificates.stores.store import find_by_thumbprint
from entrakit.certificates.stores.windows import WindowsKey, WindowsStore
from entrakit.certificates.stores.windows_calls import WindowsCallError, WindowsCalls
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit_emulator import Tenant


@pytest.fixture
def entry(maker: Maker) -> Entry:
    """Return a certificate with a key of CNG that is not exportable."""
    return entry_of(maker)


@pytest.mark.parametrize(
    ("scope", "flags", "location"),
    [("user", 0x1C000, r"CurrentUser\My"), ("computer", 0x2C000, r"LocalMachine\My")],
)
def test_a_store_yields_its_certificates(maker: Maker, entry: Entry, scope: str, flags: int, location: str) -> None:
    """
    Each certificate has its path in PowerShell as its place. The store is opened for reading, and never created.
    """
    machine = Machine(entry, entry_of(maker, "another"))
    store = machine.store(scope)

    items = list(store.contents())

    assert ["CN=app,O=Contoso", "CN=another,O=Contoso"] == [
        one.certificate and one.certificate.subject for one in items
    ]
    assert rf"Cert:\{location}\{hashlib.sha1(entry.der, usedforsecurity=False).hexdigest().upper()}" == items[0].place
    assert ["", ""] == [one.problem for one in items]
    assert ("windows", scope, rf"the certificate store {location}") == (store.kind, store.scope, store.name)
    assert [flags] == machine.flags
    assert [] == machine.open


def test_the_signature_of_windows_is_valid(entry: Entry) -> None:
    """
    The signature is a PS256 signature by the certificate's key (RFC 7518, 3.5), and no handle stays open.
    """
    machine = Machine(entry)

    assert 256 == len(machine.only().sign(b"header.payload"))
    assert [] == machine.open


def test_an_app_signs_in_with_a_key_of_windows(
    maker: Maker, entry: Entry, entra_tenant: Tenant, emulator: Callable[..., Connection]
) -> None:
    """
    The token service accepts a signature of Windows. The certificate is found among others.
    """
    machine = Machine(entry_of(maker, "another"), entry)
    thumbprint = hashlib.sha256(entry.der).hexdigest()
    certificate = find_by_thumbprint(thumbprint, [machine.store()])
    client = entra_tenant.confidential_client
    from cryptography.x509 import load_der_x509_certificate

    entra_tenant.seed.add_certificate(client, load_der_x509_certificate(entry.der).public_bytes(Encoding.PEM).decode())

    with emulator(client_id=client, certificate=certificate) as connection:
        assert connection.token().access_token
    assert [] == machine.open


@pytest.mark.parametrize(
    ("policy", "is_exportable"), [(0, False), (1, True), (2, True), (4, False), (-2146893783, None)]
)
def test_the_export_policy_of_a_key_is_read(entry: Entry, policy: int, is_exportable: bool | None) -> None:
    """
    A key is exportable if its policy allows encrypted or plain export. Without a policy that is unknown.
    """
    (item,) = Machine(entry._replace(policy=policy)).store().contents()

    assert is_exportable is item.is_exportable
    assert item.certificate is not None


@pytest.mark.parametrize(
    ("scope", "changes", "words"),
    [
        ("user", {"provider": None, "acquire_code": NO_KEY_PROPERTY}, "has no private key. Import"),
        ("user", {"acquire_code": SILENT_CONTEXT}, "requires a PIN or a confirmation"),
        ("user", {"acquire_code": 0x8009002E, "provider": CSP}, "requires a PIN or a confirmation"),
        ("user", {"acquire_code": 0x80100069, "provider": CSP}, "device with the key"),
        ("user", {"acquire_code": ACCESS_DENIED}, "not allowed to use the key .* Run as the user who owns the key."),
        ("computer", {"acquire_code": 0x80090010}, "not allowed to use the key .* Manage Private Keys."),
        ("computer", {"acquire_code": 5, "provider": CSP}, "not allowed to use the key .* Run as administrator"),
        ("user", {"acquire_code": BAD_KEYSET, "provider": CSP}, f"older CryptoAPI .{CSP[0]}.*certutil -user -csp"),
        ("computer", {"acquire_code": 0x80090014, "provider": CSP}, "older CryptoAPI .* certutil -csp .* -importpfx"),
        ("user", {"acquire_code": BAD_KEYSET}, "does not exist, or this user can't see it"),
        ("user", {"acquire_code": 0x80090015}, "does not belong to the certificate"),
        ("user", {"acquire_code": 0x80090020}, "CryptAcquireCertificatePrivateKey: 0x80090020"),
        ("user", {"acquire_code": NOT_SUPPORTED, "provider": ("Evil\x1b[2J", 0)}, r"provider .*Evil\\x1b\[2J"),
        ("user", {"acquire_code": NOT_SUPPORTED, "provider": None}, "provider .*unnamed"),
        ("user", {"acquire_code": BAD_KEYSET, "provider_code": 0x80070057}, "does not exist"),
        (
            "user",
            {"acquire_code": BAD_KEYSET, "provider": CSP, "provider_code": 0x80070057, "provider_size_only": True},
            "does not exist",
        ),
    ],
)
def test_an_unusable_key_is_reported_with_the_reason(
    maker: Maker, entry: Entry, scope: str, changes: dict[str, object], words: str
) -> None:
    """
    The problem has the place, the subject, the reason and a remedy. The other certificates are not hidden.
    """
    machine = Machine(entry._replace(**changes), entry_of(maker, "good"))  # type: ignore[arg-type] # a table of cases

    bad, good = machine.store(scope).contents()

    assert bad.certificate is None
    assert bad.place in bad.problem
    assert "(CN=app,O=Contoso)" in bad.problem
    assert re.search(words, bad.problem)
    assert good.certificate is not None
    assert [] == machine.open


def test_a_csp_key_that_cng_can_open_is_used(entry: Entry) -> None:
    """
    A key is used if CNG can open it, even if the store names a provider of CryptoAPI.
    """
    machine = Machine(entry._replace(provider=CSP))

    assert machine.only().sign(b"message")


@pytest.mark.parametrize("damage", ["cut", "empty", "version"])
def test_a_damaged_certificate_does_not_hide_others(maker: Maker, entry: Entry, damage: str) -> None:
    """
    A damaged certificate is reported with its place. The certificates before and after it are found.
    """
    broken = {"cut": entry.der[:-5], "empty": b"\x30\x00", "version": entry.der.replace(b"\2\1\2", b"\2\1\7", 1)}[
        damage
    ]
    machine = Machine(entry_of(maker, "before"), entry._replace(der=broken), entry_of(maker, "after"))

    items = list(machine.store().contents())

    assert [True, False, True] == [one.certificate is not None for one in items]
    assert f"{items[1].place} is damaged." == items[1].problem
    assert [] == machine.open


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        (2, []),
        (5, [r"Can't read the certificate store LocalMachine\My: permission denied."]),
        (87, [r"Can't read the certificate store LocalMachine\My: Windows reports CertOpenStore: 0x00000057."]),
    ],
)
def test_an_unreadable_store_is_reported(entry: Entry, code: int, problems: list[str]) -> None:
    """
    A store that does not exist yields nothing. A store that can't be read is reported.
    """
    assert problems == [one.problem for one in Machine(entry, open_code=code).store("computer").contents()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sign_code": SILENT_CONTEXT}, "requires a PIN"),
        ({"sign_code": NOT_SUPPORTED}, "can't make PS256 signatures"),
        ({"sign_code": NOT_SUPPORTED, "provider": CSP}, "older CryptoAPI"),
        ({"acquire_code": ACCESS_DENIED}, "not allowed to use"),
    ],
)
def test_a_key_that_fails_later_is_reported(entry: Entry, changes: dict[str, object], words: str) -> None:
    """
    A failure while signing gives the same reasons with a remedy, and leaves no handle open.
    """
    machine = Machine(entry)
    certificate = machine.only()
    machine.entries = (entry._replace(**changes),)  # type: ignore[arg-type] # a table of cases

    with pytest.raises(CertificateError, match=words) as caught:
        certificate.sign(b"message")

    assert caught.value.remedy
    assert [] == machine.open


def test_a_removed_certificate_is_reported(maker: Maker, entry: Entry) -> None:
    """
    A certificate that was removed after the search, or a store that fails then, is reported when it should sign.
    """
    machine = Machine(entry)
    certificate = machine.only()
    machine.entries = (entry_of(maker, "another"),)

    with pytest.raises(CertificateError, match="does not exist any more"):
        certificate.sign(b"message")
    machine.open_code = 5
    with pytest.raises(CertificateError, match="Can't read the certificate store"):
        certificate.sign(b"message")
    assert [] == machine.open


def test_a_key_that_belongs_to_its_certificate_is_not_freed(entry: Entry) -> None:
    """
    CryptAcquireCertificatePrivateKey tells whether the caller has to free the handle. Another handle is not freed.
    """
    machine = Machine(entry._replace(must_free=False))

    assert machine.only().sign(b"message")
    assert ["key", "key"] == machine.open


def test_a_certificate_is_not_freed_twice(entry: Entry) -> None:
    """
    Reading the next certificate frees the previous one, even if it fails, so the previous one is not freed again.
    """

    class Failing(WindowsCalls):
        def next_certificate(self, store: int, previous: int) -> int:
            context = super().next_certificate(store, previous)
            if previous:
                raise WindowsCallError("CertEnumCertificatesInStore", 0x80070057)
            return context

    machine = Machine(entry)
    store = WindowsStore("user", Failing(machine.library, machine.library, machine.last_error))

    assert ["0x80070057." == one.problem[-11:] for one in store.contents()] == [True]
    assert [] == machine.open


def test_a_wrong_key_is_reported(maker: Maker, entry: Entry) -> None:
    """
    A signature by another key is refused.
    """
    with pytest.raises(CertificateError, match="not made with the key"):
        Machine(entry._replace(key=maker.other_key)).only().sign(b"message")


def test_a_key_of_another_type_is_found_and_refused(maker: Maker, entry: Entry) -> None:
    """
    A certificate with an EC key is found, and its check says that Entra accepts RSA keys only.
    """
    der = maker.certificate(key=maker.ec_key).public_bytes(Encoding.DER)

    with pytest.raises(CertificateError, match="RSA"):
        Machine(entry._replace(der=der)).only().check(0)


def test_a_key_of_windows_is_not_exportable(entry: Entry) -> None:
    """
    The key never comes into memory, and its repr has only its place.
    """
    certificate = Machine(entry).only()

    with pytest.raises(CertificateError, match="is not exportable"):
        certificate.export_pem()
    assert isinstance(certificate.signer, WindowsKey)
    assert f"WindowsKey('Cert:\\\\CurrentUser\\\\My\\\\{certificate.thumbprint}')" == repr(certificate.signer)


def test_the_calls_of_this_machine_are_the_default(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without system calls from the caller, those of Windows are loaded.
    """
    monkeypatch.setattr(windows_calls, "load", lambda: Machine(entry).calls)

    assert [True] == [one.certificate is not None for one in WindowsStore("user").contents()]
