"""The certificate stores of Windows: libraries that answer as recorded, below the real marshalling of ctypes."""
# ruff: noqa: N802 - functions are called as in Windows

from __future__ import annotations

import ctypes
import hashlib
import re
import subprocess
import sys
from ctypes import CFUNCTYPE, c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from entrakit.certificates.stores import windows_calls
from entrakit.certificates.stores.store import find_by_thumbprint
from entrakit.certificates.stores.windows import CallError, WindowsKey, WindowsStore
from entrakit.certificates.stores.windows_calls import WindowsCalls
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from tests.certificates.conftest import Maker

    from entrakit import Connection
    from entrakit.certificates import Certificate
    from entrakit_emulator import Tenant

# From wincrypt.h and ncrypt.h, on 64 bits: what is returned, then what is taken.
PROTOTYPES = {
    "CertOpenStore": CFUNCTYPE(c_void_p, c_void_p, c_uint32, c_size_t, c_uint32, c_wchar_p),
    "CertCloseStore": CFUNCTYPE(c_int32, c_void_p, c_uint32),
    "CertEnumCertificatesInStore": CFUNCTYPE(c_void_p, c_void_p, c_void_p),
    "CertFreeCertificateContext": CFUNCTYPE(c_int32, c_void_p),
    "CertGetCertificateContextProperty": CFUNCTYPE(c_int32, c_void_p, c_uint32, c_void_p, c_void_p),
    "CryptAcquireCertificatePrivateKey": CFUNCTYPE(c_int32, c_void_p, c_uint32, c_void_p, c_void_p, c_void_p, c_void_p),
    "NCryptGetProperty": CFUNCTYPE(c_int32, c_size_t, c_wchar_p, c_void_p, c_uint32, c_void_p, c_uint32),
    "NCryptSignHash": CFUNCTYPE(
        c_int32, c_size_t, c_void_p, c_void_p, c_uint32, c_void_p, c_uint32, c_void_p, c_uint32
    ),
    "NCryptFreeObject": CFUNCTYPE(c_int32, c_size_t),
}
CHECK = Path(__file__).parents[3] / "scripts" / "check-native-store"
# Handles that a function which takes 32 bits would cut.
STORE, KEY = 0x7FF8_1234_5670, 0x1_0000_0007
KSP = ("Microsoft Software Key Storage Provider", 0)
CSP = ("Microsoft Enhanced RSA and AES Cryptographic Provider", 24)
NO_KEY_PROPERTY, BAD_KEYSET, SILENT_CONTEXT, ACCESS_DENIED = 0x8009200B, 0x80090016, 0x80090022, 0x80070005
NOT_SUPPORTED, NOT_FOUND = 0x80090029, 0x80092004


class Entry(NamedTuple):
    """A certificate of the store.

    Args:
        der: Its bytes.
        key: Its key.
        provider: Name and type of what holds the key; None for no key.
        acquire_code: What CryptAcquireCertificatePrivateKey says; 0 for a key.
        policy: The export policy; negative for a code.
        sign_code: What NCryptSignHash says.
        is_ours: Whether the caller is to free the key.
        provider_code: What CertGetCertificateContextProperty says.
        provider_size_only: Whether it says so only when it is asked for more than the size.
    """

    der: bytes
    key: RSAPrivateKey
    provider: tuple[str, int] | None = KSP
    acquire_code: int = 0
    policy: int = 0
    sign_code: int = 0
    is_ours: bool = True
    provider_code: int = 0
    provider_size_only: bool = False


def signed(code: int) -> int:
    """Return a code as a C function with 32 bits returns it."""
    return code - (1 << 32) if code >= 1 << 31 else code


def put(where: int | None, value: int) -> None:
    """Write a DWORD or BOOL to where a pointer says."""
    assert where
    c_uint32.from_address(where).value = value


