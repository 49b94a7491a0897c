"""The keychains of macOS: frameworks that answer as recorded, below the real marshalling of ctypes."""
# ruff: noqa: N802 - functions are called as in macOS

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import re
import subprocess
import sys
from ctypes import CFUNCTYPE, c_char_p, c_int32, c_long, c_void_p
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from entrakit.certificates.stores import macos_calls
from entrakit.certificates.stores.macos import SYSTEM_KEYCHAIN, KeychainKey, KeychainStore
from entrakit.certificates.stores.macos_calls import LoadedFramework, MacCalls
from entrakit.certificates.stores.store import find_by_thumbprint
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit.certificates import Certificate
    from entrakit_emulator import Tenant

# From the headers of CoreFoundation and Security: what is returned, then what is taken.
PROTOTYPES = {
    "CFRelease": CFUNCTYPE(None, c_void_p),
    "CFArrayCreate": CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_long, c_void_p),
    "CFArrayGetCount": CFUNCTYPE(c_long, c_void_p),
    "CFArrayGetValueAtIndex": CFUNCTYPE(c_void_p, c_void_p, c_long),
    "CFDictionaryCreateMutable": CFUNCTYPE(c_void_p, c_void_p, c_long, c_void_p, c_void_p),
    "CFDictionarySetValue": CFUNCTYPE(None, c_void_p, c_void_p, c_void_p),
    "CFDictionaryGetValue": CFUNCTYPE(c_void_p, c_void_p, c_void_p),
    "CFDataCreate": CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_long),
    "CFDataGetBytePtr": CFUNCTYPE(c_void_p, c_void_p),
    "CFDataGetLength": CFUNCTYPE(c_long, c_void_p),
    "CFErrorGetCode": CFUNCTYPE(c_long, c_void_p),
    "SecKeychainOpen": CFUNCTYPE(c_int32, c_char_p, c_void_p),
    "SecKeychainCopyDomainSearchList": CFUNCTYPE(c_int32, c_int32, c_void_p),
    "SecItemCopyMatching": CFUNCTYPE(c_int32, c_void_p, c_void_p),
    "SecIdentityCopyCertificate": CFUNCTYPE(c_int32, c_void_p, c_void_p),
    "SecIdentityCopyPrivateKey": CFUNCTYPE(c_int32, c_void_p, c_void_p),
    "SecCertificateCopyData": CFUNCTYPE(c_void_p, c_void_p),
    "SecKeyCopyAttributes": CFUNCTYPE(c_void_p, c_void_p),
    "SecKeyCreateSignature": CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),
}
ITEM_NOT_FOUND, NO_SUCH_KEYCHAIN, INTERACTION_NOT_ALLOWED, AUTH_FAILED, CANCELLED = -25300, -25294, -25308, -25293, -128
LOGIN = "/Users/me/Library/Keychains/login.keychain-db"


class Entry(NamedTuple):
    """An identity of a keychain: a certificate with its key.

    Args:
        der: The certificate.
        key: Its key.
        is_extractable: What the key's attributes say; None for nothing, "odd" for no boolean.
        has_attributes: Whether there are attributes at all.
        certificate_status: What SecIdentityCopyCertificate says.
        key_status: What SecIdentityCopyPrivateKey says.
        sign_status: What SecKeyCreateSignature says; 0 for a signature, None for no signature and no error.
    """

    der: bytes
    key: RSAPrivateKey
    is_extractable: bool | str | None = False
    has_attributes: bool = True
    certificate_status: int = 0
    key_status: int = 0
    sign_status: int | None = 0


