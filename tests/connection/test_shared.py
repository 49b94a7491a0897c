"""Connections in memory that later calls find again: bounded, and each ends at its time."""

from __future__ import annotations

import threading

import pytest
from tests.sign_in.tools import token_with

from entrakit.authority.clouds import GLOBAL
from entrakit.connection.settings import Settings
from entrakit.connection.shared import LIMIT, SharedConnections, SharedEntry
from entrakit.errors import NotConnectedError, VaultBusyError
from entrakit.sign_in.flows.on_behalf_of import OnBehalfOf
from entrakit.sign_in.flows.secret import ClientSecret

SETTINGS = Settings("", "on_behalf_of", "app", "contoso.com", GLOBAL, ("s",))
SECRET = ClientSecret("canary")


def user(number: int, ends_at: float = 100.0) -> OnBehalfOf:
    """Return a way to sign in for one user."""
    return OnBehalfOf(token_with(oid=str(number), exp=ends_at), SECRET)


def test_at_most_a_thousand_are_kept() -> None:
    """
    The one that was not used for the longest time is forgotten.
    """
    shared = SharedConnections()
    entries = [shared.entry(SETTINGS, user(number), 0.0) for number in range(LIMIT)]

    assert entries[0] is shared.entry(SETTINGS, user(0), 0.0)
    shared.entry(SETTINGS, user(LIMIT), 0.0)

    assert (1000, LIMIT) == (LIMIT, len(shared))
    assert entries[0] is shared.entry(SETTINGS, user(0), 0.0)
    assert entries[1] is not shared.entry(SETTINGS, user(1), 0.0)


def test_each_ends_with_its_token() -> None:
    """
    An entry that has ended is not found, and is forgotten when another one is made.
    """
    shared = SharedConnections()
    first = shared.entry(SETTINGS, user(1, 100.0), 0.0)
    shared.entry(SETTINGS, user(2, 50.0), 0.0)

    assert first is shared.entry(SETTINGS, user(1, 100.0), 99.0)
    assert first is not shared.entry(SETTINGS, user(1, 100.0), 100.0)
    shared.entry(SETTINGS, user(3, 200.0), 100.0)

    assert 1 == len(shared)


def test_the_settings_belong_to_the_key() -> None:
    """
    Another scope, tenant or credential is another entry.
    """
    shared = SharedConnections()
    first = shared.entry(SETTINGS, user(1), 0.0)

    assert first is not shared.entry(SETTINGS._replace(scopes=("t",)), user(1), 0.0)
    assert first is not shared.entry(SETTINGS._replace(tenant_id="fabrikam.com"), user(1), 0.0)
    assert first is not shared.entry(SETTINGS, user(1).with_app(ClientSecret("other")), 0.0)
    assert first is shared.entry(SETTINGS, user(1), 0.0)


def test_an_entry_is_like_one_of_a_vault() -> None:
    """
    It is empty, written, read and deleted. Its lock can be held twice by one thread, and excludes others.
    """
    entry, refused = SharedEntry(1.0), []
    with pytest.raises(NotConnectedError):
        entry.read("")
    entry.write("", {"a": 1}, {"b": "canary"})

    def other() -> None:
        try:
            with entry.lock(timeout_s=0.0):
                refused.append(False)
        except VaultBusyError:
            refused.append(True)

    with entry.lock(), entry.lock():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)

    assert [True] == refused
    assert {"b": "canary"} == entry.read("").secrets
    assert "canary" not in repr(entry) + repr(entry.read(""))
    assert (True, False) == (entry.delete(""), entry.delete(""))
