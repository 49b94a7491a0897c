r"""The certificate stores of Windows: CurrentUser\My and LocalMachine\My. CNG signs; the keys stay where they are.

    search   open the store; for each certificate, check whether CNG can use its key, and whether the key is exportable
    sign     open the store, find the certificate again, open its key, sign, close everything

Nothing stays open in between. No call shows a prompt: a key that requires a PIN or a confirmation is refused, because
nobody may be in front of the screen. All system calls are in `windows_calls`.

A key of the older CryptoAPI (a CSP) can't make RSA-PSS signatures. It is refused only if CNG can't open it.
"""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from entrakit.certificates import Certificate
from entrakit.certificates.public_keys import SALT_SIZE
from entrakit.certificates.stores import windows_calls
from entrakit.certificates.stores.store import StoreItem
from entrakit.certificates.stores.windows_calls import WindowsCallError
from entrakit.errors import CertificateError
from entrakit.shown_text import escaped

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from entrakit.certificates.stores.windows_calls import Provider, WindowsCalls

LOCATIONS = {"user": r"CurrentUser\My", "computer": r"LocalMachine\My"}

# NCRYPT_ALLOW_EXPORT_FLAG and NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG.
EXPORTABLE = 0x1 | 0x2

# Codes of winerror.h.
FILE_NOT_FOUND = 0x00000002
NO_KEY = {0x8009200B}  # CRYPT_E_NO_KEY_PROPERTY
NEEDS_PROMPT = {0x80090022, 0x8009002E, 0x80090036}  # NTE_SILENT_CONTEXT, NTE_UI_REQUIRED, NTE_USER_CANCELLED
# SCARD_E_NO_SMARTCARD, SCARD_W_REMOVED_CARD, SCARD_E_NO_READERS_AVAILABLE, SCARD_E_READER_UNAVAILABLE,
# SCARD_E_NO_SERVICE, NTE_DEVICE_NOT_READY, NTE_DEVICE_NOT_FOUND
DEVICE_MISSING = {0x8010000C, 0x80100069, 0x8010002E, 0x80100017, 0x8010001D, 0x80090030, 0x80090035}
DENIED = {0x00000005, 0x80070005, 0x80090010}  # ERROR_ACCESS_DENIED, E_ACCESSDENIED, NTE_PERM
KEY_MISSING = {0x80090016, 0x8009000D, 0x80090011}  # NTE_BAD_KEYSET, NTE_NO_KEY, NTE_NOT_FOUND
WRONG_KEY = {0x80090015}  # NTE_BAD_PUBLIC_KEY
# NTE_NOT_SUPPORTED, NTE_BAD_FLAGS, NTE_INVALID_PARAMETER, NTE_BAD_ALGID
NO_PSS = {0x80090029, 0x80090009, 0x80090027, 0x80090008}


class WindowsStore(NamedTuple):
    """A certificate store of Windows. An unusable item is reported and does not hide the others.

    Args:
        scope: `user` for CurrentUser, `computer` for LocalMachine.
        calls: System calls; None for those of this machine.
    """

    scope: str
    calls: WindowsCalls | None = None

    @property
    def kind(self) -> str:
        """`windows`."""
        return "windows"

    @property
    def name(self) -> str:
        """The store, as Windows names it."""
        return f"the certificate store {LOCATIONS[self.scope]}"

    def contents(self) -> Iterator[StoreItem]:
        """Yield the certificates in the order of Windows; nothing if the store does not exist."""
        calls = self.calls or windows_calls.load()
        try:
            with _certificates(calls, self.scope) as contexts:
                items = [_item(calls, self.scope, context) for context in contexts]
        except WindowsCallError as error:
            if error.code != FILE_NOT_FOUND:
                reason = "permission denied" if error.code in DENIED else f"Windows reports {error}"
                yield StoreItem(self.name, None, f"Can't read {self.name}: {reason}.")
            return
        yield from items


