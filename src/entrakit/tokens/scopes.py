"""Scope strings (RFC 6749, 3.3), as Microsoft Entra ID reads them: `resource/permission`.

    User.Read                         → https://graph.microsoft.com/User.Read
    https://vault.azure.net/.default  → unchanged
    api://orders/Read.All             → unchanged
    00000003-…/User.Read              → unchanged (a resource may be named by its application id)
    openid, profile, offline_access   → omitted: they are always requested

A resource that ends in a slash keeps it, so that its scopes have two slashes: the service requires that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrakit.authority.tenants import is_guid
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable

ALWAYS_ASKED = frozenset({"openid", "profile", "offline_access"})
OIDC = ALWAYS_ASKED | {"email", "address", "phone"}
DEFAULT = ".default"

_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+", re.ASCII)


def delegated_scopes(scopes: Iterable[str] | str, *, resource: str) -> tuple[str, ...]:
    """Return the scopes to request on behalf of a user, each with its resource, without duplicates.

    Args:
        scopes: Permissions in any of the forms above; one string may contain several, separated by spaces.
            An empty value means `User.Read`, the minimum for a sign-in.
        resource: Identifier of the resource of permissions without one.

    Raises:
        ParameterError: A scope has characters that RFC 6749 forbids; two resources are mixed (a token is
            for one resource); `.default` is mixed with other permissions.
    """
    found: dict[str, str] = {}
    for scope in _split(scopes):
        if scope.lower() not in ALWAYS_ASKED:
            full = _with_resource(scope, resource)
            found.setdefault(full.lower(), full)
    result = tuple(found.values())
    if all(scope.lower() in OIDC for scope in result):
        result = (_with_resource("User.Read", resource), *result)
    _refuse_mixture(result)
    return result


def app_scopes(scopes: Iterable[str] | str, *, resource: str) -> tuple[str, ...]:
    """Return the one scope that an app requests for itself: everything that it was granted on one resource.

    Args:
        scopes: Scopes that name the resource; their permissions are ignored. An empty value means `resource`.
        resource: Identifier of the resource of permissions without one.

    Raises:
        ParameterError: As for `delegated_scopes`.
    """
    names = _split(scopes) or [DEFAULT]
    resources = {resource_of(_with_resource(name, resource)) for name in names if name.lower() not in OIDC}
    resources = resources or {resource}
    if len(resources) > 1:
        raise _two_resources(sorted(resources))
    return (f"{resources.pop()}/{DEFAULT}",)


def resource_of(scope: str) -> str:
    """Return the resource of a full scope; empty for an OpenID Connect scope."""
    return scope.rpartition("/")[0]


def _split(scopes: Iterable[str] | str) -> list[str]:
    texts = [scopes] if isinstance(scopes, str) else scopes
    names = [name for text in texts for name in text.split()]
    for name in names:
        if not _SCOPE_TOKEN.fullmatch(name):
            raise ParameterError(
                f"The scope {name!r} has characters that a scope can't have.",
                remedy="Write scopes like User.Read or https://graph.microsoft.com/User.Read.",
            )
    return names


def _with_resource(scope: str, resource: str) -> str:
    if scope.lower() in OIDC or "://" in scope or is_guid(scope.partition("/")[0]):
        return scope
    return f"{resource}/{scope}"


def _refuse_mixture(scopes: tuple[str, ...]) -> None:
    permissions = [scope for scope in scopes if scope.lower() not in OIDC]
    resources = sorted({resource_of(scope) for scope in permissions})
    if len({name.lower() for name in resources}) > 1:
        raise _two_resources(resources)
    if len(permissions) > 1 and any(scope.lower().endswith(f"/{DEFAULT}") for scope in permissions):
        raise ParameterError(
            "The scope .default can't be mixed with single permissions.",
            remedy="Request either .default, which is everything that was granted, or the permissions by name.",
        )


def _two_resources(resources: list[str]) -> ParameterError:
    return ParameterError(
        f"The scopes belong to more than one resource: {', '.join(resources)}.",
        remedy="Connect for one resource, then request the scopes of the other with `token()`.",
    )