class Mac:
    """CoreFoundation and Security of a Mac that has these identities; it knows which references were not released.

    Args:
        login: What the user's keychain has.
        system: What the System keychain has.
    """

    def __init__(self, *login: Entry, system: tuple[Entry, ...] = ()) -> None:
        self.keychains = {LOGIN: login, SYSTEM_KEYCHAIN: system}
        self.search_list = [LOGIN]
        self.status = 0
        self.alive: dict[int, object] = {}
        self._constants: dict[str, int] = {}
        self._next = 0x7FF8_0000_1000
        self._callbacks = {name: kind(getattr(self, name)) for name, kind in PROTOTYPES.items()}

    @property
    def calls(self) -> MacCalls:
        """What reaches this Mac."""
        return MacCalls(self, self)

    def store(self, scope: str = "user") -> KeychainStore:
        """Return keychains of this Mac."""
        return KeychainStore(scope, self.calls)

    def only(self) -> Certificate:
        """Return the one certificate of the login keychain."""
        (found,) = self.store().contents()
        assert found.certificate is not None
        return found.certificate

    def function(self, name: str, result: type | None, *arguments: type) -> Callable[..., int]:
        """Return a function with the types that the caller says."""
        function = self._callbacks[name]
        function.restype, function.argtypes = result, arguments
        return function

    def constant(self, name: str) -> int:
        """Return a pointer of its own for each constant."""
        return self._constants.setdefault(name, 0x7FF8_8000_0000 + 16 * len(self._constants))

    def address(self, name: str) -> int:
        """Return a pointer of its own for each variable."""
        return self.constant(f"&{name}")

    def make(self, value: object) -> int:
        """Return a new reference, which is to be released."""
        self._next += 16
        self.alive[self._next] = value
        return self._next

    def give(self, where: int, value: object, status: int = 0) -> int:
        """Write a new reference to where a pointer says, unless the status is a failure."""
        if not status:
            c_void_p.from_address(where).value = self.make(value)
        return status

    def CFRelease(self, reference: int) -> None:
        del self.alive[reference]

    def CFArrayCreate(self, allocator: int | None, values: int, count: int, callbacks: int) -> int:
        assert (None, self.address("kCFTypeArrayCallBacks")) == (allocator, callbacks)
        return self.make([self.alive[one] for one in (ctypes.c_uint64 * count).from_address(values)])

    def CFArrayGetCount(self, array: int) -> int:
        items = self.alive[array]
        assert isinstance(items, list)
        return len(items)

    def CFArrayGetValueAtIndex(self, array: int, index: int) -> int:
        items = self.alive[array]
        assert isinstance(items, list)
        # Borrowed: the address of the array, and the place in it.
        return array * 256 + index

    def _item(self, reference: int) -> Entry:
        items = self.alive[reference // 256]
        assert isinstance(items, list)
        entry = items[reference % 256]
        assert isinstance(entry, Entry)
        return entry

    def CFDictionaryCreateMutable(self, allocator: int | None, size: int, keys: int, values: int) -> int:
        wanted = (self.address("kCFTypeDictionaryKeyCallBacks"), self.address("kCFTypeDictionaryValueCallBacks"))
        assert (None, 0, *wanted) == (allocator, size, keys, values)
        return self.make({})

    def CFDictionarySetValue(self, dictionary: int, key: int, value: int) -> None:
        known = self.alive[dictionary]
        assert isinstance(known, dict)
        known[key] = value

    def CFDictionaryGetValue(self, dictionary: int, key: int) -> int | None:
        known = self.alive[dictionary]
        assert isinstance(known, dict)
        return known.get(key)

    def CFDataCreate(self, allocator: int | None, data: int, size: int) -> int:
        assert allocator is None
        return self.make(ctypes.create_string_buffer(ctypes.string_at(data, size), size))

    def CFDataGetBytePtr(self, data: int) -> int:
        buffer = self.alive[data]
        assert isinstance(buffer, ctypes.Array)
        return ctypes.addressof(buffer)

    def CFDataGetLength(self, data: int) -> int:
        buffer = self.alive[data]
        assert isinstance(buffer, ctypes.Array)
        return len(buffer)

    def CFErrorGetCode(self, error: int) -> int:
        status = self.alive[error]
        assert isinstance(status, int)
        return status

    def SecKeychainOpen(self, path: bytes, keychain: int) -> int:
        return self.give(keychain, path.decode())

    def SecKeychainCopyDomainSearchList(self, domain: int, keychains: int) -> int:
        assert domain == 0
        return self.give(keychains, self.search_list)

    def SecItemCopyMatching(self, query: int, result: int) -> int:
        asked = self.alive[query]
        assert isinstance(asked, dict)
        keychains = self.alive[asked.pop(self.constant("kSecMatchSearchList"))]
        assert isinstance(keychains, list)
        assert {
            self.constant("kSecClass"): self.constant("kSecClassIdentity"),
            self.constant("kSecReturnRef"): self.constant("kCFBooleanTrue"),
            self.constant("kSecMatchLimit"): self.constant("kSecMatchLimitAll"),
        } == asked
        found = [entry for keychain in keychains or self.keychains for entry in self.keychains[keychain]]
        return self.give(result, found, self.status or (0 if found else ITEM_NOT_FOUND))

    def SecIdentityCopyCertificate(self, identity: int, certificate: int) -> int:
        entry = self._item(identity)
        return self.give(certificate, entry, entry.certificate_status)

    def SecIdentityCopyPrivateKey(self, identity: int, key: int) -> int:
        entry = self._item(identity)
        return self.give(key, entry, entry.key_status)

    def SecCertificateCopyData(self, certificate: int) -> int | None:
        entry = self.alive[certificate]
        assert isinstance(entry, Entry)
        return self.make(ctypes.create_string_buffer(entry.der, len(entry.der))) if entry.der else None

    def SecKeyCopyAttributes(self, key: int) -> int | None:
        entry = self.alive[key]
        assert isinstance(entry, Entry)
        values = {True: "kCFBooleanTrue", False: "kCFBooleanFalse", "odd": "a number"}
        known = (
            {}
            if entry.is_extractable is None
            else {self.constant("kSecAttrIsExtractable"): self.constant(values[entry.is_extractable])}
        )
        return self.make(known) if entry.has_attributes else None

    def SecKeyCreateSignature(self, key: int, algorithm: int, data: int, error: int) -> int | None:
        entry, digest = self.alive[key], self.alive[data]
        assert isinstance(entry, Entry)
        assert isinstance(digest, ctypes.Array)
        assert self.constant("kSecKeyAlgorithmRSASignatureDigestPSSSHA256") == algorithm
        if entry.sign_status:
            self.give(error, entry.sign_status)
        if entry.sign_status != 0:
            return None
        signature = entry.key.sign(
            bytes(digest), padding.PSS(padding.MGF1(hashes.SHA256()), 32), Prehashed(hashes.SHA256())
        )
        return self.make(ctypes.create_string_buffer(signature, len(signature)))


@pytest.fixture
def entry(maker: Maker) -> Entry:
    """Return a certificate with a key that can't leave."""
    return Entry(maker.certificate().public_bytes(Encoding.DER), maker.key)


def other(maker: Maker, name: str) -> Entry:
    """Return another certificate."""
    return Entry(maker.certificate(name).public_bytes(Encoding.DER), maker.key)


def test_each_scope_has_its_keychains(maker: Maker, entry: Entry) -> None:
    """
    The user's are those of the user's own search list, the computer's is the System keychain; nobody sees both.
    """
    mac = Mac(entry, other(maker, "another"), system=(other(maker, "computer"),))

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


def test_macos_signs_what_verifies(entry: Entry) -> None:
    """
    The signature is PS256 by the certificate's key (RFC 7518, 3.5), and every reference is released.
    """
    mac = Mac(entry)

    assert 256 == len(mac.only().sign(b"header.payload"))
    assert {} == mac.alive


def test_an_app_signs_in_with_a_key_of_a_keychain(
    maker: Maker, entry: Entry, entra_tenant: Tenant, emulator: Callable[..., Connection]
) -> None:
    """
    The token service takes what macOS signed; the certificate is found among others.
    """
    from cryptography.x509 import load_der_x509_certificate

    mac = Mac(other(maker, "another"), entry)
    certificate = find_by_thumbprint(hashlib.sha256(entry.der).hexdigest(), [mac.store()])
    client = entra_tenant.confidential_client
    entra_tenant.seed.add_certificate(client, load_der_x509_certificate(entry.der).public_bytes(Encoding.PEM).decode())

    with emulator(client_id=client, certificate=certificate) as connection:
        assert connection.token().access_token
    assert {} == mac.alive


@pytest.mark.parametrize(
    ("changes", "may_leave"),
    [
        ({"is_extractable": False}, False),
        ({"is_extractable": True}, True),
        ({"is_extractable": None}, None),
        ({"is_extractable": "odd"}, None),
        ({"has_attributes": False}, None),
    ],
)
def test_whether_a_key_may_leave_is_what_macos_says(
    entry: Entry, changes: dict[str, object], may_leave: bool | None
) -> None:
    """
    The key's attributes say it; what they don't say is left open.
    """
    mac = Mac(entry._replace(**changes))  # type: ignore[arg-type] # a table of cases

    (found,) = mac.store().contents()

    assert may_leave is found.is_exportable
    assert found.certificate is not None
    assert {} == mac.alive


@pytest.mark.parametrize(
    ("scope", "status", "words"),
    [
        ("user", CANCELLED, "Somebody did not allow .* Always Allow"),
        ("user", -2147415839, "Somebody did not allow"),
        ("user", INTERACTION_NOT_ALLOWED, "is locked, .* nobody to ask. Type `security unlock-keychain`"),
        ("user", -2070, "is locked"),
        ("user", AUTH_FAILED, "may not use the key .* Allow this program"),
        ("computer", AUTH_FAILED, "may not use the key .* Run as root."),
        ("user", -50, "can't make PS256"),
        ("user", -1, "macOS says Sec.*: -1"),
    ],
)
def test_a_key_that_cannot_be_used_says_why(maker: Maker, entry: Entry, scope: str, status: int, words: str) -> None:
    """
    The reason and what to do, whether it shows in looking or in signing; no other is hidden and nothing leaks.
    """
    entries = (entry._replace(key_status=status), other(maker, "good"))
    mac = Mac(*entries, system=entries)

    bad, good = mac.store(scope).contents()

    assert bad.certificate is None
    assert re.search(words, bad.problem)
    assert f"{bad.place} (CN=app,O=Contoso)" in bad.problem
    assert good.certificate is not None
    failing = entry._replace(sign_status=status)
    mac.keychains = {LOGIN: (failing,), SYSTEM_KEYCHAIN: (failing,)}
    (found,) = mac.store(scope).contents()
    assert found.certificate is not None
    with pytest.raises(CertificateError) as caught:
        found.certificate.sign(b"message")
    assert re.search(words, f"{caught.value.problem} {caught.value.remedy}")
    assert {} == mac.alive


def test_a_signature_that_does_not_come_is_an_error(entry: Entry) -> None:
    """
    Neither a signature nor a reason is a failure too.
    """
    mac = Mac(entry._replace(sign_status=None))

    with pytest.raises(CertificateError, match="SecKeyCreateSignature: 0"):
        mac.only().sign(b"message")
    assert {} == mac.alive


@pytest.mark.parametrize("damage", ["cut", "version", "unreadable", "no data"])
def test_a_broken_certificate_hides_none(maker: Maker, entry: Entry, damage: str) -> None:
    """
    What can't be read or parsed is told, and those before and after it are there.
    """
    broken = {
        "cut": entry._replace(der=entry.der[:-5]),
        "version": entry._replace(der=entry.der.replace(b"\2\1\2", b"\2\1\7", 1)),
        "unreadable": entry._replace(certificate_status=-25291),
        "no data": entry._replace(der=b""),
    }[damage]
    mac = Mac(other(maker, "before"), broken, other(maker, "after"))

    found = list(mac.store().contents())

    assert [True, False, True] == [one.certificate is not None for one in found]
    assert found[1].problem.endswith(("is damaged.", "the login keychain has a certificate that can't be read."))
    assert {} == mac.alive


@pytest.mark.parametrize(
    ("status", "problems"),
    [
        (NO_SUCH_KEYCHAIN, []),
        (INTERACTION_NOT_ALLOWED, ["it is locked, and nobody can be asked to unlock it."]),
        (AUTH_FAILED, ["permission denied."]),
        (-25291, ["macOS says SecItemCopyMatching: -25291."]),
    ],
)
def test_a_keychain_that_does_not_open_says_so(entry: Entry, status: int, problems: list[str]) -> None:
    """
    A keychain that does not exist has nothing; one that can't be read is told.
    """
    mac = Mac(entry, system=(entry,))
    mac.status = status

    for scope, name in {"user": "the login keychain", "computer": "the System keychain"}.items():
        found = list(mac.store(scope).contents())
        assert [f"Can't read {name}: {problem}" for problem in problems] == [one.problem for one in found]
    assert {} == mac.alive


def test_a_user_without_keychains_does_not_get_the_default_ones(entry: Entry) -> None:
    """
    An empty search list finds nothing, as an empty keychain does; the system would take its defaults for it.
    """
    mac = Mac(entry)
    mac.search_list = []

    assert [] == list(mac.store().contents())
    assert [] == list(Mac().store().contents())
    assert {} == mac.alive


def test_a_certificate_that_went_says_so(maker: Maker, entry: Entry) -> None:
    """
    A certificate that was removed after it was found is told at signing; so is a keychain that was locked since.
    """
    mac = Mac(entry)
    certificate = mac.only()
    mac.keychains[LOGIN] = (other(maker, "another"),)

    with pytest.raises(CertificateError, match="is not there any more"):
        certificate.sign(b"message")
    mac.status = INTERACTION_NOT_ALLOWED
    with pytest.raises(CertificateError, match="is locked"):
        certificate.sign(b"message")
    assert {} == mac.alive


def test_the_wrong_key_is_told(maker: Maker, entry: Entry) -> None:
    """
    What another key signed is not passed on.
    """
    with pytest.raises(CertificateError, match="not signed with its key"):
        Mac(entry._replace(key=maker.other_key)).only().sign(b"message")


def test_a_key_of_a_keychain_cannot_be_kept(entry: Entry) -> None:
    """
    The key does not come into memory, and its name says where it is and nothing more.
    """
    certificate = Mac(entry).only()

    with pytest.raises(CertificateError, match="can't leave"):
        certificate.export_pem()
    assert isinstance(certificate.signer, KeychainKey)
    assert f"KeychainKey('{certificate.thumbprint} in the login keychain')" == repr(certificate.signer)


def test_this_machines_own_calls_are_the_default(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without calls handed in, those of macOS are loaded.
    """
    monkeypatch.setattr(macos_calls, "load", lambda: Mac(entry).calls)

    assert [True] == [one.certificate is not None for one in KeychainStore("user").contents()]


def test_a_library_gives_functions_and_variables() -> None:
    """
    Functions take and return what they are told, 64 bits wide; variables give what they hold, and where they are.
    """
    library = LoadedFramework(ctypes.util.find_library("c") or "")

    assert 5 == library.function("strlen", c_long, c_char_p)(b"entra")
    assert (1 << 40) == library.function("labs", c_long, c_long)(-(1 << 40))
    # Not `environ`: a Python that is linked statically has one of its own, and the C library's stays empty.
    address = library.address("program_invocation_name")
    assert c_void_p.from_address(address).value == library.constant("program_invocation_name") != 0


def test_the_frameworks_are_those_of_the_system() -> None:
    """
    They are loaded by their full paths; a library without their functions is told at once.
    """
    assert all(path.startswith("/System/Library/Frameworks/") for path in (
        macos_calls.CORE_FOUNDATION, macos_calls.SECURITY
    ))  # fmt: skip
    libc = ctypes.util.find_library("c") or ""
    with pytest.raises(AttributeError, match="CFRelease"):
        macos_calls.load(libc, libc)


@pytest.mark.parametrize("module", ["macos", "macos_calls"])
def test_importing_loads_no_library(module: str) -> None:
    """
    Any system can import the file: no library is loaded before it is asked for.
    """
    code = (
        "import sys, ctypes\n"
        "sys.addaudithook(lambda event, values: event == 'ctypes.dlopen' and sys.exit(f'loaded {values}'))\n"
        f"import entrakit.certificates.stores.{module}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)
