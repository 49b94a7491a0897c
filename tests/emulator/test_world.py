"""The state of a tenant, and how its parts are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.clock import Clock
from entrakit_emulator.faults import Faults
from entrakit_emulator.journal import Journal
from entrakit_emulator.state.identities import App, Directory, User
from entrakit_emulator.state.keys import KeyRing
from entrakit_emulator.state.store import Store
from entrakit_emulator.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT = "32ad8c5a-6125-471f-9ee1-afce592af5d9"


@pytest.fixture
def world() -> Iterator[World]:
    """A world with one tenant, one user and one API."""
    store = Store(lambda _kind, _doc: "{}")
    world = World("https://localhost:1", Clock(), KeyRing([]), Faults(), Journal(), store)
    world.tenants[TENANT] = Directory(TENANT, "Contoso", ("contoso.example",), federated=("federated.example",))
    world.users["u"] = User("Ada@contoso.example", "Password-1", "u", "Ada", TENANT)
    world.apps["a"] = App("a", "API", TENANT, identifier_uris=("https://api.example/",))
    yield world
    store.close()


@pytest.mark.parametrize("name", [TENANT.upper(), "Contoso.Example", "federated.example"])
def test_a_tenant_is_found_by_each_of_its_names(world: World, name: str) -> None:
    """
    The id and every domain of a tenant name it, in any case.
    """
    found = world.find_directory(name)

    assert found is not None
    assert found.tenant_id == TENANT


def test_a_user_is_found_by_the_sign_in_name(world: World) -> None:
    """
    The case of a sign-in name and blanks around it do not matter.
    """
    assert world.find_user(" ada@CONTOSO.example ") is world.users["u"]
    assert world.find_user("nobody@contoso.example") is None


@pytest.mark.parametrize("name", ["a", "A", "https://api.example", "https://API.example/"])
def test_a_resource_is_found_by_its_identifiers(world: World, name: str) -> None:
    """
    A client id or an identifier URI names a resource, in any case, with or without the final slash.
    """
    assert world.find_resource(name) is world.apps["a"]


def test_clearing_keeps_the_keys_only(world: World) -> None:
    """
    After `clear` the world holds its keys, and everything else is in its first state.
    """
    keys = world.keys
    world.settings.throttles = False
    world.clock.advance(60)
    world.clear()

    assert ({}, {}, {}) == (world.tenants, world.users, world.apps)
    assert (True, 0.0) == (world.settings.throttles, world.clock.offset_s)
    assert keys is world.keys
