"""The keychains of macOS: this user's, and the computer's System keychain. Their keys sign where they are.

    look   ask for all identities (certificate and key) of the keychains
    sign   ask again, find the certificate, take a reference to its key, let macOS sign

Nothing stays open in between. Certificates without a key are no identities, so they are not seen here. macOS itself
may ask a person at the screen to let the program use a key; where nobody is, it says so at once, and so does the
error. Every call of the system is in `macos_calls`. Keys on cards are reached by their PKCS#11 module, not from here.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from entrakit.certificates import Certificate
from entrakit.certificates.stores.store import Found
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {"user": "the login keychain", "computer": "the System keychain"}
SYSTEM_KEYCHAIN = "/Library/Keychains/System.keychain"

# Codes of SecBase.h and, where the key's own module speaks, of cssmerr.h.
NO_KEYCHAIN = {-25294, -25307}  # errSecNoSuchKeychain, errSecNoDefaultKeychain
# errSecUserCanceled, CSSMERR_CSP_USER_CANCELED
CANCELLED = {-128, -2147415839}
# errSecInteractionNotAllowed, errSecInteractionRequired, errSecInternalComponent (what codesign shows for the same),
# errSecInDarkWake, CSSMERR_CSP_NO_USER_INTERACTION
NOBODY_TO_ASK = {-25308, -25315, -2070, -25320, -2147415840}
# errSecAuthFailed, errSecNoAccessForItem, errSecWrPerm, errSecMissingEntitlement, CSSMERR_CSP_OPERATION_AUTH_DENIED
DENIED = {-25293, -25243, -61, -34018, -2147416032}
# errSecUnimplemented, errSecParam: the key, or what holds it, does not know the algorithm.
NO_PSS = {-4, -50}


class CallError(Exception):
    """A call of the system failed.

    Args:
        function: Which one.
        status: What it said, an OSStatus; 0 if it said nothing.
    """

    def __init__(self, function: str, status: int) -> None:
        super().__init__(f"{function}: {status}")
        self.status = status


class Calls(Protocol):
    """What is asked of macOS. All are references; what is returned is to be released, items of arrays excepted.

    Each failure is a `CallError`.
    """

    def user_keychains(self) -> int:
        """Return an array of the keychains of this user."""
        ...

    def keychain_at(self, path: str) -> int:
        """Return an array of the one keychain of a file."""
        ...

    def identities(self, keychains: int) -> int:
        """Return an array of the certificates of these keychains that have a key; 0 if there are none."""
        ...

    def count(self, array: int) -> int:
        """Return how many there are in an array."""
        ...

    def item(self, array: int, index: int) -> int:
        """Return one of an array, which lives as long as that and is not to be released."""
        ...

    def certificate_of(self, identity: int) -> int:
        """Return the certificate of an identity."""
        ...

    def key_of(self, identity: int) -> int:
        """Return the key of an identity."""
        ...

    def encoded(self, certificate: int) -> bytes:
        """Return a certificate's bytes (DER)."""
        ...

    def is_extractable(self, key: int) -> bool | None:
        """Return whether a key may leave; None if that is not said."""
        ...

    def sign_pss(self, key: int, digest: bytes) -> bytes:
        """Return the RSA-PSS signature of a SHA-256 hash, with a salt of 32 bytes."""
        ...

    def release(self, reference: int) -> None:
        """Release a reference."""
        ...


class KeychainStore(NamedTuple):
    """Keychains of macOS; what can't be used is told and never hides what can.

    Args:
        scope: `user` for those of this user, `computer` for the System keychain.
        calls: What reaches macOS; None for this machine's own.
    """

    scope: str
    calls: Calls | None = None

    @property
    def kind(self) -> str:
        """`keychain`."""
        return "keychain"

    @property
    def name(self) -> str:
        """The keychain, for people."""
        return NAMES[self.scope]

    def contents(self) -> Iterator[Found]:
        """Return its certificates that have a key; nothing if there is no such keychain."""
        calls = self.calls or _of_this_machine()
        try:
            with _identities(calls, self.scope) as identities:
                found = [_found(calls, self.scope, identity) for identity in identities]
        except CallError as error:
            if error.status not in NO_KEYCHAIN:
                yield Found(self.name, None, f"Can't read {self.name}: {_reason(error)}.")
            return
        yield from found


