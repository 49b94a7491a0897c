"""An embedded Microsoft Entra tenant for tests and demonstrations: on loopback, with TLS, in this process.

    from entrakit_emulator import start

    with start() as tenant:
        ...  # tenant.url, tenant.ca_path, tenant.public_client, tenant.users.normal

The tenant speaks the protocol of the real token service and shares no code with any client. Its seeds, faults, control
plane and limits are described in docs/reference/emulator.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrakit_emulator.clock import TimeSource
    from entrakit_emulator.tenant import Tenant

__all__ = ["Tenant", "start"]


def start(*, port: int = 0, clock: TimeSource | None = None, users: int = 0, restore: str | None = None) -> Tenant:
    """Start a tenant.

    Args:
        port: Port on 127.0.0.1 and ::1; 0 lets the system choose one.
        clock: Source of the time, with a method `time()`: the `time` module or a clock of the test; None for the
            system's clock.
        users: Number of additional users in Graph. There is one group for each hundred of them, and they are the same
            in every run.
        restore: Path of a snapshot to start from, written by `Tenant.snapshot()`.

    Returns:
        The tenant. Call `stop()` at the end, or use it in a `with` statement.

    Raises:
        OSError: The port is taken, or the snapshot can't be read.
        ValueError: The port or the number of users is out of range; or the file is not a snapshot, or is damaged.
        ModuleNotFoundError: The extra `emulator` is not installed.
    """
    from entrakit_emulator.tenant import Tenant

    return Tenant(port=port, clock=clock, users=users, restore=restore)


def __getattr__(name: str) -> object:
    # The pytest plugin imports this package at every start of pytest, so heavy modules are imported on first use.
    if name == "Tenant":
        from entrakit_emulator.tenant import Tenant

        return Tenant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