class Machine:
    """crypt32.dll and ncrypt.dll of a machine that has these certificates; it notes all that is open.

    Args:
        entries: What the store has.
        open_code: What CertOpenStore says; 0 for the store.
    """

    def __init__(self, *entries: Entry, open_code: int = 0) -> None:
        self.entries = entries
        self.open_code = open_code
        self.open: list[str] = []
        self.flags: list[int] = []
        self._error = 0
        self._alive: dict[int, tuple[Entry, object]] = {}
        self._signing: Entry | None = None
        library = SimpleNamespace(**{name: kind(getattr(self, name)) for name, kind in PROTOTYPES.items()})
        self.library = cast("ctypes.CDLL", library)

    def last_error(self) -> int:
        """Return what GetLastError returns."""
        return signed(self._error)

    @property
    def calls(self) -> WindowsCalls:
        """What reaches this machine."""
        return WindowsCalls(self.library, self.library, self.last_error)

    def store(self, scope: str = "user") -> WindowsStore:
        """Return a store of this machine."""
        return WindowsStore(scope, self.calls)

    def only(self) -> Certificate:
        """Return its one certificate."""
        (found,) = self.store().contents()
        assert found.certificate is not None
        return found.certificate

    def CertOpenStore(self, provider: int, encoding: int, crypt: int, flags: int, name: str) -> int | None:
        assert (10, 0, 0, "My") == (provider, encoding, crypt, name)
        self.flags.append(flags)
        self._error = self.open_code
        if self.open_code:
            return None
        self.open.append("store")
        return STORE

    def CertCloseStore(self, store: int, flags: int) -> int:
        assert (STORE, 0) == (store, flags)
        self.open.remove("store")
        return 1

    def CertEnumCertificatesInStore(self, store: int, previous: int | None) -> int | None:
        assert store == STORE
        index = 0
        if previous:
            index = self.entries.index(self._alive[previous][0]) + 1
            self.CertFreeCertificateContext(previous)
        if index == len(self.entries):
            self._error = NOT_FOUND
            return None
        data = ctypes.create_string_buffer(self.entries[index].der, len(self.entries[index].der))
        # CERT_CONTEXT by the header: four fields after the first, with gaps where 64 bits align them.
        context = (ctypes.c_uint64 * 5)(1, ctypes.addressof(data), len(data), 0, store)
        address = ctypes.addressof(context)
        self._alive[address] = (self.entries[index], (context, data))
        self.open.append("certificate")
        return address

    def CertFreeCertificateContext(self, context: int) -> int:
        del self._alive[context]
        self.open.remove("certificate")
        return 1

    def CertGetCertificateContextProperty(self, context: int, which: int, data: int | None, size: int | None) -> int:
        entry = self._alive[context][0]
        assert which == 2
        if entry.provider is None or (entry.provider_code and (data or not entry.provider_size_only)):
            self._error = entry.provider_code or NOT_FOUND
            return 0
        put(size, 256)
        if data:
            name = ctypes.create_unicode_buffer(entry.provider[0])
            self._name = name
            ctypes.memmove(data, bytes((ctypes.c_uint64 * 2)(0, ctypes.addressof(name))), 16)
            put(data + 16, entry.provider[1])
        return 1

    def CryptAcquireCertificatePrivateKey(
        self, context: int, flags: int, parameters: int | None, handle: int, spec: int, is_ours: int
    ) -> int:
        entry = self._alive[context][0]
        assert (0x40044, None) == (flags, parameters)
        self._error = entry.acquire_code
        if entry.acquire_code:
            return 0
        ctypes.c_uint64.from_address(handle).value = KEY
        put(spec, 0xFFFFFFFF)
        put(is_ours, entry.is_ours)
        self._signing = entry
        self.open.append("key")
        return 1

    def NCryptGetProperty(self, key: int, name: str, data: int, room: int, size: int, flags: int) -> int:
        assert self._signing is not None
        assert (KEY, "Export Policy", 4, 0x40) == (key, name, room, flags)
        if self._signing.policy < 0:
            return self._signing.policy
        put(data, self._signing.policy)
        put(size, 4)
        return 0

    def NCryptSignHash(
        self, key: int, info: int, digest: int, digest_size: int, data: int, room: int, size: int, flags: int
    ) -> int:
        entry = self._signing
        assert entry is not None
        assert (KEY, 0x48) == (key, flags)
        algorithm = c_wchar_p.from_address(info).value
        salt = c_uint32.from_address(info + 8).value
        assert ("SHA256", 32) == (algorithm, salt)
        if entry.sign_code:
            return signed(entry.sign_code)
        signature = entry.key.sign(
            ctypes.string_at(digest, digest_size),
            padding.PSS(padding.MGF1(hashes.SHA256()), salt),
            Prehashed(hashes.SHA256()),
        )
        assert len(signature) <= room
        ctypes.memmove(data, signature, len(signature))
        put(size, len(signature))
        return 0

    def NCryptFreeObject(self, key: int) -> int:
        assert key == KEY
        assert self._signing is not None
        assert self._signing.is_ours
        self.open.remove("key")
        return 0


