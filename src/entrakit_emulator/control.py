"""The control plane: the functions of `Tenant` over HTTPS, for other processes.

    GET   /_emulator/tenant      ids, users, secret, certificate
    POST  /_emulator/reset
    POST  /_emulator/seed        [{"do": "add_user", ...}, ...]
    GET   /_emulator/clock       POST {"offset_s": 300} or {"advance_s": 60}
    GET   /_emulator/faults      POST [{"kind": "throttle", "endpoint": "token"}, ...]   DELETE
    POST  /_emulator/polls       ["slow_down", "approve"]
    GET   /_emulator/journal     DELETE
    GET   /_emulator/coverage
    POST  /_emulator/snapshot    {"path": "/tmp/tenant.json"}
    POST  /_emulator/issuer      {"host": "github_actions", "subject": ...}: starts an outside issuer
    POST  /_emulator/identity    {"host": "imds"}: starts a host of managed identities, and returns its variables

Every request needs the key of this run in `X-Emulator-Key`. A web page can't know the key and can't send the header.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from entrakit_emulator import coverage, faults
from entrakit_emulator.application import Route
from entrakit_emulator.json_values import call
from entrakit_emulator.outside_issuer import JOB_METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.hosts import IdentityHosts
    from entrakit_emulator.outside_issuer import OutsideIssuer
    from entrakit_emulator.seed import Seed
    from entrakit_emulator.world import World

KEY_HEADER = "x-emulator-key"


class Control:
    """The control plane of one tenant.

    Args:
        world: State of the tenant.
        seed: Steps that change the state.
        hosts: Hosts of managed identities.
        description: Data that a client needs to sign in, as JSON values.
        reset: Function that returns the tenant to its first state.
        snapshot: Function that writes the tenant to a file.
        issuer: Function that returns the running outside issuer with a name, or starts one.
    """

    def __init__(
        self,
        world: World,
        seed: Seed,
        hosts: IdentityHosts,
        *,
        description: Mapping[str, object],
        reset: Callable[[], None],
        snapshot: Callable[[str], None],
        issuer: Callable[[str], OutsideIssuer],
    ) -> None:
        self._world = world
        self._seed = seed
        self._hosts = hosts
        self._description = description
        self._reset = reset
        self._snapshot = snapshot
        self._issuer = issuer

    def tenant(self, value: object) -> object:
        """Return the data that a client needs to sign in."""
        del value
        return self._description

    def reset(self, value: object) -> object:
        """Return to the seeds."""
        del value
        self._reset()
        return {}

    def seed(self, value: object) -> object:
        """Change the state of the tenant."""
        self._seed.apply(value)
        return {}

    def clock(self, value: object) -> object:
        """Return the time, or change it."""
        clock = self._world.clock
        if value is not None:
            if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"offset_s", "advance_s"}:
                raise ValueError("The clock requires an object with `offset_s` or `advance_s`.")
            ((name, seconds),) = value.items()
            if not isinstance(seconds, int | float) or isinstance(seconds, bool) or abs(seconds) > 10**9:
                raise ValueError(f"{name} must be a number of seconds.")
            (clock.set_offset if name == "offset_s" else clock.advance)(seconds)
        return {"now": clock.now(), "offset_s": clock.offset_s}

    def faults(self, value: object) -> object:
        """Return the waiting faults, or add some."""
        if value is not None:
            added = [faults.from_json(one) for one in (value if isinstance(value, list) else [value])]
            for one in added:
                self._world.faults.add(one)
        return [{"kind": one.kind, **asdict(one)} for one in self._world.faults.waiting]

    def no_faults(self, value: object) -> object:
        """Remove all faults."""
        del value
        self._world.faults.clear()
        return []

    def polls(self, value: object) -> object:
        """Set the answers to the next polls of any device."""
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ValueError("Polls must be a list of strings.")
        self._world.faults.next_polls(*value)
        return {}

    def journal(self, value: object) -> object:
        """Return the journal."""
        del value
        return self._world.journal.to_json()

    def no_journal(self, value: object) -> object:
        """Clear the journal."""
        del value
        self._world.journal.clear()
        return {}

    def coverage(self, value: object) -> object:
        """Return the features that the emulator supports and refuses."""
        del value
        return coverage.report(self._world.answered_codes)

    def snapshot(self, value: object) -> object:
        """Write the tenant to a file."""
        path = value.get("path") if isinstance(value, dict) and set(value) == {"path"} else None
        if not isinstance(path, str) or not path:
            raise ValueError("A snapshot requires an object with `path`.")
        try:
            self._snapshot(path)
        except OSError as error:
            raise ValueError(f"{path} can't be written: {error.strerror}.") from error
        return {"path": path}

    def issuer(self, value: object) -> object:
        """Start an outside issuer, unless it runs already, and return its name, and a token or the variables of a job.

        Without `host`, only the name and the address are returned.
        """
        arguments = dict(value) if isinstance(value, dict) else {}
        name, host = arguments.pop("issuer", ""), arguments.pop("host", "")
        if not isinstance(name, str) or host not in ("", *JOB_METHODS) or (arguments and not host):
            raise ValueError(f"An issuer requires an object with `host`, one of: {', '.join(JOB_METHODS)}.")
        issuer = self._issuer(name)
        described = {"issuer": issuer.issuer, "address": issuer.address}
        if not host:
            return described
        result = call(getattr(issuer, host), arguments, f"Host {host!r}")
        return described | {"token" if host == "sign" else "variables": result}

    def identity(self, value: object) -> object:
        """Start a host of managed identities, and return its variables."""
        host = value.get("host") if isinstance(value, dict) and set(value) == {"host"} else None
        try:
            return self._hosts.variables(str(host))
        except OSError as error:
            raise ValueError(f"{error.filename} can't be used: {error.strerror}.") from error


def routes(control: Control, key: str) -> list[Route]:
    """Return the routes of a control plane.

    Args:
        control: The control plane.
        key: Key that each request must carry.
    """
    table: dict[str, dict[str, Callable[[object], object]]] = {
        "tenant": {"GET": control.tenant},
        "reset": {"POST": control.reset},
        "seed": {"POST": control.seed},
        "clock": {"GET": control.clock, "POST": control.clock},
        "faults": {"GET": control.faults, "POST": control.faults, "DELETE": control.no_faults},
        "polls": {"POST": control.polls},
        "journal": {"GET": control.journal, "DELETE": control.no_journal},
        "coverage": {"GET": control.coverage},
        "snapshot": {"POST": control.snapshot},
        "issuer": {"POST": control.issuer},
        "identity": {"POST": control.identity},
    }
    return [Route("control", f"/_emulator/{name}", _guarded(key, methods)) for name, methods in table.items()]


def _guarded(key: str, methods: dict[str, Callable[[object], object]]) -> Callable[[Exchange], Response]:
    """Return a handler that checks the key and the method, and reads and writes JSON."""

    def handler(exchange: Exchange) -> Response:
        if not hmac.compare_digest(exchange.headers.get(KEY_HEADER, "").encode(), key.encode()):
            return exchange.json({"error": f"The header {KEY_HEADER} does not contain the key of this run."}, 403)
        method = methods.get(exchange.method)
        if method is None:
            return exchange.json(
                {"error": f"Only {', '.join(methods)} is allowed."}, 405, {"allow": ", ".join(methods)}
            )
        try:
            value = json.loads(exchange.body) if exchange.body else None
            return exchange.json(method(value))
        except (ValueError, RecursionError) as error:
            return exchange.json({"error": str(error)}, 400)

    return handler
