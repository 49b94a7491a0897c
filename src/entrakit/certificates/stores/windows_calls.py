"""System calls of Windows: CryptoAPI finds certificates, CNG signs. The only file with ctypes for Windows.

    crypt32.dll   CertOpenStore, CertEnumCertificatesInStore, CryptAcquireCertificatePrivateKey, …   wincrypt.h
    ncrypt.dll    NCryptGetProperty, NCryptSignHash, NCryptFreeObject                                ncrypt.h

Each method is one call, without decisions. Importing this file loads no library; `load` does. Types have the sizes of
Windows (a `DWORD` has 32 bits on every system), so that the structures can be tested on any system.
"""

from __future__ import annotations

import ctypes
from ctypes import Structure, byref, c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

DWORD, BOOL, STATUS, HANDLE = c_uint32, c_int32, c_int32, c_size_t

CERT_STORE_PROV_SYSTEM_W = 10
CERT_SYSTEM_STORE = {"user": 0x00010000, "computer": 0x00020000}
CERT_STORE_OPEN_EXISTING_FLAG = 0x00004000
CERT_STORE_READONLY_FLAG = 0x00008000
CERT_KEY_PROV_INFO_PROP_ID = 2
CRYPT_ACQUIRE_COMPARE_KEY_FLAG = 0x00000004
CRYPT_ACQUIRE_SILENT_FLAG = 0x00000040
CRYPT_ACQUIRE_ONLY_NCRYPT_KEY_FLAG = 0x00040000
NCRYPT_EXPORT_POLICY_PROPERTY = "Export Policy"
NCRYPT_SILENT_FLAG = 0x00000040
BCRYPT_PAD_PSS = 0x00000008
BCRYPT_SHA256_ALGORITHM = "SHA256"
CRYPT_E_NOT_FOUND = 0x80092004
# Load libraries from the system directory only, so that a library next to the program can't take their place.
LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x00000800
# Signature of an RSA key with 16384 bits, the longest key in Windows.
MAX_SIGNATURE = 2048


class WindowsCallError(Exception):
    """A system call failed.

    Args:
        function: Name of the function.
        code: Error code of winerror.h, without sign.
    """

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function}: 0x{code:08X}")
        self.code = code


class KeyHandle(NamedTuple):
    """An open key.

    Args:
        handle: Handle of the key.
        must_free: Whether the caller has to free the handle. If not, the certificate frees it.
    """

    handle: int
    must_free: bool


class Provider(NamedTuple):
    """The software or device that stores a key.

    Args:
        name: Name in Windows.
        kind: 0 for a provider of CNG, else the type of a CSP of CryptoAPI.
    """

    name: str
    kind: int


class CertContext(Structure):
    """CERT_CONTEXT: a certificate of a store."""

    _fields_ = (
        ("dwCertEncodingType", DWORD),
        ("pbCertEncoded", c_void_p),
        ("cbCertEncoded", DWORD),
        ("pCertInfo", c_void_p),
        ("hCertStore", c_void_p),
    )


class CryptKeyProvInfo(Structure):
    """CRYPT_KEY_PROV_INFO: provider and container of a certificate's key."""

    _fields_ = (
        ("pwszContainerName", c_wchar_p),
        ("pwszProvName", c_wchar_p),
        ("dwProvType", DWORD),
        ("dwFlags", DWORD),
        ("cProvParam", DWORD),
        ("rgProvParam", c_void_p),
        ("dwKeySpec", DWORD),
    )


class BcryptPssPaddingInfo(Structure):
    """BCRYPT_PSS_PADDING_INFO: hash and salt of an RSA-PSS signature."""

    _fields_ = (("pszAlgId", c_wchar_p), ("cbSalt", DWORD))


# Type of the result, then types of the arguments.
_CRYPT32 = {
    "CertOpenStore": (c_void_p, c_void_p, DWORD, HANDLE, DWORD, c_wchar_p),
    "CertCloseStore": (BOOL, c_void_p, DWORD),
    "CertEnumCertificatesInStore": (c_void_p, c_void_p, c_void_p),
    "CertFreeCertificateContext": (BOOL, c_void_p),
    "CertGetCertificateContextProperty": (BOOL, c_void_p, DWORD, c_void_p, c_void_p),
    "CryptAcquireCertificatePrivateKey": (BOOL, c_void_p, DWORD, c_void_p, c_void_p, c_void_p, c_void_p),
}
_NCRYPT = {
    "NCryptGetProperty": (STATUS, HANDLE, c_wchar_p, c_void_p, DWORD, c_void_p, DWORD),
    "NCryptSignHash": (STATUS, HANDLE, c_void_p, c_void_p, DWORD, c_void_p, DWORD, c_void_p, DWORD),
    "NCryptFreeObject": (STATUS, HANDLE),
}


