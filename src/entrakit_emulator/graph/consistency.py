"""Eventual consistency: lists, filters, memberships and references see a directory that is behind by some seconds.

The real directory has many replicas: a GET by id reads what was just written, everything else may be told by one that
has not heard of it yet. Here there is one such replica, and only where `replication_lag_s` asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.replica import Replica

if TYPE_CHECKING:
    from entrakit_emulator.state.store import Store
    from entrakit_emulator.world import World


def follow(world: World) -> None:
    """Begin to follow the writes where a lag is asked for, before the first of them; end where none is."""
    if world.settings.replication_lag_s > 0:
        if world.replica is None:
            world.replica = Replica(world.objects, world.clock.now)
    else:
        end(world)


def end(world: World) -> None:
    """Let everybody see what there is."""
    if world.replica is not None:
        world.replica.close()
        world.replica = None


def listed(world: World, now: float) -> Store:
    """Return the directory as lists see it."""
    if world.replica is None:
        return world.objects
    return world.replica.advance(now - world.settings.replication_lag_s)
