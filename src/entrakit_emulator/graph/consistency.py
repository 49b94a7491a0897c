"""Eventual consistency: lists, filters, memberships and references see the directory with a delay.

The real directory has many replicas: a GET by id sees a write at once, other requests may reach a replica without it.
The emulator has one replica, and only while `replication_lag_s` is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.replica import Replica

if TYPE_CHECKING:
    from entrakit_emulator.state.store import Store
    from entrakit_emulator.world import World


def follow(world: World) -> None:
    """Start the replica before the first write if a lag is set; end it if none is set."""
    if world.settings.replication_lag_s > 0:
        if world.replica is None:
            world.replica = Replica(world.objects, world.clock.now)
    else:
        end(world)


def end(world: World) -> None:
    """End the replica, so that lists see the directory itself."""
    if world.replica is not None:
        world.replica.close()
        world.replica = None


def listed(world: World, now: float) -> Store:
    """Return the directory as lists show it."""
    if world.replica is None:
        return world.objects
    return world.replica.advance(now - world.settings.replication_lag_s)
