"""The key of a vault, which its entries name, from the requested source or the first that works."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import ParameterError, VaultError
from entrakit.vault import Vault
from entrakit.vault.envelope import KeyRef, ref_from
from entrakit.vault.keys import Keys

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
TEXT_KEY = base64.b64encode(KEY).decode()


@pytest.fixture
def vault(private_home: Path) -> Vault:
    """Return a vault with one entry."""
    one = Vault(str(private_home))
    one.write("work", {"flow": "secret"}, {"a": 1})
    return one


def key_file(home: Path) -> Path:
    """Return the one key file of a vault."""
    (path,) = home.glob("key-*")
    return path


def test_a_lost_key_is_not_replaced_in_silence(vault: Vault, private_home: Path) -> None:
    """
    In a vault with entries, a missing key is an error for reads and writes; without entries a new key is made.
    """
    key_file(private_home).unlink()
    vault = Vault(vault.place)

    with pytest.raises(VaultError, match="is gone"):
        vault.read("work")
    with pytest.raises(VaultError, match="is gone"):
        vault.write("other", {}, {})
    with pytest.raises(VaultError, match="is gone"):
        vault.check("other")
    assert [] == list(private_home.glob("key-*"))
    vault.check("work")
    vault.write("work", {}, {"b": 2})
    assert {"b": 2} == vault.read("work").secrets


def test_a_lost_note_is_not_replaced_in_silence(vault: Vault, private_home: Path) -> None:
    """
    Without its note the vault still opens, since entries name their key; writing is refused until the note is restored.
    """
    (private_home / "vault.json").unlink()

    assert {"a": 1} == Vault(vault.place).read("work").secrets
    with pytest.raises(VaultError, match=r"note of their key is gone[\s\S]*rekey"):
        vault.write("other", {}, {})
    (private_home / "vault.json").touch(mode=0o600)
    for step in (vault.describe_key, lambda: vault.write("work", {}, {})):
        with pytest.raises(VaultError, match="is damaged"):
            step()


def test_the_ladder_begins_with_the_environment(private_home: Path) -> None:
    """
    The variable has priority if it is set; without variable and keyring, a file holds the key.
    """
    environ = {"ENTRAKIT_VAULT_KEY": TEXT_KEY}
    one = Vault(str(private_home / "one"), environ=environ)
    other = Vault(str(private_home / "other"), environ={})
    for vault in (one, other):
        vault.write("work", {}, {"a": 1})

    assert ["environment", "file"] == [one.key_source(), other.key_source()]
    assert [] == list((private_home / "one").glob("key-*"))
    assert "key file" in other.describe_key()
    assert {"a": 1} == Vault(one.place, environ=environ).read("work").secrets


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_the_source_can_be_pinned(private_home: Path, how: str) -> None:
    """
    `key_from` and `ENTRAKIT_VAULT_KEY_FROM` select the source; an impossible choice is refused before anything is made.
    """
    environ = {"ENTRAKIT_VAULT_KEY": TEXT_KEY} | ({"ENTRAKIT_VAULT_KEY_FROM": "file"} if how == "variable" else {})
    vault = Vault(str(private_home), key_from="file" if how == "argument" else "", environ=environ)
    assert ("file", "a key file") == (vault.key_source(), vault.describe_key())

    vault.write("work", {}, {"a": 1})

    assert "file" == vault.key_source()
    with pytest.raises(VaultError, match=r"another key: key file .*, not ENTRAKIT_VAULT_KEY"):
        Vault(str(private_home), environ={"ENTRAKIT_VAULT_KEY": TEXT_KEY}).read("work")
    with pytest.raises(VaultError, match="ENTRAKIT_VAULT_KEY is not set"):
        Vault(str(private_home / "new"), key_from="environment", environ={}).write("work", {}, {})
    with pytest.raises(VaultError, match="no session bus"):
        Vault(str(private_home / "new"), key_from="keyring", environ={}).write("work", {}, {})
    with pytest.raises(ParameterError, match="can't come from 'moon'"):
        Vault(str(private_home), key_from="moon")
    assert not list((private_home / "new").glob("*.json"))


def test_a_vault_has_one_key(vault: Vault) -> None:
    """
    A vault never mixes keys: the error names the source of its key, and the way to move it.
    """
    other = Vault(vault.place, environ={"ENTRAKIT_VAULT_KEY": TEXT_KEY})

    for step in (lambda: other.check("new"), lambda: other.write("new", {}, {}), lambda: other.read("work")):
        with pytest.raises(VaultError, match=r"another key[\s\S]*`key_from='environment'` and `rekey\(\)`"):
            step()
    other.write("work", {}, {"b": 2})
    assert ("environment", {"b": 2}) == (other.key_source(), other.read("work").secrets)


def test_the_key_goes_with_the_last_connection(vault: Vault, private_home: Path) -> None:
    """
    The key stays until the last entry is removed; then the key is removed completely.
    """
    vault.write("other", {}, {})
    vault.delete("work")
    assert key_file(private_home).exists()

    vault.delete("other")

    assert ["connections"] == [path.name for path in private_home.iterdir()]
    assert [] == list((private_home / "connections").iterdir())
    vault.write("new", {}, {"c": 3})
    assert {"c": 3} == vault.read("new").secrets


def test_processes_that_race_make_one_key(private_home: Path) -> None:
    """
    Several processes that need the key at once end up with one (request 16 of the users), and leave no other keys.
    """
    home = private_home / "new"
    program = (
        "import sys\nfrom entrakit.vault import Vault\nvault = Vault(sys.argv[1])\nprint('ready', flush=True)\n"
        "sys.stdin.read(1)\nvault.write(sys.argv[2], {}, {'n': sys.argv[2]})\nprint(vault.key_ref())"
    )
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", program, home, f"c{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for n in range(6)
    ]
    for process in racing:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()

    refs = {process.communicate("x", timeout=30)[0] for process in reversed(racing)}

    assert [0] * 6 == [process.returncode for process in racing]
    assert 1 == len(refs)
    assert f"key-{Vault(str(home)).key_ref().id}" == key_file(home).name  # type: ignore[union-attr] # the key exists
    assert [f"c{n}" for n in range(6)] == [Vault(str(home)).read(f"c{n}").secrets["n"] for n in range(6)]


def test_an_unknown_source_is_told(vault: Vault, private_home: Path) -> None:
    """
    An entry with an unknown source of its key is refused by name, and not changed.
    """
    path = private_home / "connections" / "work.json"
    document = json.loads(path.read_bytes())
    document["key"]["from"] = "enclave"
    path.write_text(json.dumps(document))

    with pytest.raises(VaultError, match="'enclave', which this entrakit does not know"):
        Vault(vault.place).read("work")
    assert path.exists()


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"from": "file", "id": 1, "salt": ""}, {"from": "file", "id": "../../etc/passwd", "salt": ""},
     {"from": "file", "id": "A" * 16, "salt": ""}, {"from": "file", "id": "a" * 16, "salt": "g"},
     {"from": "file", "id": "a" * 16, "salt": "a" * 66}, {"from": ["file"], "id": "a" * 16, "salt": ""},
     {"from": "environment", "id": "a" * 16, "salt": "abc"}],
)  # fmt: skip
def test_what_is_no_reference_is_refused(value: object) -> None:
    """
    The name of a key comes from a file that others may have written: an id that is a path is refused.
    """
    with pytest.raises((ValueError, TypeError)):
        ref_from(value)  # type: ignore[arg-type] # on purpose


def test_a_reference_survives_json() -> None:
    """
    The name of a key is read as it was written.
    """
    ref = KeyRef("environment", "0123456789abcdef", "00ff")

    assert ref == ref_from(ref.to_json())


def test_keys_show_nothing(private_home: Path) -> None:
    """
    The repr of `Keys` contains no key.
    """
    keys = Keys({"ENTRAKIT_VAULT_KEY": TEXT_KEY}, str(private_home))
    keys.make()

    assert "Keys(environment)" == repr(keys)


def test_a_key_that_was_replaced_is_removed(vault: Vault, private_home: Path) -> None:
    """
    If the only entry is replaced with another key, the earlier key is removed.
    """
    Vault(vault.place, environ={"ENTRAKIT_VAULT_KEY": TEXT_KEY}).write("work", {}, {})

    assert [] == list(private_home.glob("key-*"))
