"""Maintenance of a vault: a complete check that changes nothing, and a new key for all entries."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.vault.servers import RedisServer

from entrakit.errors import VaultError
from entrakit.vault import Vault, upkeep

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit.tokens.jwt import JSON

META: dict[str, JSON] = {"flow": "secret"}
KEYS = [base64.b64encode(bytes([n]) * 32).decode() for n in range(3)]


@pytest.fixture
def vault(private_home: Path) -> Vault:
    """Return a vault with two entries."""
    one = Vault(str(private_home))
    for name in ("one", "two"):
        one.write(name, META, {"n": name})
    return one


def problems(vault: Vault) -> dict[str, str]:
    """Return the problems that a check finds."""
    return {one.what: one.problem for one in upkeep.check(Vault(vault.place)) if one.problem}


def snapshot(home: Path) -> dict[str, bytes]:
    """Return all files of a vault."""
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_check_of_what_is_in_order(vault: Vault) -> None:
    """
    A check of a good vault names the key and each entry, without a problem.
    """
    assert ["key", "one", "two"] == [one.what for one in upkeep.check(vault)]
    assert {} == problems(vault)


def test_a_check_sees_everything_and_moves_nothing(vault: Vault, private_home: Path) -> None:
    """
    Damage, permissions, links, copies and leftovers are reported with a remedy, and not changed.
    """
    entries = private_home / "connections"
    (entries / "one.json").write_text("{")
    (entries / "two.json").chmod(0o640)
    (entries / "old.damaged-20260101T000000Z-abcd").touch(mode=0o600)
    (entries / ".two.json.0123456789abcdef.new").touch(mode=0o600)
    (private_home / "link").symlink_to("/etc/passwd")
    before = snapshot(private_home)

    found = upkeep.check(Vault(vault.place))

    told = {one.what.rpartition("/")[2]: one.problem for one in found if one.problem}
    assert "is damaged" in told["one"]
    assert "can be used by others (mode 640)" in told["two"]
    assert "symbolic link" in told["link"]
    assert "damaged copy" in told["old.damaged-20260101T000000Z-abcd"]
    assert "killed left it" in told[".two.json.0123456789abcdef.new"]
    assert all(one.remedy for one in found if one.problem)
    private_home.chmod(0o750)
    assert "can be used by others (mode 750)" in problems(vault)[str(private_home)]
    assert before == snapshot(private_home)


def test_a_check_without_the_key(vault: Vault, private_home: Path) -> None:
    """
    A lost key is reported once for itself, and once for each entry that requires it.
    """
    (path,) = private_home.glob("key-*")
    path.unlink()

    assert {"key", "one", "two"} == set(problems(vault))
    (private_home / "vault.json").unlink()
    assert "note of the vault's key is gone" in problems(vault)["key"]


def test_another_key_of_the_same_kind(vault: Vault, private_home: Path) -> None:
    """
    All entries are sealed again, the old key is removed, and another process with the open vault can still use it.
    """
    (old,) = private_home.glob("key-*")
    elsewhere = Vault(vault.place)
    assert {"n": "one"} == elsewhere.read("one").secrets

    assert 2 == upkeep.rekey(vault)

    (new,) = private_home.glob("key-*")
    assert old.name != new.name
    assert {} == problems(vault)
    for name in ("one", "two"):
        assert {"n": name} == elsewhere.read(name).secrets
    elsewhere.write("three", META, {"n": "three"})
    assert {} == problems(vault)


def test_the_key_moves_to_another_place(vault: Vault, private_home: Path) -> None:
    """
    The key moves from the file to the environment and back; after each step only the new key opens entries.
    """
    in_environment = {"ENTRAKIT_VAULT_KEY": KEYS[0]}

    assert 2 == upkeep.rekey(Vault(vault.place, environ=in_environment))

    assert [] == list(private_home.glob("key-*"))
    assert "environment" == Vault(vault.place).key_source()
    with pytest.raises(VaultError, match="not set"):
        Vault(vault.place).read("one")
    assert {"n": "one"} == Vault(vault.place, environ=in_environment).read("one").secrets
    assert 2 == upkeep.rekey(Vault(vault.place, key_from="file", environ=in_environment))
    assert {"n": "one"} == Vault(vault.place).read("one").secrets


def test_a_variable_is_changed(vault: Vault) -> None:
    """
    With the old value in `ENTRAKIT_VAULT_OLD_KEY` all entries move to the new one; without it nothing changes.
    """
    upkeep.rekey(Vault(vault.place, environ={"ENTRAKIT_VAULT_KEY": KEYS[0]}))
    new = {"ENTRAKIT_VAULT_KEY": KEYS[1]}

    with pytest.raises(VaultError, match="another key"):
        upkeep.rekey(Vault(vault.place, environ=new))
    assert 2 == upkeep.rekey(Vault(vault.place, environ=new | {"ENTRAKIT_VAULT_OLD_KEY": KEYS[0]}))
    assert {"n": "two"} == Vault(vault.place, environ=new).read("two").secrets
    assert 0 == upkeep.rekey(Vault(vault.place, environ=new))


def test_what_does_not_open_stops_it_before_it_begins(vault: Vault, private_home: Path) -> None:
    """
    If one entry can't be opened, nothing is changed, and the error names the entry.
    """
    (private_home / "connections" / "two.json").write_text("{")
    before = snapshot(private_home)

    with pytest.raises(VaultError, match="'two'"):
        upkeep.rekey(vault)

    assert before == snapshot(private_home)


def test_a_file_that_is_no_entry_stops_nothing(vault: Vault, private_home: Path) -> None:
    """
    A check reports foreign files in the directory, which have no effect on connections.
    """
    (private_home / "connections" / "no name.json").touch(mode=0o600)

    assert 2 == upkeep.rekey(vault)
    assert {"no name"} == set(problems(vault))


def test_an_empty_vault_needs_no_key(private_home: Path) -> None:
    """
    In an empty vault no key is made.
    """
    assert 0 == upkeep.rekey(Vault(str(private_home)))
    assert [] == list(private_home.iterdir())


def test_a_lost_note_is_mended(vault: Vault, private_home: Path) -> None:
    """
    Entries name their key, so a rekey restores a lost note.
    """
    (private_home / "vault.json").unlink()

    assert 2 == upkeep.rekey(vault)
    assert {} == problems(vault)
    assert {"n": "one"} == Vault(vault.place).read("one").secrets


def test_a_kill_at_any_step_loses_nothing(vault: Vault) -> None:
    """
    A rekey is killed before each of its system calls in turn: every entry opens each time, and the next
    rekey completes the change.
    """
    program = """