@pytest.fixture
def entry(maker: Maker) -> Entry:
    """Return a certificate with a key of CNG, which can't leave."""
    return Entry(maker.certificate().public_bytes(Encoding.DER), maker.key)


def other(maker: Maker, name: str) -> Entry:
    """Return another certificate."""
    return Entry(maker.certificate(name).public_bytes(Encoding.DER), maker.key)


@pytest.mark.parametrize(
    ("scope", "flags", "location"),
    [("user", 0x1C000, r"CurrentUser\My"), ("computer", 0x2C000, r"LocalMachine\My")],
)
def test_a_store_gives_what_it_has(maker: Maker, entry: Entry, scope: str, flags: int, location: str) -> None:
    """
    Each certificate with its place, as PowerShell calls it; the store is opened for reading, and never made.
    """
    machine = Machine(entry, other(maker, "another"))
    store = machine.store(scope)

    found = list(store.contents())

    assert ["CN=app,O=Contoso", "CN=another,O=Contoso"] == [
        one.certificate and one.certificate.subject for one in found
    ]
    assert rf"Cert:\{location}\{hashlib.sha1(entry.der, usedforsecurity=False).hexdigest().upper()}" == found[0].place
    assert ["", ""] == [one.problem for one in found]
    assert ("windows", scope, rf"the certificate store {location}") == (store.kind, store.scope, store.name)
    assert [flags] == machine.flags
    assert [] == machine.open


def test_windows_signs_what_verifies(entry: Entry) -> None:
    """
    The signature is PS256 by the certificate's key (RFC 7518, 3.5), and nothing stays open.
    """
    machine = Machine(entry)

    assert 256 == len(machine.only().sign(b"header.payload"))
    assert [] == machine.open


def test_an_app_signs_in_with_a_key_of_windows(
    maker: Maker, entry: Entry, entra_tenant: Tenant, emulator: Callable[..., Connection]
) -> None:
    """
    The token service takes what Windows signed; the certificate is found among others.
    """
    machine = Machine(other(maker, "another"), entry)
    thumbprint = hashlib.sha256(entry.der).hexdigest()
    certificate = find_by_thumbprint(thumbprint, [machine.store()])
    client = entra_tenant.confidential_client
    from cryptography.x509 import load_der_x509_certificate

    entra_tenant.seed.add_certificate(client, load_der_x509_certificate(entry.der).public_bytes(Encoding.PEM).decode())

    with emulator(client_id=client, certificate=certificate) as connection:
        assert connection.token().access_token
    assert [] == machine.open


