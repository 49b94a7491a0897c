r"""The certificate stores of Windows, CurrentUser\My and LocalMachine\My; their keys sign where they are (CNG).

    look   open the store, then each certificate: is there a key that CNG can use, and may it leave?
    sign   open the store, find the certificate again, open its key, sign, close all of it

Nothing stays open in between, and nobody is ever asked: a key that wants a PIN or a confirmation is refused, because
the question would appear on a screen that may have nobody before it. Every call of the system is in `windows_calls`.

A key of the older CryptoAPI (a CSP) can't make RSA-PSS signatures. It is refused only where CNG can't open it either.
"""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from typing import NamedTuple, Protocol

from entrakit.certificates import Certificate
from entrakit.certificates.signers.software import SALT_SIZE
from entrakit.certificates.stores.store import Found
from entrakit.errors import CertificateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LOCATIONS = {"user": r"CurrentUser\My", "computer": r"LocalMachine\My"}

# NCRYPT_ALLOW_EXPORT_FLAG and NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG.
MAY_LEAVE = 0x1 | 0x2

# Codes of winerror.h.
FILE_NOT_FOUND = 0x00000002
NO_KEY = {0x8009200B}  # CRYPT_E_NO_KEY_PROPERTY
WOULD_ASK = {0x80090022, 0x8009002E, 0x80090036}  # NTE_SILENT_CONTEXT, NTE_UI_REQUIRED, NTE_USER_CANCELLED
# SCARD_E_NO_SMARTCARD, SCARD_W_REMOVED_CARD, SCARD_E_NO_READERS_AVAILABLE, SCARD_E_READER_UNAVAILABLE,
# SCARD_E_NO_SERVICE, NTE_DEVICE_NOT_READY, NTE_DEVICE_NOT_FOUND
DEVICE_AWAY = {0x8010000C, 0x80100069, 0x8010002E, 0x80100017, 0x8010001D, 0x80090030, 0x80090035}
DENIED = {0x00000005, 0x80070005, 0x80090010}  # ERROR_ACCESS_DENIED, E_ACCESSDENIED, NTE_PERM
KEY_GONE = {0x80090016, 0x8009000D, 0x80090011}  # NTE_BAD_KEYSET, NTE_NO_KEY, NTE_NOT_FOUND
OTHER_KEY = {0x80090015}  # NTE_BAD_PUBLIC_KEY
# NTE_NOT_SUPPORTED, NTE_BAD_FLAGS, NTE_INVALID_PARAMETER, NTE_BAD_ALGID
NO_PSS = {0x80090029, 0x80090009, 0x80090027, 0x80090008}


class CallError(Exception):
    """A call of the system failed.

    Args:
        function: Which one.
        code: What it said, a code of winerror.h without sign.
    """

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function}: 0x{code:08X}")
        self.code = code


class KeyHandle(NamedTuple):
    """An open key.

    Args:
        handle: Its handle.
        is_ours: Whether we have to free it; else it lives as long as its certificate.
    """

    handle: int
    is_ours: bool


class Provider(NamedTuple):
    """What holds a key.

    Args:
        name: What Windows calls it.
        kind: 0 for a provider of CNG; else the type of a CSP of CryptoAPI.
    """

    name: str
    kind: int


class Calls(Protocol):
    """What is asked of Windows. Stores, certificates and keys are handles; each failure is a `CallError`."""

    def open_store(self, scope: str) -> int:
        """Return the store My of the `user` or the `computer`, for reading."""
        ...

    def close_store(self, store: int) -> None:
        """Close a store."""
        ...

    def next_certificate(self, store: int, previous: int) -> int:
        """Free the previous certificate (0 for none), and return the next one; 0 at the end."""
        ...

    def free_certificate(self, context: int) -> None:
        """Free a certificate."""
        ...

    def encoded(self, context: int) -> bytes:
        """Return a certificate's bytes (DER)."""
        ...

    def provider(self, context: int) -> Provider | None:
        """Return what holds a certificate's key; None if it has none."""
        ...

    def acquire_key(self, context: int) -> KeyHandle:
        """Return a certificate's key, if CNG can open it without asking anybody."""
        ...

    def export_policy(self, key: int) -> int:
        """Return the flags that say how a key may leave."""
        ...

    def sign_pss(self, key: int, digest: bytes, salt_size: int) -> bytes:
        """Return the RSA-PSS signature of a SHA-256 hash."""
        ...

    def free_key(self, key: int) -> None:
        """Free a key."""
        ...


