"""The saved connection of the same name: whether it is the one that the caller of `connect()` names.

Everything that the caller names must be what is saved: app, tenant, cloud, flow, user, scopes, resource, and the
credential. The credential is usually not saved. A salted digest of it is, in the encrypted part of the entry, so that
the same credential is recognized.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.connection import Connection
from entrakit.connection import record as records
from entrakit.errors import CertificateError, EntraError, ParameterError, SignInError
from entrakit.secret import digest_of
from entrakit.sign_in.flows import find

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.connection.record import Record
    from entrakit.connection.saver import Saver
    from entrakit.connection.settings import Settings
    from entrakit.connection.token_cache import TokenCache
    from entrakit.secret import Secret


def find_working(
    vault: Saver, wanted: Settings, identity: Secret | bytes | None, tokens_of: Callable[[Record], TokenCache]
) -> Connection | None:
    """Return the saved connection if it is the one that the caller names and can still give a token, else None.

    Args:
        vault: Vault that it is saved in.
        wanted: Settings of the connection that the caller names, as for `is_asked_for`.
        identity: A value that only the same credential has; None for a flow that asks the user.
        tokens_of: Makes the token cache of a record.

    Raises:
        NetworkError: Its token must be renewed, and no usable answer arrived.
    """
    try:
        saved = records.read(vault, wanted.name)
    except EntraError:
        return None
    if not is_asked_for(saved, wanted, identity):
        return None
    connection = Connection(tokens_of(saved))
    try:
        connection.token()
    except (SignInError, CertificateError, ParameterError):
        return None
    return connection


def is_asked_for(saved: Record, wanted: Settings, identity: Secret | bytes | None) -> bool:
    """Return whether a saved connection is the one that the caller of `connect()` named.

    Args:
        saved: The saved connection.
        wanted: Settings of the connection that the caller names. Its account has the name of the user who should sign
            in, and nothing else; it is empty if the caller named nobody.
        identity: A value that only the same credential has, which also names the user; None for a flow that asks the
            user.
    """
    has = saved.settings
    fields = ("scopes", "resource", "send_chain")
    if not has.is_like(wanted) or any(getattr(has, name) != getattr(wanted, name) for name in fields):
        return False
    if dict(has.origin) != dict(wanted.origin):
        return False
    if identity is not None:
        if wanted.save_secret and not saved.saved_credential:
            return False
        return _is_credential_of(saved, identity)
    named = wanted.account.username.strip().casefold()
    return not named or named == has.account.username.casefold()


def _is_credential_of(saved: Record, identity: Secret | bytes) -> bool:
    """Return whether a connection was made with a credential. If neither it nor a digest is saved, assume not.

    The entries of 0.1.0 have no digest. A sign-in with the credential makes one.
    """
    from hmac import compare_digest

    kept = saved.digest
    if not kept and saved.saved_credential:
        before = find(saved.settings.flow).from_json(saved.saved_credential, saved.settings).identity
        kept = "" if before is None else digest_of(before)
    again = digest_of(identity, salt=kept.partition(":")[0]) if kept else ""
    return bool(kept) and compare_digest(kept.encode(), again.encode())
