"""The saved connection of the same name: whether it is the one that `connect()` was asked for, or another one.

Everything that the caller names must be what is saved: app, tenant, cloud, flow, user, scopes, resource, and the
credential. The credential is usually not saved. A salted digest of it is, in the encrypted part of the entry, so that
the same credential is recognized.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from entrakit.connection import record as records
from entrakit.secret import Secret, UsernamePassword

if TYPE_CHECKING:
    from entrakit.connection.record import Record
    from entrakit.connection.settings import Settings
    from entrakit.sign_in.flows import AnyCredential

# Slow, because a password can be guessed. About 50 ms, here and for each guess of an attacker who has opened the entry.
ROUNDS = 200_000
SALT_SIZE = 16


def is_asked_for(saved: Record, wanted: Settings, *, credential: AnyCredential | None, username: str) -> bool:
    """Return whether a saved connection is the one that the caller of `connect()` named.

    Args:
        saved: The saved connection.
        wanted: Settings of the connection that was asked for; nobody has signed in yet.
        credential: Its credential; None for a flow that asks the user.
        username: Name of the user; empty if the caller named nobody, or if the credential names the user.
    """
    has = saved.settings
    fields = ("scopes", "resource", "send_chain")
    if not has.is_like(wanted) or any(getattr(has, name) != getattr(wanted, name) for name in fields):
        return False
    if dict(has.origin) != dict(wanted.origin):
        return False
    if username and username.strip().casefold() != has.account.username.casefold():
        return False
    if wanted.save_secret and not saved.saved_credential:
        return False
    return credential is None or _is_credential_of(saved, credential)


def other_account(saved: Settings, new: Settings) -> bool:
    """Return whether two connections are of different apps, tenants or users, so that one must not replace the other
    silently.

    Args:
        saved: Settings of the saved connection.
        new: Settings of the one that was just made under the same name.
    """
    users = {one.account.object_id or one.account.username.casefold() for one in (saved, new) if not one.is_app}
    tenants = {one.directory_id or one.account.tenant_id or one.tenant_id for one in (saved, new)}
    is_other_app = (saved.client_id, saved.cloud.authority) != (new.client_id, new.cloud.authority)
    return is_other_app or len(tenants) > 1 or saved.is_app != new.is_app or len(users) > 1


def digest_of(credential: AnyCredential) -> str:
    """Return a salted digest of a credential: the salt and PBKDF2 with HMAC-SHA256 (RFC 8018), in hex."""
    salt = os.urandom(SALT_SIZE).hex()
    return f"{salt}:{_digest(credential, salt.encode()).hex()}"


def _is_credential_of(saved: Record, credential: AnyCredential) -> bool:
    """Return whether a connection was made with a credential. If neither it nor a digest is saved, assume not.

    The entries of 0.1.0 have no digest. A sign-in with the credential makes one.
    """
    if saved.digest:
        salt, _, digest = saved.digest.partition(":")
        return _is_equal(digest.encode(), _digest(credential, salt.encode()).hex().encode())
    if not saved.saved_credential:
        return False
    return _is_equal(_bytes(records.credential_from_json(saved.saved_credential)), _bytes(credential))


def _digest(credential: AnyCredential, salt: bytes) -> bytes:
    from hashlib import pbkdf2_hmac

    return pbkdf2_hmac("sha256", _bytes(credential), salt, ROUNDS)


def _bytes(credential: AnyCredential) -> bytes:
    """Return the bytes that distinguish a credential; those of a certificate are public."""
    if isinstance(credential, Secret):
        return b"secret\0" + credential.reveal().encode()
    if isinstance(credential, UsernamePassword):
        name = credential.username.casefold().encode()
        return b"password\0" + name + b"\0" + credential.password.reveal().encode()
    return b"certificate\0" + credential.der


def _is_equal(one: bytes, other: bytes) -> bool:
    from hmac import compare_digest

    return compare_digest(one, other)
