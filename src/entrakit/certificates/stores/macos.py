"""The keychains of macOS: those of the user, and the System keychain of the computer. macOS signs; keys stay there.

    search   get all identities (certificate and key) of the keychains
    sign     get them again, find the certificate, get a reference to its key, let macOS sign

Nothing stays open in between. A certificate without a key is not an identity, so it is not found. macOS can show a
prompt for the use of a key. Without a user at the screen, macOS reports that at once, and an error is raised. All
system calls are in `macos_calls`. Keys on smart cards are used through their PKCS#11 module instead.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from entrakit.certificates import Certificate
from entrakit.certificates.stores import macos_calls
from entrakit.certificates.stores.macos_calls import MacCallError
from entrakit.certificates.stores.store import StoreItem
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit.certificates.stores.macos_calls import MacCalls

NAMES = {"user": "the login keychain", "computer": "the System keychain"}
SYSTEM_KEYCHAIN = "/Library/Keychains/System.keychain"

# Codes of SecBase.h, and of cssmerr.h for errors of the module with the key.
NO_KEYCHAIN = {-25294, -25307}  # errSecNoSuchKeychain, errSecNoDefaultKeychain
# errSecUserCanceled, CSSMERR_CSP_USER_CANCELED
CANCELLED = {-128, -2147415839}
# errSecInteractionNotAllowed, errSecInteractionRequired, errSecInternalComponent (codesign gets it in the same case),
# errSecInDarkWake, CSSMERR_CSP_NO_USER_INTERACTION
NO_PROMPT_POSSIBLE = {-25308, -25315, -2070, -25320, -2147415840}
# errSecAuthFailed, errSecNoAccessForItem, errSecWrPerm, errSecMissingEntitlement, CSSMERR_CSP_OPERATION_AUTH_DENIED
DENIED = {-25293, -25243, -61, -34018, -2147416032}
# errSecUnimplemented, errSecParam: the key or its module does not support the algorithm.
NO_PSS = {-4, -50}


class KeychainStore(NamedTuple):
    """Keychains of macOS. An unusable item is reported and does not hide the others.

    Args:
        scope: `user` for the keychains of the user, `computer` for the System keychain.
        calls: System calls; None for those of this machine.
    """

    scope: str
    calls: MacCalls | None = None

    @property
    def kind(self) -> str:
        """`keychain`."""
        return "keychain"

    @property
    def name(self) -> str:
        """Name of the keychain for messages."""
        return NAMES[self.scope]

    def contents(self) -> Iterator[StoreItem]:
        """Yield the certificates that have a key; nothing if the keychain does not exist."""
        calls = self.calls or macos_calls.load()
        try:
            with _identities(calls, self.scope) as identities:
                items = [_item(calls, self.scope, identity) for identity in identities]
        except MacCallError as error:
            if error.status not in NO_KEYCHAIN:
                yield StoreItem(self.name, None, f"Can't read {self.name}: {_reason(error)}.")
            return
        yield from items


class KeychainKey(NamedTuple):
    """The key of a certificate in a keychain, as a signer.

    Args:
        scope: `user` or `computer`.
        der: The certificate in DER.
        calls: System calls.
    """

    scope: str
    der: bytes
    calls: MacCalls

    def __repr__(self) -> str:
        return f"KeychainKey({_place(self.scope, self.der)!r})"

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature that macOS makes of a message.

        Raises:
            CertificateError: The certificate was removed, the keychain is locked, or the key can't sign or is not
                allowed for this user.
        """
        place = _place(self.scope, self.der)
        try:
            with _identities(self.calls, self.scope) as identities:
                for identity in identities:
                    if _encoded(self.calls, identity) == self.der:
                        with _owned(self.calls, self.calls.key_of(identity)) as key:
                            return self.calls.sign_pss(key, hashlib.sha256(message).digest())
        except MacCallError as error:
            raise _key_error(error, self.scope, place) from error
        raise CertificateError(
            f"{place} does not exist any more.", remedy="Import the certificate with its private key again."
        )