class WindowsStore(NamedTuple):
    """A certificate store of Windows; what can't be used is told and never hides what can.

    Args:
        scope: `user` for CurrentUser, `computer` for LocalMachine.
        calls: What reaches Windows; None for this machine's own.
    """

    scope: str
    calls: Calls | None = None

    @property
    def kind(self) -> str:
        """`windows`."""
        return "windows"

    @property
    def name(self) -> str:
        """The store, as Windows calls it."""
        return f"the certificate store {LOCATIONS[self.scope]}"

    def contents(self) -> Iterator[Found]:
        """Return its certificates, in the order that Windows gives them; nothing if there is no such store."""
        calls = self.calls or _of_this_machine()
        try:
            with _certificates(calls, self.scope) as contexts:
                found = [_found(calls, self.scope, context) for context in contexts]
        except CallError as error:
            if error.code != FILE_NOT_FOUND:
                why = "permission denied" if error.code in DENIED else f"Windows says {error}"
                yield Found(self.name, None, f"Can't read {self.name}: {why}.")
            return
        yield from found


class WindowsKey(NamedTuple):
    """The key of a certificate in a store of Windows.

    Args:
        scope: `user` or `computer`.
        der: The certificate.
        calls: What reaches Windows.
    """

    scope: str
    der: bytes
    calls: Calls

    def __repr__(self) -> str:
        return f"WindowsKey({_place(self.scope, self.der)!r})"

    def sign(self, message: bytes) -> bytes:
        """Return the PS256 signature of a message, made by Windows.

        Raises:
            CertificateError: The certificate is gone, or its key can't sign, may not be used or would ask somebody.
        """
        place = _place(self.scope, self.der)
        try:
            with _certificates(self.calls, self.scope) as contexts:
                for context in contexts:
                    if self.calls.encoded(context) == self.der:
                        with _key(self.calls, self.scope, context, place) as key:
                            return self.calls.sign_pss(key, hashlib.sha256(message).digest(), SALT_SIZE)
        except CallError as error:
            raise CertificateError(
                f"Can't read the certificate store {LOCATIONS[self.scope]}: Windows says {error}.",
                remedy="Try again; if it stays, look at the store with certmgr.msc or certlm.msc.",
            ) from error
        raise CertificateError(f"{place} is not there any more.", remedy="Import the certificate with its key again.")


def _of_this_machine() -> Calls:
    from entrakit.certificates.stores.windows_calls import load

    return load()


@contextmanager
def _certificates(calls: Calls, scope: str) -> Iterator[Iterator[int]]:
    """Give the certificates of a store, which is open for as long."""
    store = calls.open_store(scope)
    try:
        with closing(_each(calls, store)) as contexts:
            yield contexts
    finally:
        calls.close_store(store)


def _each(calls: Calls, store: int) -> Generator[int]:
    """Return the certificates of an open store, one after the other; each is freed before the next one comes."""
    context = 0
    try:
        while True:
            # Windows frees the previous one even where it fails, so that it must not be freed once more.
            previous, context = context, 0
            context = calls.next_certificate(store, previous)
            if not context:
                return
            yield context
    finally:
        if context:
            calls.free_certificate(context)