class KeychainKey(NamedTuple):
    """The key of a certificate in a keychain.

    Args:
        scope: `user` or `computer`.
        der: The certificate.
        calls: What reaches macOS.
    """

    scope: str
    der: bytes
    calls: Calls

    def __repr__(self) -> str:
        return f"KeychainKey({_place(self.scope, self.der)!r})"

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of a message, made by macOS.

        Raises:
            CertificateError: The certificate is gone; the keychain is locked; or the key can't sign or may not be used.
        """
        place = _place(self.scope, self.der)
        try:
            with _identities(self.calls, self.scope) as identities:
                for identity in identities:
                    if _encoded(self.calls, identity) == self.der:
                        with _owned(self.calls, self.calls.key_of(identity)) as key:
                            return self.calls.sign_pss(key, hashlib.sha256(message).digest())
        except CallError as error:
            raise _refusal(error, self.scope, place) from error
        raise CertificateError(f"{place} is not there any more.", remedy="Import the certificate with its key again.")


def _of_this_machine() -> Calls:
    from entrakit.certificates.stores.macos_calls import load

    return load()


@contextmanager
def _owned(calls: Calls, reference: int) -> Iterator[int]:
    """Give a reference that is ours, and release it."""
    try:
        yield reference
    finally:
        calls.release(reference)


@contextmanager
def _identities(calls: Calls, scope: str) -> Iterator[list[int]]:
    """Give the identities of a scope's keychains, which live for as long."""
    opened = calls.user_keychains() if scope == "user" else calls.keychain_at(SYSTEM_KEYCHAIN)
    with _owned(calls, opened) as keychains:
        # No keychains at all would mean the default ones, the System keychain among them.
        array = calls.identities(keychains) if calls.count(keychains) else 0
    if not array:
        yield []
        return
    with _owned(calls, array):
        yield [calls.item(array, index) for index in range(calls.count(array))]


def _encoded(calls: Calls, identity: int) -> bytes:
    """Return the certificate of an identity; nothing if it can't be read."""
    try:
        with _owned(calls, calls.certificate_of(identity)) as certificate:
            return calls.encoded(certificate)
    except CallError:
        return b""


def _found(calls: Calls, scope: str, identity: int) -> Found:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    der = _encoded(calls, identity)
    if not der:
        return Found(NAMES[scope], None, f"{NAMES[scope]} has a certificate that can't be read.")
    place = _place(scope, der)
    try:
        certificate = Certificate(load_der_x509_certificate(der), KeychainKey(scope, der, calls))
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidVersion, CertificateError):
        return Found(place, None, f"{place} is damaged.")
    try:
        with _owned(calls, calls.key_of(identity)) as key:
            return Found(place, certificate, is_exportable=calls.is_extractable(key))
    except CallError as error:
        refusal = _refusal(error, scope, f"{place} ({certificate.subject})")
        return Found(place, None, " ".join(filter(None, (refusal.problem, refusal.remedy))))


def _place(scope: str, der: bytes) -> str:
    """Return where a certificate is: its SHA-1 thumbprint, as `security find-identity` shows it, and the keychain."""
    return f"{hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()} in {NAMES[scope]}"


def _reason(error: CallError) -> str:
    if error.status in DENIED:
        return "permission denied"
    if error.status in NOBODY_TO_ASK:
        return "it is locked, and nobody can be asked to unlock it"
    return f"macOS says {error}"


def _refusal(error: CallError, scope: str, place: str) -> CertificateError:
    """Return the error for a key that can't be opened or used, from what macOS said."""
    status = error.status
    if status in CANCELLED:
        return CertificateError(
            f"Somebody did not allow the use of the key of {place}.",
            remedy="Try again, and choose Allow or Always Allow.",
        )
    if status in NOBODY_TO_ASK:
        return CertificateError(
            f"The key of {place} is locked, or macOS would ask whether it may be used, and there is nobody to ask.",
            remedy="Type `security unlock-keychain`; import the key with `security import -A`, and allow the program "
            "once at the screen, or by `security set-key-partition-list`.",
        )
    if status in DENIED:
        remedy = "Run as root." if scope == "computer" else "Allow this program in Keychain Access: the key's Get Info."
        return CertificateError(f"This user or program may not use the key of {place}.", remedy=remedy)
    if status in NO_PSS:
        return CertificateError(
            f"The key of {place} can't make PS256 signatures (RSA-PSS), which Microsoft Entra needs ({status}).",
            remedy="Make a certificate with an RSA key of 2048 bits or more.",
        )
    return CertificateError(
        f"The key of {place} can't be used: macOS says {error}.",
        remedy=f"`security error {status}` tells what that is; look at the key in Keychain Access.",
    )
