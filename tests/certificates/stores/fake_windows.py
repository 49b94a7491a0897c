"""crypt32.dll and ncrypt.dll with recorded behavior, called through the real marshalling of ctypes."""
# ruff: noqa: N802 - functions have the names of Windows

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from entrakit.certificates.stores.windows import WindowsStore
from entrakit.certificates.stores.windows_calls import WindowsCalls

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from tests.certificates.conftest import Maker

    from entrakit.certificates import Certificate

# From wincrypt.h and ncrypt.h, on 64 bits: type of the result, then types of the arguments.
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
# Handles with more than 32 bits.
STORE, KEY = 0x7FF8_1234_5670, 0x1_0000_0007
KSP = ("Microsoft Software Key Storage Provider", 0)
CSP = ("Microsoft Enhanced RSA and AES Cryptographic Provider", 24)
NO_KEY_PROPERTY, BAD_KEYSET, SILENT_CONTEXT, ACCESS_DENIED = 0x8009200B, 0x80090016, 0x80090022, 0x80070005
NOT_SUPPORTED, NOT_FOUND = 0x80090029, 0x80092004


class Entry(NamedTuple):
    """A certificate of the store.

    Args:
        der: The certificate in DER.
        key: Private key of the certificate.
        provider: Name and type of the provider of the key; None for no key.
        acquire_code: Error code of CryptAcquireCertificatePrivateKey; 0 for success.
        policy: Export policy; negative for an error code.
        sign_code: Error code of NCryptSignHash; 0 for success.
        must_free: Whether the caller has to free the key.
        provider_code: Error code of CertGetCertificateContextProperty; 0 for success.
        provider_size_only: Whether a request for only the size succeeds in spite of that.
    """

    der: bytes
    key: RSAPrivateKey
    provider: tuple[str, int] | None = KSP
    acquire_code: int = 0
    policy: int = 0
    sign_code: int = 0
    must_free: bool = True
    provider_code: int = 0
    provider_size_only: bool = False


def signed(code: int) -> int:
    """Return a code as a signed integer of 32 bits, as a C function returns it."""
    return code - (1 << 32) if code >= 1 << 31 else code


def put(where: int | None, value: int) -> None:
    """Write a DWORD or BOOL to an address."""
    assert where
    c_uint32.from_address(where).value = value


class Machine:
    """crypt32.dll and ncrypt.dll of a machine with certificates. `open` lists the open handles.

    Args:
        entries: Certificates of the store.
        open_code: Error code of CertOpenStore; 0 for success.
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
        """Return the result of GetLastError."""
        return signed(self._error)

    @property
    def calls(self) -> WindowsCalls:
        """System calls of this machine."""
        return WindowsCalls(self.library, self.library, self.last_error)

    def store(self, scope: str = "user") -> WindowsStore:
        """Return a store of this machine."""
        return WindowsStore(scope, self.calls)

    def only(self) -> Certificate:
        """Return the only certificate of the store."""
        (item,) = self.store().contents()
        assert item.certificate is not None
        return item.certificate

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
        # CERT_CONTEXT of the header file: four fields after the first one, with gaps for 64-bit alignment.
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
        self, context: int, flags: int, parameters: int | None, handle: int, spec: int, must_free: int
    ) -> int:
        entry = self._alive[context][0]
        assert (0x40044, None) == (flags, parameters)
        self._error = entry.acquire_code
        if entry.acquire_code:
            return 0
        ctypes.c_uint64.from_address(handle).value = KEY
        put(spec, 0xFFFFFFFF)
        put(must_free, entry.must_free)
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
        assert self._signing.must_free
        self.open.remove("key")
        return 0


def entry_of(maker: Maker, name: str = "app") -> Entry:
    """Return a certificate with a key of CNG that is not exportable."""
    return Entry(maker.certificate(name).public_bytes(Encoding.DER), maker.key)