@contextmanager
def _key(calls: Calls, scope: str, context: int, place: str) -> Iterator[int]:
    """Give a certificate's key, which is open for as long.

    Raises:
        CertificateError: It can't be opened or used.
    """
    try:
        key = calls.acquire_key(context)
        try:
            yield key.handle
        finally:
            if key.is_ours:
                calls.free_key(key.handle)
    except CallError as error:
        raise _refusal(error, _provider(calls, context), scope, place) from error


def _found(calls: Calls, scope: str, context: int) -> Found:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    der = calls.encoded(context)
    place = _place(scope, der)
    try:
        certificate = Certificate(load_der_x509_certificate(der), WindowsKey(scope, der, calls))
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidVersion, CertificateError):
        return Found(place, None, f"{place} is damaged.")
    try:
        with _key(calls, scope, context, f"{place} ({certificate.subject})") as key:
            return Found(place, certificate, is_exportable=_may_leave(calls, key))
    except CertificateError as error:
        return Found(place, None, " ".join(filter(None, (error.problem, error.remedy))))


def _may_leave(calls: Calls, key: int) -> bool | None:
    try:
        return bool(calls.export_policy(key) & MAY_LEAVE)
    except CallError:
        return None


def _provider(calls: Calls, context: int) -> Provider | None:
    try:
        return calls.provider(context)
    except CallError:
        return None


def _place(scope: str, der: bytes) -> str:
    """Return where a certificate is, as PowerShell calls it."""
    return rf"Cert:\{LOCATIONS[scope]}\{hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()}"


def _refusal(error: CallError, provider: Provider | None, scope: str, place: str) -> CertificateError:
    """Return the error for a key that can't be opened or used, from what Windows said."""
    code = error.code
    if code in NO_KEY:
        return CertificateError(f"{place} has no private key.", remedy="Import the certificate with its key (PFX).")
    if code in WOULD_ASK:
        return CertificateError(
            f"The key of {place} wants a PIN or a confirmation, and nobody is asked here.",
            remedy="Import it without strong key protection; for a card, use `certificate_store='pkcs11'`.",
        )
    if code in DEVICE_AWAY:
        return CertificateError(
            f"The device with the key of {place} is not there.", remedy="Put it in, then try again."
        )
    if code in DENIED:
        return CertificateError(f"This user may not use the key of {place}.", remedy=_LET_IN[scope])
    if provider is not None and provider.kind != 0:
        return CertificateError(
            f"The key of {place} is one of the older CryptoAPI ({_shown(provider)}), which can't make the PS256 "
            "signatures (RSA-PSS) that Microsoft Entra needs.",
            remedy="Import its PFX file once more: "
            f'certutil {"-user " if scope == "user" else ""}-csp "Microsoft Software Key Storage Provider" '
            "-importpfx FILE.pfx",
        )
    if code in KEY_GONE:
        return CertificateError(
            f"The key of {place} is gone, or this user may not see it.",
            remedy=f"{_LET_IN[scope]} If that does not help, import the certificate with its key again.",
        )
    if code in OTHER_KEY:
        return CertificateError(
            f"The key that Windows has for {place} is not the certificate's.",
            remedy="Import the certificate with its own key again.",
        )
    if code in NO_PSS:
        return CertificateError(
            f"The provider of the key of {place} ({_shown(provider)}) can't make PS256 signatures (RSA-PSS), which "
            f"Microsoft Entra needs (0x{code:08X}).",
            remedy="Make a certificate with an RSA key in the Microsoft Software Key Storage Provider.",
        )
    return CertificateError(
        f"The key of {place} can't be used: Windows says {error}.",
        remedy="Look at the certificate with `certutil -store My`, with -user for your own.",
    )


def _shown(provider: Provider | None) -> str:
    name = provider.name if provider is not None else ""
    return (name if name.isprintable() else ascii(name)) or "unnamed"


_LET_IN = {
    "user": "Run as the user that the key belongs to.",
    "computer": "Run as administrator, or let this user read the key: certlm.msc, All Tasks, Manage Private Keys.",
}