class WindowsCalls:
    """System calls through two loaded libraries.

    Args:
        crypt32: CryptoAPI.
        ncrypt: CNG.
        last_error: Function that returns the GetLastError code of the last call.
    """

    def __init__(self, crypt32: ctypes.CDLL, ncrypt: ctypes.CDLL, last_error: Callable[[], int]) -> None:
        self._crypt32 = _typed(crypt32, _CRYPT32)
        self._ncrypt = _typed(ncrypt, _NCRYPT)
        self._last_error = last_error

    def open_store(self, scope: str) -> int:
        """CertOpenStore: open the store My of the `user` or the `computer` for reading, and return its handle."""
        flags = CERT_SYSTEM_STORE[scope] | CERT_STORE_OPEN_EXISTING_FLAG | CERT_STORE_READONLY_FLAG
        store = self._crypt32["CertOpenStore"](CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, "My")
        if not store:
            raise self._failure("CertOpenStore")
        return store

    def close_store(self, store: int) -> None:
        """CertCloseStore."""
        self._crypt32["CertCloseStore"](store, 0)

    def next_certificate(self, store: int, previous: int) -> int:
        """CertEnumCertificatesInStore: free the previous certificate, if any, and return the next one; 0 at the end."""
        return self._crypt32["CertEnumCertificatesInStore"](store, previous or None) or 0

    def free_certificate(self, context: int) -> None:
        """CertFreeCertificateContext."""
        self._crypt32["CertFreeCertificateContext"](context)

    def encoded(self, context: int) -> bytes:
        """Return a certificate in DER."""
        found = CertContext.from_address(context)
        return ctypes.string_at(found.pbCertEncoded, found.cbCertEncoded)

    def provider(self, context: int) -> Provider | None:
        """CertGetCertificateContextProperty: return the provider of a certificate's key; None if it has no key."""
        read = self._crypt32["CertGetCertificateContextProperty"]
        size = DWORD()
        if not read(context, CERT_KEY_PROV_INFO_PROP_ID, None, byref(size)):
            failure = self._failure("CertGetCertificateContextProperty")
            if failure.code == CRYPT_E_NOT_FOUND:
                return None
            raise failure
        # The structure points to names that follow it in the same buffer.
        buffer = ctypes.create_string_buffer(max(size.value, ctypes.sizeof(CryptKeyProvInfo)))
        if not read(context, CERT_KEY_PROV_INFO_PROP_ID, buffer, byref(size)):
            raise self._failure("CertGetCertificateContextProperty")
        found = CryptKeyProvInfo.from_buffer(buffer)
        return Provider(found.pwszProvName or "", found.dwProvType)

    def acquire_key(self, context: int) -> KeyHandle:
        """CryptAcquireCertificatePrivateKey: return a CNG handle of a certificate's key, without a prompt."""
        flags = CRYPT_ACQUIRE_ONLY_NCRYPT_KEY_FLAG | CRYPT_ACQUIRE_SILENT_FLAG | CRYPT_ACQUIRE_COMPARE_KEY_FLAG
        handle, spec, must_free = HANDLE(), DWORD(), BOOL()
        acquire = self._crypt32["CryptAcquireCertificatePrivateKey"]
        if not acquire(context, flags, None, byref(handle), byref(spec), byref(must_free)):
            raise self._failure("CryptAcquireCertificatePrivateKey")
        return KeyHandle(handle.value, bool(must_free.value))

    def export_policy(self, key: int) -> int:
        """NCryptGetProperty: return the export policy flags of a key."""
        policy, size = DWORD(), DWORD()
        room = ctypes.sizeof(policy)
        values = (key, NCRYPT_EXPORT_POLICY_PROPERTY, byref(policy), room, byref(size), NCRYPT_SILENT_FLAG)
        self._check("NCryptGetProperty", *values)
        return policy.value

    def sign_pss(self, key: int, digest: bytes, salt_size: int) -> bytes:
        """NCryptSignHash: return the RSA-PSS signature of a SHA-256 hash, without a prompt."""
        padding = BcryptPssPaddingInfo(BCRYPT_SHA256_ALGORITHM, salt_size)
        buffer, size = ctypes.create_string_buffer(MAX_SIGNATURE), DWORD()
        flags = BCRYPT_PAD_PSS | NCRYPT_SILENT_FLAG
        values = (key, byref(padding), digest, len(digest), buffer, MAX_SIGNATURE, byref(size), flags)
        self._check("NCryptSignHash", *values)
        return buffer.raw[: size.value]

    def free_key(self, key: int) -> None:
        """NCryptFreeObject."""
        self._ncrypt["NCryptFreeObject"](key)

    def _check(self, name: str, *values: object) -> None:
        status = self._ncrypt[name](*values)
        if status:
            raise WindowsCallError(name, status & 0xFFFFFFFF)

    def _failure(self, name: str) -> WindowsCallError:
        return WindowsCallError(name, self._last_error() & 0xFFFFFFFF)


def load(system: ModuleType = ctypes) -> WindowsCalls:
    """Load the libraries of this machine.

    Args:
        system: The module `ctypes`, or a replacement in tests.

    Raises:
        AttributeError: The operating system is not Windows.
        OSError: A library can't be loaded.
    """
    crypt32, ncrypt = (
        system.WinDLL(name, use_last_error=True, winmode=LOAD_LIBRARY_SEARCH_SYSTEM32)
        for name in ("crypt32.dll", "ncrypt.dll")
    )
    return WindowsCalls(crypt32, ncrypt, system.get_last_error)


def _typed(library: ctypes.CDLL, prototypes: Mapping[str, tuple[type, ...]]) -> dict[str, Callable[..., int]]:
    """Return the functions of a library with their types. Without types, ctypes would cut handles to 32 bits."""
    functions: dict[str, Callable[..., int]] = {}
    for name, (result, *arguments) in prototypes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        functions[name] = function
    return functions
