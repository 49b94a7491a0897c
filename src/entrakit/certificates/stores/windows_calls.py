"""The calls of Windows that `windows` needs: CryptoAPI finds certificates, CNG signs. The only ctypes for Windows.

    crypt32.dll   CertOpenStore, CertEnumCertificatesInStore, CryptAcquireCertificatePrivateKey, …   wincrypt.h
    ncrypt.dll    NCryptGetProperty, NCryptSignHash, NCryptFreeObject                                ncrypt.h

One method is one call, with nothing decided here. Importing this file loads no library: `load` does. Widths are those
of Windows by name (`DWORD` has 32 bits on every system), so that the structures can be proved anywhere.
"""

from __future__ import annotations

import ctypes
from ctypes import Structure, byref, c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p

from entrakit.certificates.stores.windows import CallError, KeyHandle, Provider

TYPE_CHECKING = False
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
# Where the system's own libraries are, and nowhere else: another one of that name beside the program is not taken.
LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x00000800
# Of an RSA key of 16384 bits, the longest that Windows has.
MAX_SIGNATURE = 2048


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
    """CRYPT_KEY_PROV_INFO: where a certificate's key is."""

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


# What each function returns, then what it takes.
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
    """The calls of two loaded libraries, as `windows.Calls` describes them.

    Args:
        crypt32: CryptoAPI.
        ncrypt: CNG.
        last_error: Returns what GetLastError said after the last call.
    """

    def __init__(self, crypt32: ctypes.CDLL, ncrypt: ctypes.CDLL, last_error: Callable[[], int]) -> None:
        self._crypt32 = _typed(crypt32, _CRYPT32)
        self._ncrypt = _typed(ncrypt, _NCRYPT)
        self._last_error = last_error

    def open_store(self, scope: str) -> int:
        """CertOpenStore: return a handle of the store My of the `user` or the `computer`, for reading."""
        flags = CERT_SYSTEM_STORE[scope] | CERT_STORE_OPEN_EXISTING_FLAG | CERT_STORE_READONLY_FLAG
        store = self._crypt32["CertOpenStore"](CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, "My")
        if not store:
            raise self._failure("CertOpenStore")
        return store

    def close_store(self, store: int) -> None:
        """CertCloseStore."""
        self._crypt32["CertCloseStore"](store, 0)

    def next_certificate(self, store: int, previous: int) -> int:
        """CertEnumCertificatesInStore: free the previous certificate, and return the next one; 0 at the end."""
        return self._crypt32["CertEnumCertificatesInStore"](store, previous or None) or 0

    def free_certificate(self, context: int) -> None:
        """CertFreeCertificateContext."""
        self._crypt32["CertFreeCertificateContext"](context)

    def encoded(self, context: int) -> bytes:
        """Return a copy of a certificate's bytes."""
        found = CertContext.from_address(context)
        return ctypes.string_at(found.pbCertEncoded, found.cbCertEncoded)

    def provider(self, context: int) -> Provider | None:
        """CertGetCertificateContextProperty: return where a certificate's key is; None if it has none."""
        read = self._crypt32["CertGetCertificateContextProperty"]
        size = DWORD()
        if not read(context, CERT_KEY_PROV_INFO_PROP_ID, None, byref(size)):
            failure = self._failure("CertGetCertificateContextProperty")
            if failure.code == CRYPT_E_NOT_FOUND:
                return None
            raise failure
        # The names that the structure points to follow it in the same buffer.
        buffer = ctypes.create_string_buffer(max(size.value, ctypes.sizeof(CryptKeyProvInfo)))
        if not read(context, CERT_KEY_PROV_INFO_PROP_ID, buffer, byref(size)):
            raise self._failure("CertGetCertificateContextProperty")
        found = CryptKeyProvInfo.from_buffer(buffer)
        return Provider(found.pwszProvName or "", found.dwProvType)

    def acquire_key(self, context: int) -> KeyHandle:
        """CryptAcquireCertificatePrivateKey: return a CNG handle of a certificate's key, without asking anybody."""
        flags = CRYPT_ACQUIRE_ONLY_NCRYPT_KEY_FLAG | CRYPT_ACQUIRE_SILENT_FLAG | CRYPT_ACQUIRE_COMPARE_KEY_FLAG
        handle, spec, is_ours = HANDLE(), DWORD(), BOOL()
        acquire = self._crypt32["CryptAcquireCertificatePrivateKey"]
        if not acquire(context, flags, None, byref(handle), byref(spec), byref(is_ours)):
            raise self._failure("CryptAcquireCertificatePrivateKey")
        return KeyHandle(handle.value, bool(is_ours.value))

    def export_policy(self, key: int) -> int:
        """NCryptGetProperty: return the flags that say how a key may leave."""
        policy, size = DWORD(), DWORD()
        self._check(
            "NCryptGetProperty", key, NCRYPT_EXPORT_POLICY_PROPERTY,
            byref(policy), ctypes.sizeof(policy), byref(size), NCRYPT_SILENT_FLAG,
        )  # fmt: skip
        return policy.value

    def sign_pss(self, key: int, digest: bytes, salt_size: int) -> bytes:
        """NCryptSignHash: return the RSA-PSS signature of a SHA-256 hash, without asking anybody."""
        padding = BcryptPssPaddingInfo(BCRYPT_SHA256_ALGORITHM, salt_size)
        buffer, size = ctypes.create_string_buffer(MAX_SIGNATURE), DWORD()
        self._check(
            "NCryptSignHash", key, byref(padding), digest, len(digest),
            buffer, MAX_SIGNATURE, byref(size), BCRYPT_PAD_PSS | NCRYPT_SILENT_FLAG,
        )  # fmt: skip
        return buffer.raw[: size.value]

    def free_key(self, key: int) -> None:
        """NCryptFreeObject."""
        self._ncrypt["NCryptFreeObject"](key)

    def _check(self, name: str, *values: object) -> None:
        status = self._ncrypt[name](*values)
        if status:
            raise CallError(name, status & 0xFFFFFFFF)

    def _failure(self, name: str) -> CallError:
        return CallError(name, self._last_error() & 0xFFFFFFFF)


def load(system: ModuleType = ctypes) -> WindowsCalls:
    """Return the calls of this machine.

    Args:
        system: The module `ctypes`, or what stands for it.

    Raises:
        AttributeError: This is not Windows.
        OSError: A library does not load.
    """
    crypt32, ncrypt = (
        system.WinDLL(name, use_last_error=True, winmode=LOAD_LIBRARY_SEARCH_SYSTEM32)
        for name in ("crypt32.dll", "ncrypt.dll")
    )
    return WindowsCalls(crypt32, ncrypt, system.get_last_error)


def _typed(library: ctypes.CDLL, prototypes: Mapping[str, tuple[type, ...]]) -> dict[str, Callable[..., int]]:
    """Return functions of a library that know what they take: a handle cut to 32 bits would be another one."""
    functions: dict[str, Callable[..., int]] = {}
    for name, (result, *arguments) in prototypes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        functions[name] = function
    return functions
