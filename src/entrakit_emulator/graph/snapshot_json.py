"""Users, apps, consents and refresh tokens of a snapshot as JSON values.

0.1.0 refuses unknown fields of a user or an app, but ignores unknown parts of the file. `later_json` returns the fields
that are newer than 0.1.0; they are in such a part.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from entrakit_emulator.state.identities import (
    App,
    Directory,
    FederatedCredential,
    Permission,
    Redirect,
    RegisteredCertificate,
    Secret,
    User,
)
from entrakit_emulator.state.tickets import RefreshToken, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    JSON = dict[str, Any]


def _certificate_json(one: RegisteredCertificate) -> JSON:
    pem = one.public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {**one._asdict(), "public_key": pem.decode()}


def _certificate(given: JSON) -> RegisteredCertificate:
    key = serialization.load_pem_public_key(str(given["public_key"]).encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("A registered certificate must have an RSA key.")  # noqa: TRY004 - input from a file
    return RegisteredCertificate(**{**given, "public_key": key})


def _lists(given: JSON) -> dict[str, tuple[str, ...]]:
    return {name: tuple(one) for name, one in given.items()}


# Readers of the fields of an app that are not strings or booleans.
_APP: dict[str, Callable[[Any], Any]] = {
    "redirects": lambda given: tuple(Redirect(*one) for one in given),
    "assigned": frozenset,
    "secrets": lambda given: tuple(Secret(**one) for one in given),
    "certificates": lambda given: tuple(_certificate(one) for one in given),
    "identifier_uris": tuple,
    "permissions": lambda given: tuple(Permission(*one) for one in given),
    "roles": tuple,
    "granted_roles": _lists,
    "required": _lists,
    "required_roles": _lists,
    "installed_in": frozenset,
    "federated": lambda given: tuple(FederatedCredential(*one) for one in given),
}


# Fields that are newer than 0.1.0. All of them are empty by default.
LATER = ("is_admin", "required_roles", "resource_id", "federated")


def later_json(one: User | App) -> JSON:
    """Return the newer fields of a user or an app, if they are not empty."""
    return {name: value for name in LATER if (value := getattr(one, name, None))}


def user_json(user: User) -> JSON:
    """Return a user as JSON values, without the newer fields."""
    return {name: value for name, value in dataclasses.asdict(user).items() if name not in LATER}


def app_json(app: App) -> JSON:
    """Return an app as JSON values, without the newer fields."""
    values = {one.name: getattr(app, one.name) for one in dataclasses.fields(App) if one.name not in LATER}
    return values | {
        "assigned": sorted(app.assigned),
        "installed_in": sorted(app.installed_in),
        "secrets": [dataclasses.asdict(one) for one in app.secrets],
        "certificates": [_certificate_json(one) for one in app.certificates],
    }


def app(given: JSON) -> App:
    """Return an app from JSON values. Raises KeyError, TypeError or ValueError for other values."""
    return App(**{name: _APP[name](value) if name in _APP else value for name, value in given.items()})


def user(given: JSON) -> User:
    """Return a user from JSON values. Raises TypeError for other values."""
    return User(**given)


def directory(given: JSON) -> Directory:
    """Return a tenant from JSON values. Raises KeyError or TypeError for other values."""
    return Directory(**{**given, "domains": tuple(given["domains"]), "federated": tuple(given["federated"])})


def refresh_token(given: JSON) -> RefreshToken:
    """Return a refresh token from JSON values. Raises KeyError or TypeError for other values."""
    subject = Subject(**{**given["subject"], "methods": tuple(given["subject"]["methods"])})
    return RefreshToken(**{**given, "subject": subject})