import os, sys
from entrakit.vault import Vault, upkeep
def dying(step):
    def count(frame, event, called):
        nonlocal step
        if event == "c_call":
            step -= 1
            if not step:
                os.kill(os.getpid(), 9)
    return count
status, step, kills = 9, 0, 0
upkeep.rekey(Vault(sys.argv[1]))
while status == 9:
    step += 7
    child = os.fork()
    if not child:
        vault = Vault(sys.argv[1])
        sys.setprofile(dying(step))
        upkeep.rekey(vault)
        sys.setprofile(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    kills += status == 9
    for name in ("one", "two"):
        assert Vault(sys.argv[1]).read(name).secrets == {"n": name}, step
print(status, kills > 10)
"""
    done = subprocess.run([sys.executable, "-c", program, vault.place], capture_output=True, text=True, check=False)

    assert "0 True\n" == done.stdout, done.stderr
    assert 2 == upkeep.rekey(vault)
    assert {} == {what: one for what, one in problems(vault).items() if "killed left it" not in one}


def test_another_process_that_changes_the_key_is_told(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If two rekeys run at once, one continues. The other removes its key and reports it.
    """
    monkeypatch.setattr(Vault, "note_key", lambda self, seen, ref, vault: False)

    with pytest.raises(VaultError, match="being changed"):
        upkeep.rekey(vault)
    with pytest.raises(VaultError, match="being changed"):
        Vault(os.path.join(vault.place, "new")).write("one", META, {})


def test_a_shared_vault_is_looked_after_too(tmp_path: Path) -> None:
    """
    Check and rekey work on a Redis server, too; a damaged copy and an unencrypted connection are reported.
    """
    environ = {"ENTRAKIT_VAULT_KEY": KEYS[0]}
    with RedisServer(tmp_path) as server:
        vault = Vault(server.url, environ=environ)
        vault.write("one", META, {"n": "one"})
        server.command("RPUSH", "{entrakit}:damaged:one", "{")

        assert ["A damaged copy exists."] == [one.problem for one in upkeep.check(vault) if one.problem]
        new = {"ENTRAKIT_VAULT_KEY": KEYS[1], "ENTRAKIT_VAULT_OLD_KEY": KEYS[0]}
        assert 1 == upkeep.rekey(Vault(server.url, environ=new))
        assert {"n": "one"} == Vault(server.url, environ={"ENTRAKIT_VAULT_KEY": KEYS[1]}).read("one").secrets

        from entrakit.vault import redis_address
        from entrakit.vault.redis import RedisStorage

        storage = RedisStorage(server.url)
        storage.address = redis_address.parse("redis://cache.contoso.com:6379/0")
        assert "not encrypted" in storage.inspect()[-1][1]


def test_overlapping_changes_lose_nothing(vault: Vault) -> None:
    """
    Several processes change the key while others write: every entry opens afterwards with the one remaining key.
    """
    program = (
        "import sys\nfrom entrakit.errors import VaultError\nfrom entrakit.vault import Vault, upkeep\n"
        "vault = Vault(sys.argv[1])\nfor turn in range(6):\n"
        "    if sys.argv[2] == 'rekey':\n        upkeep.rekey(Vault(sys.argv[1]))\n"
        "    else:\n        with vault.lock(sys.argv[2]):\n"
        "            vault.write(sys.argv[2], {}, {'n': sys.argv[2]})\n"
    )
    racing = [
        subprocess.Popen([sys.executable, "-c", program, vault.place, what], stderr=subprocess.PIPE, text=True)
        for what in ("rekey", "rekey", "rekey", "one", "two", "three")
    ]
    complaints = [process.communicate(timeout=50)[1] for process in racing]

    assert [""] * 6 == complaints
    for name in ("one", "two", "three"):
        assert {"n": name} == Vault(vault.place).read(name).secrets
    assert {} == problems(vault)
    assert 1 == len([name for name in os.listdir(vault.place) if name.startswith("key-")])
