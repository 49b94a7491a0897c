"""Keys in private files next to the entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.errors import VaultError
from entrakit.vault import Vault
from entrakit.vault.keys.file import FileKey

if TYPE_CHECKING:
    from pathlib import Path


KEY = bytes(range(32))


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


def test_a_file_says_how_it_protects(private_home: Path) -> None:
    """
    A key file is private and named by its key's id; its description says that only file permissions protect it.
    """
    source = FileKey(str(private_home))

    ref, key = source.make()

    path = private_home / f"key-{ref.id}"
    assert (key, 0o600) == (path.read_bytes(), path.stat().st_mode & 0o777)
    assert key == source.open(ref)
    assert f"key file {path} (protects as file permissions do)" == source.describe(ref)
    source.forget(ref)
    source.forget(ref)
    assert [] == list(private_home.iterdir())


@pytest.mark.parametrize("content", [b"short", b"", KEY])
def test_a_damaged_key_file_is_told(private_home: Path, content: bytes) -> None:
    """
    A key file with other content is neither used nor replaced, so it can be restored from a backup.
    """
    source = FileKey(str(private_home))
    ref, _ = source.make()
    key_file(private_home).write_bytes(content)

    with pytest.raises(VaultError, match="is damaged"):
        source.open(ref)
    assert content == key_file(private_home).read_bytes()


def test_an_open_key_file_is_refused(vault: Vault, private_home: Path) -> None:
    """
    A key file that others can read is not used; the remedy gives the `chmod` command (checklist 39).
    """
    key_file(private_home).chmod(0o644)

    with pytest.raises(VaultError) as caught:
        Vault(vault.place).read("work")
    assert "chmod 600" in caught.value.remedy