class WindowsKey(NamedTuple):
    """The key of a certificate in a store of Windows, as a signer.

    Args:
        scope: `user` or `computer`.
        der: The certificate in DER.
        calls: System calls.
    """

    scope: str
    der: bytes
    calls: WindowsCalls

    def __repr__(self) -> str:
        return f"WindowsKey({_place(self.scope, self.der)!r})"

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature that Windows makes of a message.

        Raises:
            CertificateError: The certificate was removed, or its key can't sign, is not allowed for this user, or
                requires a prompt.
        """
        place = _place(self.scope, self.der)
        try:
            with _certificates(self.calls, self.scope) as contexts:
                for context in contexts:
                    if self.calls.encoded(context) == self.der:
                        with _key(self.calls, self.scope, context, place) as key:
                            return self.calls.sign_pss(key, hashlib.sha256(message).digest(), SALT_SIZE)
        except WindowsCallError as error:
            raise CertificateError(
                f"Can't read the certificate store {LOCATIONS[self.scope]}: Windows reports {error}.",
                remedy="Try again. If the error persists, open the store with certmgr.msc or certlm.msc.",
            ) from error
        raise CertificateError(
            f"{place} does not exist any more.", remedy="Import the certificate with its private key again."
        )


@contextmanager
def _certificates(calls: WindowsCalls, scope: str) -> Iterator[Iterator[int]]:
    """Open a store, and yield an iterator over its certificates."""
    store = calls.open_store(scope)
    try:
        with closing(_each(calls, store)) as contexts:
            yield contexts
    finally:
        calls.close_store(store)


def _each(calls: WindowsCalls, store: int) -> Generator[int]:
    """Yield the certificates of an open store. Each one is freed before the next one is read."""
    context = 0
    try:
        while True:
            # Windows frees the previous one even if the call fails. It must not be freed twice.
            previous, context = context, 0
            context = calls.next_certificate(store, previous)
            if not context:
                return
            yield context
    finally:
        if context:
            calls.free_certificate(context)


@contextmanager
def _key(calls: WindowsCalls, scope: str, context: int, place: str) -> Iterator[int]:
    """Open the key of a certificate, and yield its handle.

    Raises:
        CertificateError: The key can't be opened or used.
    """
    try:
        key = calls.acquire_key(context)
        try:
            yield key.handle
        finally:
            if key.must_free:
                calls.free_key(key.handle)
    except WindowsCallError as error:
        raise _key_error(error, _provider(calls, context), scope, place) from error


def _item(calls: WindowsCalls, scope: str, context: int) -> StoreItem:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import InvalidVersion

    from entrakit.certificates.reading.lenient import load_certificate

    der = calls.encoded(context)
    place = _place(scope, der)
    try:
        certificate = Certificate(load_certificate(der), WindowsKey(scope, der, calls))
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidVersion, CertificateError):
        return StoreItem(place, None, f"{place} is damaged.")
    try:
        with _key(calls, scope, context, f"{place} ({certificate.subject})") as key:
            return StoreItem(place, certificate, is_exportable=_is_exportable(calls, key))
    except CertificateError as error:
        return StoreItem(place, None, " ".join(filter(None, (error.problem, error.remedy))))


def _is_exportable(calls: WindowsCalls, key: int) -> bool | None:
    try:
        return bool(calls.export_policy(key) & EXPORTABLE)
    except WindowsCallError:
        return None


def _provider(calls: WindowsCalls, context: int) -> Provider | None:
    try:
        return calls.provider(context)
    except WindowsCallError:
        return None


def _place(scope: str, der: bytes) -> str:
    """Return the path of a certificate in PowerShell."""
    return rf"Cert:\{LOCATIONS[scope]}\{hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()}"


def _key_error(error: WindowsCallError, provider: Provider | None, scope: str, place: str) -> CertificateError:
    """Return the error for a key that can't be opened or used, by the error code of Windows."""
    code = error.code
    if code in NO_KEY:
        return CertificateError(
            f"{place} has no private key.", remedy="Import the certificate with its private key (PFX)."
        )
    if code in NEEDS_PROMPT:
        return CertificateError(
            f"The key of {place} requires a PIN or a confirmation, but entrakit shows no prompt for it.",
            remedy="Import the certificate without strong key protection. For a smart card, use "
            "`certificate_store='pkcs11'`.",
        )
    if code in DEVICE_MISSING:
        return CertificateError(
            f"The device with the key of {place} is not connected.", remedy="Connect the device, then try again."
        )
    if code in DENIED:
        return CertificateError(
            f"This user is not allowed to use the key of {place}.", remedy=_REMEDIES_FOR_ACCESS[scope]
        )
    if provider is not None and provider.kind != 0:
        return CertificateError(
            f"The key of {place} belongs to the older CryptoAPI ({_display_name(provider)}), which can't make the "
            "PS256 signatures (RSA-PSS) that Microsoft Entra requires.",
            remedy="Import its PFX file again: "
            f'certutil {"-user " if scope == "user" else ""}-csp "Microsoft Software Key Storage Provider" '
            "-importpfx FILE.pfx",
        )
    if code in KEY_MISSING:
        return CertificateError(
            f"The key of {place} does not exist, or this user can't see it.",
            remedy=f"{_REMEDIES_FOR_ACCESS[scope]} If that does not help, import the certificate with its private key "
            "again.",
        )
    if code in WRONG_KEY:
        return CertificateError(
            f"The key that Windows stores for {place} does not belong to the certificate.",
            remedy="Import the certificate with its own private key again.",
        )
    if code in NO_PSS:
        return CertificateError(
            f"The provider of the key of {place} ({_display_name(provider)}) can't make PS256 signatures (RSA-PSS), "
            f"which Microsoft Entra requires (0x{code:08X}).",
            remedy="Create a certificate with an RSA key in the Microsoft Software Key Storage Provider.",
        )
    return CertificateError(
        f"The key of {place} can't be used: Windows reports {error}.",
        remedy="Check the certificate with `certutil -store My`; add -user for a certificate of the user.",
    )


def _display_name(provider: Provider | None) -> str:
    return escaped(provider.name if provider is not None else "") or "unnamed"


_REMEDIES_FOR_ACCESS = {
    "user": "Run as the user who owns the key.",
    "computer": "Run as administrator, or allow this user to read the key: certlm.msc, All Tasks, Manage Private Keys.",
}
