"""A Microsoft Entra tenant in a box, for tests and demonstrations: on loopback, with TLS, in this process.

    from entrakit_emulator import start

    with start() as tenant:
        ...  # tenant.url, tenant.ca_path, tenant.public_client, tenant.users.normal

It speaks the protocol of the real token service and shares no code with any client. What it does and does not do,
its seeds, its faults and its control plane: docs/reference/emulator.md.
"""

from __future__ import annotations

__all__ = ["Tenant", "start"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit_emulator.clock import TimeSource
    from entrakit_emulator.tenant import Tenant


def start(*, port: int = 0, clock: TimeSource | None = None, users: int = 0, restore: str | None = None) -> Tenant:
    """Start a tenant.

    Args:
        port: Port on 127.0.0.1 and ::1; 0 for one that the system chooses.
        clock: What tells the time, by a method `time()`: the `time` module, or a test's own; None for the system's.
        users: How many further users Graph has, and for each hundred of them a group; always the same ones.
        restore: A snapshot to begin with; `Tenant.snapshot()` writes one.

    Returns:
        The tenant; `stop()` it, or use it in a `with` statement.

    Raises:
        OSError: The port is taken, or the snapshot can't be read.
        ValueError: The snapshot is none, or is damaged.
        ModuleNotFoundError: The extra `emulator` is not installed.
    """
    from entrakit_emulator.tenant import Tenant

    return Tenant(port=port, clock=clock, users=users, restore=restore)


def __getattr__(name: str) -> object:
    # The package is imported at every start of pytest, by its plugin: nothing heavy before it is asked for.
    if name == "Tenant":
        from entrakit_emulator.tenant import Tenant

        return Tenant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
