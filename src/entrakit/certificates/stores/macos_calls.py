"""System calls of macOS. The only file with ctypes for macOS.

    CoreFoundation   arrays, dictionaries, data; CFRelease
    Security         SecKeychainOpen, SecItemCopyMatching, SecIdentityCopy…, SecKeyCreateSignature

Each method is one request, without decisions. Importing this file loads no library; `load` does. All objects are
references. By the rule of CoreFoundation, the caller of a function with Copy or Create in its name owns the reference
that it returns. A method releases all references that it creates except its result, which the caller releases. Items of
arrays belong to the array. A failed call raises `MacCallError`.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from ctypes import byref, c_bool, c_char_p, c_int32, c_long, c_void_p
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CORE_FOUNDATION = "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation"
SECURITY = "/System/Library/Frameworks/Security.framework/Security"

STATUS = c_int32  # OSStatus
# SecPreferencesDomain: kSecPreferencesDomainUser.
USER_DOMAIN = 0
ITEM_NOT_FOUND = -25300  # errSecItemNotFound

# Type of the result, then types of the arguments. A reference (CFTypeRef) is a pointer, a CFIndex is a long.
_CORE_FOUNDATION: dict[str, tuple[type | None, ...]] = {
    "CFRelease": (None, c_void_p),
    "CFArrayCreate": (c_void_p, c_void_p, c_void_p, c_long, c_void_p),
    "CFArrayGetCount": (c_long, c_void_p),
    "CFArrayGetValueAtIndex": (c_void_p, c_void_p, c_long),
    "CFDictionaryCreateMutable": (c_void_p, c_void_p, c_long, c_void_p, c_void_p),
    "CFDictionarySetValue": (None, c_void_p, c_void_p, c_void_p),
    "CFDictionaryGetValue": (c_void_p, c_void_p, c_void_p),
    "CFDataCreate": (c_void_p, c_void_p, c_char_p, c_long),
    "CFDataGetBytePtr": (c_void_p, c_void_p),
    "CFDataGetLength": (c_long, c_void_p),
    "CFErrorGetCode": (c_long, c_void_p),
}
_SECURITY: dict[str, tuple[type | None, ...]] = {
    "SecKeychainOpen": (STATUS, c_char_p, c_void_p),
    "SecKeychainCopyDomainSearchList": (STATUS, c_int32, c_void_p),
    "SecItemCopyMatching": (STATUS, c_void_p, c_void_p),
    "SecIdentityCopyCertificate": (STATUS, c_void_p, c_void_p),
    "SecIdentityCopyPrivateKey": (STATUS, c_void_p, c_void_p),
    "SecCertificateCopyData": (c_void_p, c_void_p),
    "SecKeyCopyAttributes": (c_void_p, c_void_p),
    "SecKeyCreateSignature": (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),
}


class MacCallError(Exception):
    """A system call failed.

    Args:
        function: Name of the function.
        status: OSStatus of the call; 0 if the call reported none.
    """

    def __init__(self, function: str, status: int) -> None:
        super().__init__(f"{function}: {status}")
        self.status = status


class Framework(Protocol):
    """A loaded library."""

    def function(self, name: str, result: type | None, *arguments: type) -> Callable[..., int]:
        """Return a function with the types of its result and its arguments."""
        ...

    def constant(self, name: str) -> int:
        """Return the pointer in a global variable."""
        ...

    def address(self, name: str) -> int:
        """Return the address of a global variable."""
        ...


class MacCalls:
    """System calls through two loaded frameworks.

    Args:
        core: CoreFoundation.
        security: Security.
    """

    def __init__(self, core: Framework, security: Framework) -> None:
        self._core, self._security = core, security
        self._call = {**_functions(core, _CORE_FOUNDATION), **_functions(security, _SECURITY)}

    def user_keychains(self) -> int:
        """SecKeychainCopyDomainSearchList: return an array of the keychains of the user."""
        return self._copied("SecKeychainCopyDomainSearchList", USER_DOMAIN)

    def keychain_at(self, path: str) -> int:
        """SecKeychainOpen: return an array of the keychain in a file. The file does not have to exist."""
        with self._owned(self._copied("SecKeychainOpen", path.encode())) as keychain:
            return self._made(
                "CFArrayCreate", None, byref(c_void_p(keychain)), 1, self._core.address("kCFTypeArrayCallBacks")
            )

    def identities(self, keychains: int) -> int:
        """SecItemCopyMatching: return an array of the certificates of these keychains that have a key; 0 for none."""
        kinds = (
            self._core.address("kCFTypeDictionaryKeyCallBacks"),
            self._core.address("kCFTypeDictionaryValueCallBacks"),
        )
        with self._owned(self._made("CFDictionaryCreateMutable", None, 0, *kinds)) as query:
            for name, value in {
                "kSecClass": self._security.constant("kSecClassIdentity"),
                "kSecReturnRef": self._core.constant("kCFBooleanTrue"),
                "kSecMatchLimit": self._security.constant("kSecMatchLimitAll"),
                "kSecMatchSearchList": keychains,
            }.items():
                self._call["CFDictionarySetValue"](query, self._security.constant(name), value)
            try:
                return self._copied("SecItemCopyMatching", query)
            except MacCallError as error:
                if error.status == ITEM_NOT_FOUND:
                    return 0
                raise

    def count(self, array: int) -> int:
        """CFArrayGetCount: return the number of items in an array."""
        return self._call["CFArrayGetCount"](array)

    def item(self, array: int, index: int) -> int:
        """CFArrayGetValueAtIndex: return an item, which belongs to the array and must not be released."""
        return self._call["CFArrayGetValueAtIndex"](array, index)

    def certificate_of(self, identity: int) -> int:
        """SecIdentityCopyCertificate: return the certificate of an identity."""
        return self._copied("SecIdentityCopyCertificate", identity)

    def key_of(self, identity: int) -> int:
        """SecIdentityCopyPrivateKey: return a reference to the key of an identity. The key stays in the keychain."""
        return self._copied("SecIdentityCopyPrivateKey", identity)

    def encoded(self, certificate: int) -> bytes:
        """SecCertificateCopyData: return a certificate in DER."""
        with self._owned(self._made("SecCertificateCopyData", certificate)) as data:
            return self._bytes(data)

    def is_extractable(self, key: int) -> bool | None:
        """SecKeyCopyAttributes: return whether a key is exportable; None if its attributes do not tell."""
        attributes = self._call["SecKeyCopyAttributes"](key)
        if not attributes:
            return None
        with self._owned(attributes):
            value = self._call["CFDictionaryGetValue"](attributes, self._security.constant("kSecAttrIsExtractable"))
            return {
                self._core.constant("kCFBooleanTrue"): True,
                self._core.constant("kCFBooleanFalse"): False,
            }.get(value)

    def sign_pss(self, key: int, digest: bytes) -> bytes:
        """SecKeyCreateSignature: return the RSA-PSS signature of a SHA-256 hash, with a salt as long as the hash."""
        algorithm = self._security.constant("kSecKeyAlgorithmRSASignatureDigestPSSSHA256")
        error = c_void_p()
        with self._owned(self._made("CFDataCreate", None, digest, len(digest))) as data:
            signature = self._call["SecKeyCreateSignature"](key, algorithm, data, byref(error))
        if error.value:
            with self._owned(error.value):
                status = self._call["CFErrorGetCode"](error.value)
            raise MacCallError("SecKeyCreateSignature", status)
        if not signature:
            raise MacCallError("SecKeyCreateSignature", 0)
        with self._owned(signature):
            return self._bytes(signature)

    def release(self, reference: int) -> None:
        """CFRelease: release a reference."""
        self._call["CFRelease"](reference)

    def _copied(self, name: str, *values: object) -> int:
        """Return the value that a function writes to its last argument."""
        found = c_void_p()
        status = self._call[name](*values, byref(found))
        if status or not found.value:
            raise MacCallError(name, status)
        return found.value

    def _made(self, name: str, *values: object) -> int:
        """Return the result of a function; raise MacCallError if it is NULL."""
        found = self._call[name](*values)
        if not found:
            raise MacCallError(name, 0)
        return found

    def _bytes(self, data: int) -> bytes:
        return ctypes.string_at(self._call["CFDataGetBytePtr"](data), self._call["CFDataGetLength"](data))

    @contextmanager
    def _owned(self, reference: int) -> Iterator[int]:
        try:
            yield reference
        finally:
            self.release(reference)


class LoadedFramework:
    """A library of this machine.

    Args:
        path: File of the library.

    Raises:
        OSError: The library can't be loaded.
    """

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)

    def function(self, name: str, result: type | None, *arguments: type) -> Callable[..., int]:
        """Return a function with its types. Without types, ctypes would cut pointers to 32 bits."""
        function = self._library[name]
        function.restype, function.argtypes = result, arguments
        return function

    def constant(self, name: str) -> int:
        """Return the pointer in a global variable, such as a CFStringRef."""
        return c_void_p.in_dll(self._library, name).value or 0

    def address(self, name: str) -> int:
        """Return the address of a global variable, such as a structure of callbacks."""
        return ctypes.addressof(c_bool.in_dll(self._library, name))


def load(core: str = CORE_FOUNDATION, security: str = SECURITY) -> MacCalls:
    """Load the frameworks of this machine.

    Args:
        core: File of CoreFoundation.
        security: File of Security.

    Raises:
        OSError: The operating system is not macOS.
    """
    return MacCalls(LoadedFramework(core), LoadedFramework(security))


def _functions(
    framework: Framework, prototypes: Mapping[str, tuple[type | None, ...]]
) -> dict[str, Callable[..., int]]:
    return {
        name: framework.function(name, result, *(one for one in arguments if one is not None))
        for name, (result, *arguments) in prototypes.items()
    }
