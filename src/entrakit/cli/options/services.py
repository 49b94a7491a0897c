"""`--service` of `entra connect`: checks that one sign-in gives a token for each service."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.options.durations import utc
from entrakit.cli.work import Caution
from entrakit.errors import EntraError
from entrakit.services.service import find_resource
from entrakit.tokens.scopes import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit import Connection
    from entrakit.authority.clouds import Cloud


class Checked(NamedTuple):
    """A service, and whether the connection has a token for it.

    Args:
        service: Its name.
        resource: Identifier of its resource.
        expires_at: Time at which the token expires, in seconds since 1970; 0 without a token.
        error: Reason why there is no token; None if there is one.
    """

    service: str
    resource: str
    expires_at: float = 0.0
    error: EntraError | None = None

    def to_json(self) -> dict[str, object]:
        """Return the result for programs."""
        known: dict[str, object] = {"service": self.service, "resource": self.resource}
        if self.error is None:
            return known | {"expires_on": int(self.expires_at)}
        from entrakit.cli.words import problem_of, remedy_of

        return known | {"problem": problem_of(self.error), "next": remedy_of(self.error)}

    def describe(self) -> str:
        """Return the result as a message."""
        if self.error is None:
            return f"{self.service} gives a token, valid until {utc(self.expires_at)}."
        found = self.to_json()
        return Caution(f"{self.service} gives no token: {found['problem']}\n  Next: {found['next']}")


def resources_of(names: Sequence[str], cloud: Cloud) -> dict[str, str]:
    """Return the resources of services by their names.

    Args:
        names: Names of services.
        cloud: The cloud of the connection.

    Raises:
        ParameterError: A service does not exist, or the cloud has none.
    """
    return {name: find_resource(name, cloud) for name in names}


def check_services(connection: Connection, resources: Mapping[str, str]) -> list[Checked]:
    """Get a token for each service, and return the results; a failure does not stop the others.

    Args:
        connection: The new connection.
        resources: Resources by the names of the services.
    """
    found = []
    for name, resource in resources.items():
        try:
            found.append(Checked(name, resource, connection.token(f"{resource}/{DEFAULT}").expires_at))
        except EntraError as error:
            found.append(Checked(name, resource, error=error))
    return found