@pytest.mark.parametrize(("policy", "may_leave"), [(0, False), (1, True), (2, True), (4, False), (-2146893783, None)])
def test_whether_a_key_may_leave_is_what_windows_says(entry: Entry, policy: int, may_leave: bool | None) -> None:
    """
    The export policy says it: allowed, encrypted or not. A provider that knows none leaves it open.
    """
    (found,) = Machine(entry._replace(policy=policy)).store().contents()

    assert may_leave is found.is_exportable
    assert found.certificate is not None


@pytest.mark.parametrize(
    ("scope", "changes", "words"),
    [
        ("user", {"provider": None, "acquire_code": NO_KEY_PROPERTY}, "has no private key. Import"),
        ("user", {"acquire_code": SILENT_CONTEXT}, "wants a PIN or a confirmation"),
        ("user", {"acquire_code": 0x8009002E, "provider": CSP}, "wants a PIN or a confirmation"),
        ("user", {"acquire_code": 0x80100069, "provider": CSP}, "device with the key"),
        ("user", {"acquire_code": ACCESS_DENIED}, "may not use the key .* Run as the user that the key belongs to."),
        ("computer", {"acquire_code": 0x80090010}, "may not use the key .* Manage Private Keys."),
        ("computer", {"acquire_code": 5, "provider": CSP}, "may not use the key .* Run as administrator"),
        ("user", {"acquire_code": BAD_KEYSET, "provider": CSP}, f"older CryptoAPI .{CSP[0]}.*certutil -user -csp"),
        ("computer", {"acquire_code": 0x80090014, "provider": CSP}, "older CryptoAPI .* certutil -csp .* -importpfx"),
        ("user", {"acquire_code": BAD_KEYSET}, "is gone, or this user may not see it"),
        ("user", {"acquire_code": 0x80090015}, "is not the certificate's"),
        ("user", {"acquire_code": 0x80090020}, "CryptAcquireCertificatePrivateKey: 0x80090020"),
        ("user", {"acquire_code": NOT_SUPPORTED, "provider": ("Evil\x1b[2J", 0)}, r"provider .*Evil\\x1b\[2J"),
        ("user", {"acquire_code": NOT_SUPPORTED, "provider": None}, "provider .*unnamed"),
        ("user", {"acquire_code": BAD_KEYSET, "provider_code": 0x80070057}, "is gone"),
        (
            "user",
            {"acquire_code": BAD_KEYSET, "provider": CSP, "provider_code": 0x80070057, "provider_size_only": True},
            "is gone",
        ),
    ],
)
def test_a_key_that_cannot_be_used_says_why(
    maker: Maker, entry: Entry, scope: str, changes: dict[str, object], words: str
) -> None:
    """
    One sentence with the place, the subject and the reason, and one with what to do; the others are not hidden.
    """
    machine = Machine(entry._replace(**changes), other(maker, "good"))  # type: ignore[arg-type] # a table of cases

    bad, good = machine.store(scope).contents()

    assert bad.certificate is None
    assert bad.place in bad.problem
    assert "(CN=app,O=Contoso)" in bad.problem
    assert re.search(words, bad.problem)
    assert good.certificate is not None
    assert [] == machine.open


def test_a_csp_key_that_cng_can_open_is_used(entry: Entry) -> None:
    """
    What counts is whether CNG can use the key, not what the store says of its provider.
    """
    machine = Machine(entry._replace(provider=CSP))

    assert machine.only().sign(b"message")


@pytest.mark.parametrize("damage", ["cut", "empty", "version"])
def test_a_broken_certificate_hides_none(maker: Maker, entry: Entry, damage: str) -> None:
    """
    What can't be parsed is told with its place, and those before and after it are there.
    """
    broken = {"cut": entry.der[:-5], "empty": b"\x30\x00", "version": entry.der.replace(b"\2\1\2", b"\2\1\7", 1)}[
        damage
    ]
    machine = Machine(other(maker, "before"), entry._replace(der=broken), other(maker, "after"))

    found = list(machine.store().contents())

    assert [True, False, True] == [one.certificate is not None for one in found]
    assert f"{found[1].place} is damaged." == found[1].problem
    assert [] == machine.open


