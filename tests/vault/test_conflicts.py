"""Refusals of a vault: to replace a newer entry, and to take an entry or the choice of another vault."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.vault.servers import RedisServer

from entrakit.authority.clouds import find_cloud
from entrakit.connection import record as records
from entrakit.connection.record import Record
from entrakit.connection.settings import Settings
from entrakit.connections import list_connections
from entrakit.errors import NotConnectedError, VaultError
from entrakit.tokens.token import Account
from entrakit.vault import Vault, envelope, upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ENVIRON = {"ENTRAKIT_VAULT_KEY": base64.b64encode(bytes(range(32))).decode()}


@pytest.fixture(params=["files", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[int], Vault]]:
    """Return a function that opens vaults with the same key, in two directories or two databases of a server."""
    if request.param == "files":
        yield lambda number: Vault(str(tmp_path / str(number)), environ=ENVIRON)
        return
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis") as server:
        yield lambda number: Vault(server.url.removesuffix("0") + str(number), environ=ENVIRON)


def record(serial: int, name: str = "work", *, connected_at: float = 1000.0) -> Record:
    """Return the record after some renewals."""
    settings = Settings(
        name, "secret", "1" * 8, "contoso.com", find_cloud("public"), ("scope",), "resource", account=Account()
    )
    return Record(settings._replace(connected_at=connected_at), {}, refresh_token=f"token {serial}", serial=serial)


def lose_lock_and_fence(vault: Vault, name: str = "work") -> None:
    """Remove the lock and the fence of an entry from a Redis server, as a fail-over may do."""
    ask = getattr(vault.storage, "_ask", None)
    if ask is not None:
        ask("del", f"{{entrakit}}:lock:{name}", f"{{entrakit}}:fence:{name}")


def kept(vault: Vault) -> Any:  # noqa: ANN401 - JSON
    """Return the refresh token of the saved connection."""
    return vault.read("work").secrets["refresh_token"]


def test_an_older_renewal_is_refused(place: Callable[[int], Vault]) -> None:
    """
    A renewal that is older than the saved one is refused, even if the server lost lock and fence meanwhile; a repeated
    and a newer one are saved.
    """
    vault, other = place(0), place(0)
    records.keep(vault, record(1), now=0)
    with vault.lock("work"):
        lose_lock_and_fence(vault)
        records.keep(other, record(5), now=0, is_renewal=True)
        lose_lock_and_fence(vault)
        with pytest.raises(VaultError, match="is newer than this one; it was not replaced") as caught:
            records.keep(vault, record(4), now=0, is_renewal=True)
        assert "Try again" in caught.value.remedy
        assert "token 5" == kept(vault)
        for serial in (5, 6):
            records.keep(vault, record(serial), now=0, is_renewal=True)
            assert f"token {serial}" == kept(other)


def test_a_renewal_replaces_nothing_of_another_sign_in(place: Callable[[int], Vault]) -> None:
    """
    A renewal of an earlier sign-in does not replace a new sign-in, whose count is lower, and does not bring back what
    was removed. A sign-in replaces everything.
    """
    vault = place(0)
    records.keep(vault, record(7), now=0)
    records.keep(vault, record(1, connected_at=2000.0), now=0)
    with vault.lock("work"):
        lose_lock_and_fence(vault)
        with pytest.raises(VaultError, match="newer than this one"):
            records.keep(vault, record(8), now=0, is_renewal=True)
    assert "token 1" == kept(vault)

    vault.delete("work")
    with pytest.raises(VaultError, match=r"was removed from .* by another process"):
        records.keep(vault, record(8), now=0, is_renewal=True)
    assert [] == vault.names()


def test_a_newer_entry_between_look_and_write_is_not_replaced(
    place: Callable[[int], Vault], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The comparison is part of the step that writes: an entry that another process saves after the look is seen.
    """
    vault, other = place(0), place(0)
    records.keep(vault, record(1), now=0)
    read = vault.storage.read
    looks: list[str] = []

    def look(name: str) -> object:
        found = read(name)
        if not looks:
            looks.append(name)
            # The other process has lost the lock, too.
            sealed = envelope.parse(name, *other.storage.read(name))  # type: ignore[misc] # it exists
            secrets = {**envelope.unseal(sealed, other.keys.open(sealed.key)), "serial": 9, "refresh_token": "token 9"}
            key = other.keys.open(sealed.key)
            other.storage.write(
                name, envelope.seal(name, sealed.metadata, secrets, sealed.key, key, vault=sealed.vault)
            )
        return found

    monkeypatch.setattr(vault.storage, "read", look)
    with pytest.raises(VaultError, match="newer than this one"):
        records.keep(vault, record(2), now=0, is_renewal=True)
    assert (["work"], "token 9") == (looks, kept(other))


def test_a_damaged_entry_does_not_stop_a_renewal(place: Callable[[int], Vault]) -> None:
    """
    An entry that does not open is replaced by a renewal: nothing is lost with it.
    """
    vault = place(0)
    records.keep(vault, record(1), now=0)
    vault.storage.write("work", b"{")

    records.keep(vault, record(2), now=0, is_renewal=True)

    assert "token 2" == kept(vault)


