"""Hosts of managed identities: each is a server on loopback, started when its variables are first requested."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from entrakit_emulator import faults
from entrakit_emulator.application import Application, Route
from entrakit_emulator.identity import assigned
from entrakit_emulator.identity.app_service import AppService, AzureMl
from entrakit_emulator.identity.arc import Arc, agent_directory
from entrakit_emulator.identity.cloud_shell import CloudShell
from entrakit_emulator.identity.imds import Imds
from entrakit_emulator.identity.refusals import HostError, error_response
from entrakit_emulator.identity.service_fabric import ServiceFabric
from entrakit_emulator.server import Server
from entrakit_emulator.trust import pinned_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import ManagedIdentity
    from entrakit_emulator.world import World


class Host(Protocol):
    """A kind of host."""

    @property
    def kind(self) -> str:
        """Name of the endpoint, for faults and journal."""
        ...

    @property
    def path(self) -> str:
        """Path of the endpoint."""
        ...

    def variables(self, origin: str) -> dict[str, str]:
        """Return the variables of a program on the host."""
        ...

    def answer(self, exchange: Exchange) -> Response:
        """Answer a token request. Raises HostError: the request is refused."""
        ...


class IdentityHosts:
    """The hosts of a tenant's managed identities. Each method returns the variables to set for a program on that host.

    A program finds its host by its variables: one that has those of two hosts is on none of them.

    Args:
        world: State of the tenant.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._variables: dict[tuple[object, ...], dict[str, str]] = {}
        self._servers: list[Server] = []
        self._arcs: list[Arc] = []

    @cached_property
    def _pinned(self) -> tuple[ssl.SSLContext, str]:
        return pinned_context()

    @property
    def system(self) -> ManagedIdentity | None:
        """The system-assigned identity of the hosts; None if there is none."""
        with self._world.lock:
            app = assigned.system_assigned(self._world)
            return None if app is None else app.managed_identity

    @property
    def users(self) -> list[ManagedIdentity]:
        """The user-assigned identities, in the order in which they were added."""
        with self._world.lock:
            return [app.managed_identity for app in assigned.user_assigned(self._world)]

    def imds(self) -> dict[str, str]:
        """Start a virtual machine in Azure."""
        return self._start(("imds",), Imds)

    def app_service(self) -> dict[str, str]:
        """Start an app in App Service or Functions."""
        return self._start(("app_service",), partial(AppService, "app_service"))

    def container_apps(self) -> dict[str, str]:
        """Start a container app."""
        return self._start(("container_apps",), partial(AppService, "container_apps"))

    def arc(self, *, directory: str = "", is_old: bool = False) -> dict[str, str]:
        """Start a machine with the agent of Azure Arc.

        Args:
            directory: Directory of the challenge files; empty for that of the real agent, which other clients require.
            is_old: Whether the agent is older than user-assigned identities: it ignores ids, and does not repeat them.

        Raises:
            OSError: The directory can't be created or written.
        """

        def make() -> Arc:
            arc = Arc(Path(directory) if directory else agent_directory(), is_old=is_old)
            self._arcs.append(arc)
            return arc

        return self._start(("arc", directory, is_old), make)

    def service_fabric(self) -> dict[str, str]:
        """Start a node of Service Fabric, whose certificate no authority issued."""
        context, thumbprint = self._pinned
        return self._start(("service_fabric",), partial(ServiceFabric, thumbprint), context)

    def cloud_shell(self) -> dict[str, str]:
        """Start a session of Cloud Shell for the seeded user `normal`."""
        return self._start(("cloud_shell",), CloudShell)

    def azure_ml(self, *, is_dated: bool = False) -> dict[str, str]:
        """Start a compute instance of Azure Machine Learning.

        Args:
            is_dated: Whether `expires_on` is a date, and not a Unix time.
        """
        return self._start(("azure_ml", is_dated), partial(AzureMl, is_dated=is_dated))

    def variables(self, kind: str) -> dict[str, str]:
        """Start a host without arguments.

        Args:
            kind: `imds`, `app_service`, `container_apps`, `arc`, `service_fabric`, `cloud_shell` or `azure_ml`.

        Raises:
            ValueError: The kind is unknown.
            OSError: As for `arc`.
        """
        if kind not in faults.HOSTS:
            raise ValueError(f"Unknown host {kind!r}; known hosts: {', '.join(faults.HOSTS)}.")
        start: Callable[[], dict[str, str]] = getattr(self, kind)
        return start()

    def stop(self) -> None:
        """End all hosts, and remove their files."""
        for server in self._servers:
            server.stop()
        for arc in self._arcs:
            arc.remove()

    def _start(
        self, key: tuple[object, ...], make: Callable[[], Host], context: ssl.SSLContext | None = None
    ) -> dict[str, str]:
        """Return the variables of a host, and start it at the first call."""
        with self._world.lock:
            if key not in self._variables:
                host, server = make(), Server(0)
                self._servers.append(server)
                # MSAL.js adds a slash.
                routes = [Route(host.kind, path, partial(_answer, host)) for path in (host.path, f"{host.path}/")]
                server.start(Application(self._world, routes, server.port), context)
                # Not `localhost`, which some clients look up as ::1 first and others can't look up.
                origin = f"{'https' if context else 'http'}://127.0.0.1:{server.port}"
                self._variables[key] = host.variables(origin)
            return dict(self._variables[key])


def _answer(host: Host, exchange: Exchange) -> Response:
    try:
        return host.answer(exchange)
    except HostError as error:
        return error_response(exchange, error)
