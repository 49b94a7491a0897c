"""Scopes of a request, by resource."""

from __future__ import annotations

from typing import NamedTuple


class ResourceScopes(NamedTuple):
    """What is asked of one resource.

    Args:
        resource: Client id of the resource.
        identifier: The resource as the request names it; it becomes the audience.
        values: Permissions, by their exact names.
        is_default: True for `.default`: all that was granted before, or what the app is registered with.
    """

    resource: str
    identifier: str
    values: tuple[str, ...] = ()
    is_default: bool = False


class Scopes(NamedTuple):
    """A parsed scope parameter.

    Args:
        text: As the request has it.
        oidc: OpenID Connect scopes in it.
        resources: What is asked, by resource, in order; never empty. The first one is what the token is for.
    """

    text: str
    oidc: frozenset[str]
    resources: tuple[ResourceScopes, ...]

    @property
    def first(self) -> ResourceScopes:
        """What the token is for."""
        return self.resources[0]
