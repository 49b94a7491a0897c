"""Scopes of a request, by resource."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class ResourceScopes(NamedTuple):
    """The scopes of one resource.

    Args:
        resource: Client id of the resource.
        identifier: The resource as the request names it; it becomes the audience.
        values: Permissions, spelled as the resource spells them.
        is_default: True for `.default`: everything granted before, or the registered permissions of the app.
        prefixes: Text before each permission, or before `.default`, in the request: the resource with a slash, or
            an empty string.
    """

    resource: str
    identifier: str
    values: tuple[str, ...] = ()
    is_default: bool = False
    prefixes: Mapping[str, str] = MappingProxyType({})

    def spelled(self, value: str) -> str:
        """Return a permission, or `.default`, in the form of the request: with the resource, or without it.

        A permission that the request does not name has no resource if no other one has it.
        """
        is_short = bool(self.prefixes) and not any(self.prefixes.values())
        return self.prefixes.get(value, "" if is_short else f"{self.identifier}/") + value


class Scopes(NamedTuple):
    """A parsed scope parameter.

    Args:
        text: The parameter as received.
        oidc: OpenID Connect scopes.
        resources: Scopes by resource, in order; never empty. The token is for the first one.
    """

    text: str
    oidc: frozenset[str]
    resources: tuple[ResourceScopes, ...]

    @property
    def first(self) -> ResourceScopes:
        """The scopes of the resource that the token is for."""
        return self.resources[0]