@contextmanager
def _owned(calls: MacCalls, reference: int) -> Iterator[int]:
    """Yield a reference that the caller owns, and release it."""
    try:
        yield reference
    finally:
        calls.release(reference)


@contextmanager
def _identities(calls: MacCalls, scope: str) -> Iterator[list[int]]:
    """Yield the identities in the keychains of a scope, and release them."""
    opened = calls.user_keychains() if scope == "user" else calls.keychain_at(SYSTEM_KEYCHAIN)
    with _owned(calls, opened) as keychains:
        # An empty list of keychains would mean the default ones, which include the System keychain.
        array = calls.identities(keychains) if calls.count(keychains) else 0
    if not array:
        yield []
        return
    with _owned(calls, array):
        yield [calls.item(array, index) for index in range(calls.count(array))]


def _encoded(calls: MacCalls, identity: int) -> bytes:
    """Return the certificate of an identity in DER; empty if it can't be read."""
    try:
        with _owned(calls, calls.certificate_of(identity)) as certificate:
            return calls.encoded(certificate)
    except MacCallError:
        return b""


def _item(calls: MacCalls, scope: str, identity: int) -> StoreItem:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import InvalidVersion

    from entrakit.certificates.reading.lenient import load_certificate

    der = _encoded(calls, identity)
    if not der:
        return StoreItem(NAMES[scope], None, f"{NAMES[scope]} contains a certificate that can't be read.")
    place = _place(scope, der)
    try:
        certificate = Certificate(load_certificate(der), KeychainKey(scope, der, calls))
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidVersion, CertificateError):
        return StoreItem(place, None, f"{place} is damaged.")
    try:
        with _owned(calls, calls.key_of(identity)) as key:
            return StoreItem(place, certificate, is_exportable=calls.is_extractable(key))
    except MacCallError as error:
        reason = _key_error(error, scope, f"{place} ({certificate.subject})")
        return StoreItem(place, None, " ".join(filter(None, (reason.problem, reason.remedy))))


def _place(scope: str, der: bytes) -> str:
    """Return the place of a certificate: SHA-1 thumbprint, as `security find-identity` shows it, and keychain."""
    return f"{hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()} in {NAMES[scope]}"


def _reason(error: MacCallError) -> str:
    if error.status in DENIED:
        return "permission denied"
    if error.status in NO_PROMPT_POSSIBLE:
        return "it is locked, and macOS can't show a prompt to unlock it"
    return f"macOS reports {error}"


def _key_error(error: MacCallError, scope: str, place: str) -> CertificateError:
    """Return the error for a key that can't be opened or used, by the status of macOS."""
    status = error.status
    if status in CANCELLED:
        return CertificateError(
            f"The user did not allow the use of the key of {place}.",
            remedy="Try again, and choose Allow or Always Allow.",
        )
    if status in NO_PROMPT_POSSIBLE:
        return CertificateError(
            f"The key of {place} is locked or requires a confirmation, but macOS can't show a prompt in this session.",
            remedy="Type `security unlock-keychain`. If that does not help, import the key with `security import -A`, "
            "and allow the program once at the screen or with `security set-key-partition-list`.",
        )
    if status in DENIED:
        remedy = "Run as root." if scope == "computer" else "Allow this program in Keychain Access: the key's Get Info."
        return CertificateError(f"This user or program is not allowed to use the key of {place}.", remedy=remedy)
    if status in NO_PSS:
        return CertificateError(
            f"The key of {place} can't make PS256 signatures (RSA-PSS), which Microsoft Entra requires ({status}).",
            remedy="Create a certificate with an RSA key of 2048 bits or more.",
        )
    return CertificateError(
        f"The key of {place} can't be used: macOS reports {error}.",
        remedy=f"`security error {status}` explains the status. Check the key in Keychain Access.",
    )