@pytest.mark.parametrize(
    ("code", "problems"),
    [
        (2, []),
        (5, [r"Can't read the certificate store LocalMachine\My: permission denied."]),
        (87, [r"Can't read the certificate store LocalMachine\My: Windows says CertOpenStore: 0x00000057."]),
    ],
)
def test_a_store_that_does_not_open_says_so(entry: Entry, code: int, problems: list[str]) -> None:
    """
    A store that does not exist has nothing; one that can't be read is told.
    """
    assert problems == [one.problem for one in Machine(entry, open_code=code).store("computer").contents()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sign_code": SILENT_CONTEXT}, "wants a PIN"),
        ({"sign_code": NOT_SUPPORTED}, "can't make PS256 signatures"),
        ({"sign_code": NOT_SUPPORTED, "provider": CSP}, "older CryptoAPI"),
        ({"acquire_code": ACCESS_DENIED}, "may not use"),
    ],
)
def test_a_key_that_fails_later_says_why(entry: Entry, changes: dict[str, object], words: str) -> None:
    """
    What fails at signing gives the same reasons with a remedy, and leaves nothing open.
    """
    machine = Machine(entry)
    certificate = machine.only()
    machine.entries = (entry._replace(**changes),)  # type: ignore[arg-type] # a table of cases

    with pytest.raises(CertificateError, match=words) as caught:
        certificate.sign(b"message")

    assert caught.value.remedy
    assert [] == machine.open


def test_a_certificate_that_went_says_so(maker: Maker, entry: Entry) -> None:
    """
    A certificate that was removed after it was found, or a store that fails then, is told at signing.
    """
    machine = Machine(entry)
    certificate = machine.only()
    machine.entries = (other(maker, "another"),)

    with pytest.raises(CertificateError, match="is not there any more"):
        certificate.sign(b"message")
    machine.open_code = 5
    with pytest.raises(CertificateError, match="Can't read the certificate store"):
        certificate.sign(b"message")
    assert [] == machine.open


def test_a_key_that_lives_with_its_certificate_is_not_freed(entry: Entry) -> None:
    """
    CryptAcquireCertificatePrivateKey says whose the handle is; one that is not ours must not be freed.
    """
    machine = Machine(entry._replace(is_ours=False))

    assert machine.only().sign(b"message")
    assert ["key", "key"] == machine.open


def test_a_certificate_is_not_freed_twice(entry: Entry) -> None:
    """
    The next call frees the certificate before it, so a failure of that call must not free it once more.
    """

    class Failing(WindowsCalls):
        def next_certificate(self, store: int, previous: int) -> int:
            found = super().next_certificate(store, previous)
            if previous:
                raise CallError("CertEnumCertificatesInStore", 0x80070057)
            return found

    machine = Machine(entry)
    store = WindowsStore("user", Failing(machine.library, machine.library, machine.last_error))

    assert ["0x80070057." == one.problem[-11:] for one in store.contents()] == [True]
    assert [] == machine.open


def test_the_wrong_key_is_told(maker: Maker, entry: Entry) -> None:
    """
    What another key signed is not passed on.
    """
    with pytest.raises(CertificateError, match="not signed with its key"):
        Machine(entry._replace(key=maker.other_key)).only().sign(b"message")


def test_a_key_that_entra_does_not_take_is_found_and_refused(maker: Maker, entry: Entry) -> None:
    """
    A certificate with an EC key is listed like any other; its check says that Entra takes RSA only.
    """
    der = maker.certificate(key=maker.ec_key).public_bytes(Encoding.DER)

    with pytest.raises(CertificateError, match="RSA"):
        Machine(entry._replace(der=der)).only().check(0)


