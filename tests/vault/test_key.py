"""Where the key comes from: the environment, or one private file however many processes make it."""

from __future__ import annotations

import base64
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import VaultError
from entrakit.vault import Vault
from entrakit.vault.key import EnvironmentKey, FileKey, choose

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_whole_key_from_the_environment(private_home: Path, encode: object) -> None:
    """
    32 bytes in base64 or base64url are the key; nothing is written beside the vault.
    """
    assert callable(encode)
    source = choose({"ENTRAKIT_VAULT_KEY": encode(KEY).decode().rstrip("=")}, str(private_home))

    assert KEY == source.key()
    assert ("environment", True) == (source.name, "32 bytes" in source.description)
    assert [] == list(private_home.iterdir())


def test_a_passphrase_from_the_environment(private_home: Path) -> None:
    """
    Any other text is a passphrase: the same gives the same key, another one another.
    """
    one = EnvironmentKey("correct horse", str(private_home))

    assert one.key() == EnvironmentKey("correct horse", str(private_home)).key()
    assert one.key() != EnvironmentKey("wrong horse", str(private_home)).key()
    assert "horse" not in repr(one) + one.description
    (private_home / "salt").write_bytes(b"short")
    with pytest.raises(VaultError, match="salt"):
        one.key()


def test_a_file_says_how_it_protects(private_home: Path) -> None:
    """
    The key file is made when it is first needed, is private, and says plainly what it is worth.
    """
    source = choose({}, str(private_home))

    first = source.key()

    assert (32, first) == (len(first), FileKey(str(private_home)).key())
    assert "file permissions" in source.description
    assert 0o600 == (private_home / "key").stat().st_mode & 0o777
    (private_home / "key").write_bytes(b"short")
    with pytest.raises(VaultError, match="damaged"):
        source.key()


def test_processes_that_race_make_one_key(private_home: Path) -> None:
    """
    Several processes that need the key at once end up with one.
    """
    program = f"from entrakit.vault.key import FileKey; print(FileKey({str(private_home)!r}).key().hex())"
    racing = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(6)]

    keys = {process.communicate(timeout=30)[0].strip() for process in racing}

    assert 1 == len(keys)
    assert [0] * 6 == [process.returncode for process in racing]
    assert ["key"] == [path.name for path in private_home.iterdir()]


def test_another_key_does_not_open(private_home: Path) -> None:
    """
    With another key the entry is told as such, and stays where it is.
    """
    Vault(str(private_home), environ={"ENTRAKIT_VAULT_KEY": "one"}).write("work", {}, {"a": 1})

    with pytest.raises(VaultError, match="another key"):
        Vault(str(private_home), environ={"ENTRAKIT_VAULT_KEY": "two"}).read("work")
    assert {"a": 1} == Vault(str(private_home), environ={"ENTRAKIT_VAULT_KEY": "one"}).read("work").secrets
