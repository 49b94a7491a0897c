"""The keychains of macOS: search, signatures and errors, with a fake of the system's frameworks."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.certificates.stores.fake_macos import (
    AUTH_FAILED,
    CANCELLED,
    INTERACTION_NOT_ALLOWED,
    LOGIN,
    NO_SUCH_KEYCHAIN,
    Entry,
    Mac,
    entry_of,
)

from entrakit.certificates.stores import macos_calls
from entrakit.certificates.stores.macos import SYSTEM_KEYCHAIN, KeychainKey, KeychainStore
from entrakit.certificates.stores.store import find_by_thumbprint
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit_emulator import Tenant


@pytest.fixture
def entry(maker: Maker) -> Entry:
    """Return a certificate with a key that is not exportable."""
    return entry_of(maker)


def test_each_scope_has_its_keychains(maker: Maker, entry: Entry) -> None:
    """
    The store of the user has the keychains of the user's search list; that of the computer has the System keychain.
    """
    mac = Mac(entry, entry_of(maker, "another"), system=(entry_of(maker, "computer"),))

    found = {scope: list(mac.store(scope).contents()) for scope in ("user", "computer")}

    subjects = {scope: [one.certificate and one.certificate.subject for one in ones] for scope, ones in found.items()}
    assert {"user": ["CN=app,O=Contoso", "CN=another,O=Contoso"], "computer": ["CN=computer,O=Contoso"]} == subjects
    thumbprint = hashlib.sha1(entry.der, usedforsecurity=False).hexdigest().upper()
    assert f"{thumbprint} in the login keychain" == found["user"][0].place
    assert ["", "", ""] == [one.problem for ones in found.values() for one in ones]
    assert [("keychain", "user", "the login keychain"), ("keychain", "computer", "the System keychain")] == [
        (store.kind, store.scope, store.name) for store in (mac.store("user"), mac.store("computer"))
    ]
    assert {} == mac.alive


def test_the_signature_of_macos_is_valid(entry: Entry) -> None:
    """
    The signature is a PS256 signature by the certificate's key (RFC 7518, 3.5), and every reference is released.
    """
    mac = Mac(entry)

    assert 256 == len(mac.only().sign(b"header.payload"))
    assert {} == mac.alive


def test_an_app_signs_in_with_a_key_of_a_keychain(
    maker: Maker, entry: Entry, entra_tenant: Tenant, emulator: Callable[..., Connection]
) -> None:
    """
    The token service accepts a signature of macOS. The certificate is found among others.
    """
    from cryptography.x509 import load_der_x509_certificate

    mac = Mac(entry_of(maker, "another"), entry)
    certificate = find_by_thumbprint(hashlib.sha256(entry.der).hexdigest(), [mac.store()])
    client = entra_tenant.confidential_client
    entra_tenant.seed.add_certificate(client, load_der_x509_certificate(entry.der).public_bytes(Encoding.PEM).decode())

    with emulator(client_id=client, certificate=certificate) as connection:
        assert connection.token().access_token
    assert {} == mac.alive


@pytest.mark.parametrize(
    ("changes", "is_exportable"),
    [
        ({"is_extractable": False}, False),
        ({"is_extractable": True}, True),
        ({"is_extractable": None}, None),
        ({"is_extractable": "odd"}, None),
        ({"has_attributes": False}, None),
    ],
)
def test_the_attributes_of_a_key_are_read(entry: Entry, changes: dict[str, object], is_exportable: bool | None) -> None:
    """
    The attributes of a key tell whether it is exportable. Without the attribute that is unknown.
    """
    mac = Mac(entry._replace(**changes))  # type: ignore[arg-type] # a table of cases

    (item,) = mac.store().contents()

    assert is_exportable is item.is_exportable
    assert item.certificate is not None
    assert {} == mac.alive


@pytest.mark.parametrize(
    ("scope", "status", "words"),
    [
        ("user", CANCELLED, "The user did not allow .* Always Allow"),
        ("user", -2147415839, "The user did not allow"),
        ("user", INTERACTION_NOT_ALLOWED, "is locked .* can't show a prompt .* Type `security unlock-keychain`"),
        ("user", -2070, "is locked"),
        ("user", AUTH_FAILED, "not allowed to use the key .* Allow this program"),
        ("computer", AUTH_FAILED, "not allowed to use the key .* Run as root."),
        ("user", -50, "can't make PS256"),
        ("user", -1, "macOS reports Sec.*: -1"),
    ],
)
def test_an_unusable_key_is_reported(maker: Maker, entry: Entry, scope: str, status: int, words: str) -> None:
    """
    The reason and a remedy are reported, in a search and while signing. No other certificate is hidden, and every
    reference is released.
    """
    entries = (entry._replace(key_status=status), entry_of(maker, "good"))
    mac = Mac(*entries, system=entries)

    bad, good = mac.store(scope).contents()

    assert bad.certificate is None
    assert re.search(words, bad.problem)
    assert f"{bad.place} (CN=app,O=Contoso)" in bad.problem
    assert good.certificate is not None
    failing = entry._replace(sign_status=status)
    mac.keychains = {LOGIN: (failing,), SYSTEM_KEYCHAIN: (failing,)}
    (item,) = mac.store(scope).contents()
    assert item.certificate is not None
    with pytest.raises(CertificateError) as caught:
        item.certificate.sign(b"message")
    assert re.search(words, f"{caught.value.problem} {caught.value.remedy}")
    assert {} == mac.alive


def test_a_missing_signature_is_an_error(entry: Entry) -> None:
    """
    A call that returns neither a signature nor an error is a failure.
    """
    mac = Mac(entry._replace(sign_status=None))

    with pytest.raises(CertificateError, match="SecKeyCreateSignature: 0"):
        mac.only().sign(b"message")
    assert {} == mac.alive


@pytest.mark.parametrize("damage", ["cut", "version", "unreadable", "no data"])
def test_a_damaged_certificate_does_not_hide_others(maker: Maker, entry: Entry, damage: str) -> None:
    """
    A certificate that can't be read or parsed is reported. The certificates before and after it are found.
    """
    broken = {
        "cut": entry._replace(der=entry.der[:-5]),
        "version": entry._replace(der=entry.der.replace(b"\2\1\2", b"\2\1\7", 1)),
        "unreadable": entry._replace(certificate_status=-25291),
        "no data": entry._replace(der=b""),
    }[damage]
    mac = Mac(entry_of(maker, "before"), broken, entry_of(maker, "after"))

    items = list(mac.store().contents())

    assert [True, False, True] == [one.certificate is not None for one in items]
    assert items[1].problem.endswith(("is damaged.", "the login keychain contains a certificate that can't be read."))
    assert {} == mac.alive


@pytest.mark.parametrize(
    ("status", "problems"),
    [
        (NO_SUCH_KEYCHAIN, []),
        (INTERACTION_NOT_ALLOWED, ["it is locked, and macOS can't show a prompt to unlock it."]),
        (AUTH_FAILED, ["permission denied."]),
        (-25291, ["macOS reports SecItemCopyMatching: -25291."]),
    ],
)
def test_an_unreadable_keychain_is_reported(entry: Entry, status: int, problems: list[str]) -> None:
    """
    A keychain that does not exist yields nothing. A keychain that can't be read is reported.
    """
    mac = Mac(entry, system=(entry,))
    mac.status = status

    for scope, name in {"user": "the login keychain", "computer": "the System keychain"}.items():
        items = list(mac.store(scope).contents())
        assert [f"Can't read {name}: {problem}" for problem in problems] == [one.problem for one in items]
    assert {} == mac.alive


def test_a_user_without_keychains_does_not_get_the_default_ones(entry: Entry) -> None:
    """
    An empty search list yields nothing, like an empty keychain. macOS itself would search its default keychains.
    """
    mac = Mac(entry)
    mac.search_list = []

    assert [] == list(mac.store().contents())
    assert [] == list(Mac().store().contents())
    assert {} == mac.alive


def test_a_removed_certificate_is_reported(maker: Maker, entry: Entry) -> None:
    """
    A certificate that was removed after the search is reported when it should sign, and so is a locked keychain.
    """
    mac = Mac(entry)
    certificate = mac.only()
    mac.keychains[LOGIN] = (entry_of(maker, "another"),)

    with pytest.raises(CertificateError, match="does not exist any more"):
        certificate.sign(b"message")
    mac.status = INTERACTION_NOT_ALLOWED
    with pytest.raises(CertificateError, match="is locked"):
        certificate.sign(b"message")
    assert {} == mac.alive


def test_a_wrong_key_is_reported(maker: Maker, entry: Entry) -> None:
    """
    A signature by another key is refused.
    """
    with pytest.raises(CertificateError, match="not made with the key"):
        Mac(entry._replace(key=maker.other_key)).only().sign(b"message")


def test_a_key_of_a_keychain_is_not_exportable(entry: Entry) -> None:
    """
    The key never comes into memory, and its repr has only its place.
    """
    certificate = Mac(entry).only()

    with pytest.raises(CertificateError, match="is not exportable"):
        certificate.export_pem()
    assert isinstance(certificate.signer, KeychainKey)
    assert f"KeychainKey('{certificate.thumbprint} in the login keychain')" == repr(certificate.signer)


def test_the_calls_of_this_machine_are_the_default(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without system calls from the caller, those of macOS are loaded.
    """
    monkeypatch.setattr(macos_calls, "load", lambda: Mac(entry).calls)

    assert [True] == [one.certificate is not None for one in KeychainStore("user").contents()]