def test_a_key_of_windows_cannot_be_kept(entry: Entry) -> None:
    """
    The key does not come into memory, and its name says where it is and nothing more.
    """
    certificate = Machine(entry).only()

    with pytest.raises(CertificateError, match="can't leave"):
        certificate.export_pem()
    assert isinstance(certificate.signer, WindowsKey)
    assert f"WindowsKey('Cert:\\\\CurrentUser\\\\My\\\\{certificate.thumbprint}')" == repr(certificate.signer)


def test_this_machines_own_calls_are_the_default(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without calls handed in, those of Windows are loaded.
    """
    monkeypatch.setattr(windows_calls, "load", lambda: Machine(entry).calls)

    assert [True] == [one.certificate is not None for one in WindowsStore("user").contents()]


def test_structures_have_the_layout_of_windows() -> None:
    """
    Sizes and offsets on 64 bits, by wincrypt.h and bcrypt.h.
    """
    layouts = {
        windows_calls.CertContext: (40, {"pbCertEncoded": 8, "cbCertEncoded": 16, "pCertInfo": 24, "hCertStore": 32}),
        windows_calls.CryptKeyProvInfo: (
            48,
            {"pwszProvName": 8, "dwProvType": 16, "dwFlags": 20, "cProvParam": 24, "rgProvParam": 32, "dwKeySpec": 40},
        ),
        windows_calls.BcryptPssPaddingInfo: (16, {"pszAlgId": 0, "cbSalt": 8}),
    }

    for structure, (size, offsets) in layouts.items():
        assert size == ctypes.sizeof(structure)
        assert offsets == {name: getattr(structure, name).offset for name in offsets}
    assert [4, 4, 4, 8] == [
        ctypes.sizeof(kind)
        for kind in (windows_calls.DWORD, windows_calls.BOOL, windows_calls.STATUS, windows_calls.HANDLE)
    ]


def test_the_libraries_are_those_of_the_system(entry: Entry) -> None:
    """
    They are loaded from the system's directory only, with the error kept by ctypes, once they are needed.
    """
    loaded = []
    machine = Machine(entry)

    def load_library(name: str, *, use_last_error: bool, winmode: int) -> ctypes.CDLL:
        loaded.append((name, use_last_error, winmode))
        return machine.library

    system = SimpleNamespace(WinDLL=load_library, get_last_error=machine.last_error)
    store = WindowsStore("user", windows_calls.load(cast("ModuleType", system)))

    assert [("crypt32.dll", True, 0x800), ("ncrypt.dll", True, 0x800)] == loaded
    assert 1 == len(list(store.contents()))


@pytest.mark.parametrize("module", ["windows", "windows_calls"])
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


def test_a_hash_with_zeros_is_passed_whole(entry: Entry) -> None:
    """
    A hash is bytes and no text, so a zero does not end it.
    """
    messages = (number.to_bytes(4, "big") for number in range(10**6))
    message = next(one for one in messages if hashlib.sha256(one).digest()[0] == 0)

    assert Machine(entry).only().sign(message)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 0, "token, where token was expected"),
        (("--expect", "listed"), 0, "listed, where listed was expected"),
        (("--expect", "refusal"), 1, "token, where refusal was expected"),
        (("--not-exportable",), 1, "FAILED: the key of"),
    ],
)
def test_what_ci_runs_on_real_systems_works(
    maker: Maker, private_home: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """
    The check that CI runs on Windows and macOS signs in here as well, with a store that this system has.
    """
    certificate = maker.certificate()
    (private_home / "certificates").mkdir()
    (private_home / "certificates" / "app.pfx").write_bytes(maker.pfx(certificate))
    (private_home / "certificates" / "app.pfx").chmod(0o600)
    thumbprint = certificate.fingerprint(hashes.SHA256()).hex()

    done = subprocess.run(
        [sys.executable, str(CHECK), thumbprint, "--store", "directory", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (code, "") == (done.returncode, done.stderr)
    assert words in done.stdout.splitlines()[-1]
