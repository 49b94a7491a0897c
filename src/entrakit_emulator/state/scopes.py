"""Scopes of a request, by resource."""

from __future__ import annotations

from typing import NamedTuple


class ResourceScopes(NamedTuple):
    """The scopes of one resource.

    Args:
        resource: Client id of the resource.
        identifier: The resource as the request names it; it becomes the audience.
        values: Permissions, spelled as the resource spells them.
        is_default: True for `.default`: everything granted before, or the registered permissions of the app.
    """

    resource: str
    identifier: str
    values: tuple[str, ...] = ()
    is_default: bool = False


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
