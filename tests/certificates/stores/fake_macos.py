"""CoreFoundation and Security with recorded behavior, called through the real marshalling of ctypes."""
# ruff: noqa: N802 - functions have the names of macOS

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, c_char_p, c_int32, c_long, c_void_p
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from entrakit.certificates.stores.macos import SYSTEM_KEYCHAIN, KeychainStore
from entrakit.certificates.stores.macos_calls import MacCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from tests.certificates.conftest import Maker

    from entrakit.certificates import Certificate

# From the headers of CoreFoundation and Security: type of the result, then types of the arguments.
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
        der: The certificate in DER.
        key: Private key of the certificate.
        is_extractable: Attribute of the key; None if it is missing, "odd" for a value that is not a boolean.
        has_attributes: Whether the key has attributes.
        certificate_status: Status of SecIdentityCopyCertificate; 0 for success.
        key_status: Status of SecIdentityCopyPrivateKey; 0 for success.
        sign_status: Status of SecKeyCreateSignature; 0 for success, None for neither a signature nor an error.
    """

    der: bytes
    key: RSAPrivateKey
    is_extractable: bool | str | None = False
    has_attributes: bool = True
    certificate_status: int = 0
    key_status: int = 0
    sign_status: int | None = 0


class Mac:
    """CoreFoundation and Security of a Mac with identities. `alive` has the references that were not released.

    Args:
        login: Identities of the user's keychain.
        system: Identities of the System keychain.
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
        """System calls of this Mac."""
        return MacCalls(self, self)

    def store(self, scope: str = "user") -> KeychainStore:
        """Return the keychains of a scope."""
        return KeychainStore(scope, self.calls)

    def only(self) -> Certificate:
        """Return the one certificate of the login keychain."""
        (item,) = self.store().contents()
        assert item.certificate is not None
        return item.certificate

    def function(self, name: str, result: type | None, *arguments: type) -> Callable[..., int]:
        """Return a function with the types of the caller."""
        function = self._callbacks[name]
        function.restype, function.argtypes = result, arguments
        return function

    def constant(self, name: str) -> int:
        """Return a different pointer for each constant."""
        return self._constants.setdefault(name, 0x7FF8_8000_0000 + 16 * len(self._constants))

    def address(self, name: str) -> int:
        """Return a different pointer for each variable."""
        return self.constant(f"&{name}")

    def make(self, value: object) -> int:
        """Return a new reference, which the caller has to release."""
        self._next += 16
        self.alive[self._next] = value
        return self._next

    def give(self, where: int, value: object, status: int = 0) -> int:
        """Write a new reference to an address, if the status is a success."""
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
        # The reference encodes the array and the index. It belongs to the array.
        return array * 256 + index

    def _item(self, reference: int) -> Entry:
        items = self.alive[reference // 256]
        assert isinstance(items, list)
        entry = items[reference % 256]
        assert isinstance(entry, Entry)
        return entry

    def CFDictionaryCreateMutable(self, allocator: int | None, size: int, keys: int, values: int) -> int:
        expected = (self.address("kCFTypeDictionaryKeyCallBacks"), self.address("kCFTypeDictionaryValueCallBacks"))
        assert (None, 0, *expected) == (allocator, size, keys, values)
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
        attributes = self.alive[query]
        assert isinstance(attributes, dict)
        keychains = self.alive[attributes.pop(self.constant("kSecMatchSearchList"))]
        assert isinstance(keychains, list)
        assert {
            self.constant("kSecClass"): self.constant("kSecClassIdentity"),
            self.constant("kSecReturnRef"): self.constant("kCFBooleanTrue"),
            self.constant("kSecMatchLimit"): self.constant("kSecMatchLimitAll"),
        } == attributes
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


def entry_of(maker: Maker, name: str = "app") -> Entry:
    """Return a certificate with a key that is not exportable."""
    return Entry(maker.certificate(name).public_bytes(Encoding.DER), maker.key)