def test_an_entry_of_another_vault_is_not_taken(place: Callable[[int], Vault]) -> None:
    """
    Two vaults have the same key. An entry that is copied from one to the other is refused and stays where it is; a
    check reports it, and a new sign-in replaces it.
    """
    vault, other = place(0), place(1)
    for one, number in ((vault, 1), (other, 2)):
        records.keep(one, record(number), now=0)
    foreign = other.storage.read("work").data  # type: ignore[union-attr] # it exists
    vault.storage.write("work", foreign)

    with pytest.raises(VaultError, match="belongs to another vault with the same key") as caught:
        vault.read("work")
    assert "Connect again" in caught.value.remedy
    (problem,) = [found.problem for found in upkeep.check(vault) if found.what == "work"]
    assert "belongs to another vault" in problem
    for step in (lambda: records.keep(vault, record(3), now=0, is_renewal=True), lambda: upkeep.rekey(vault)):
        with pytest.raises(VaultError, match="belongs to another vault"):
            step()
    assert foreign == vault.storage.read("work").data  # type: ignore[union-attr] # it stayed
    records.keep(vault, record(1), now=0)
    assert "token 1" == kept(vault)


@pytest.mark.parametrize("key", [*ENVIRON.values(), "a passphrase that is stretched"])
def test_a_listing_shows_an_entry_of_another_vault_as_such(
    place: Callable[[int], Vault], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """
    An entry that is copied from another vault with the same key is listed as unreadable, with the reason. Without the
    key, and with an earlier key of the vault, entries are listed as usual.
    """
    monkeypatch.setitem(ENVIRON, "ENTRAKIT_VAULT_KEY", key)
    vault, other = place(0), place(1)
    for name in ("own", "work"):
        records.keep(vault, record(1, name), now=0)
    records.keep(other, record(2), now=0)
    vault.storage.write("work", other.storage.read("work").data)  # type: ignore[union-attr] # it exists

    own, foreign = list_connections(vault=vault)

    assert ("", True) == (own.problem, own.settings is not None)
    assert (None, "unreadable") == (foreign.settings, foreign.state(0))
    assert "belongs to another vault with the same key" in foreign.problem
    assert "`disconnect('work')`" in foreign.remedy
    without = Vault(vault.place, environ={name: text for name, text in ENVIRON.items() if "VAULT_KEY" not in name})
    assert ["", ""] == [one.problem for one in list_connections(vault=without)]


def test_an_entry_of_0_1_0_is_taken(place: Callable[[int], Vault]) -> None:
    """
    0.1.0 leaves the id of the vault out. Its renewal is read, and the next one names the vault again.
    """
    vault = place(0)
    records.keep(vault, record(1), now=0)
    sealed = envelope.parse("work", *vault.storage.read("work"))  # type: ignore[misc] # it exists
    key = vault.keys.open(sealed.key)
    secrets = envelope.unseal(sealed, key)
    vault.storage.write("work", envelope.seal("work", sealed.metadata, {**secrets, "serial": 2}, sealed.key, key))

    assert 2 == vault.read("work").secrets["serial"]
    records.keep(vault, record(3), now=0, is_renewal=True)
    sealed = envelope.parse("work", *vault.storage.read("work"))  # type: ignore[misc] # it exists
    assert vault.storage.read_notes().vault == envelope.vault_of(sealed, key) != ""


def test_the_choice_of_another_vault_is_not_taken(
    place: Callable[[int], Vault], caplog: pytest.LogCaptureFixture
) -> None:
    """
    The current name of another vault is refused, with or without its mark. The remedy does not name it, since the
    connection may be another one here. A list reports the choice and continues.
    """
    vault, other = place(0), place(1)
    for one in (vault, other):
        for name in ("work", "prod"):
            one.write(name, records.settings_to_json(record(1).settings), {})
        one.set_current("prod" if one is other else "work")
    assert "work" == vault.current()

    for mark in (other.storage.read_current().vault, ""):
        vault.storage.write_current("prod", mark)
        with pytest.raises(VaultError, match="'prod' was chosen in another vault") as caught:
            vault.current()
        assert "`set_current('NAME')`" in caught.value.remedy
        assert "prod" not in caught.value.remedy
    with caplog.at_level(logging.WARNING, "entrakit"):
        assert [("prod", False), ("work", False)] == [
            (one.name, one.is_current) for one in list_connections(vault=vault)
        ]
    assert "was chosen in another vault" in caplog.text
    vault.set_current("work")
    assert "work" == Vault(vault.place, environ=ENVIRON).current()


def test_an_unknown_name_is_told_with_those_that_exist(place: Callable[[int], Vault]) -> None:
    """
    The error names a similar connection, or those that are saved.
    """
    vault = place(0)
    with pytest.raises(NotConnectedError, match="no connection 'work'") as caught:
        vault.read("work")
    assert "Nothing is connected yet" in caught.value.remedy
    vault.write("work", {}, {})
    with pytest.raises(NotConnectedError) as caught:
        vault.read("wrok")
    assert "Did you mean 'work'?" in caught.value.remedy
