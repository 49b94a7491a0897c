"""Export and import of connections: one sealed file, which opens only with its passphrase."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.errors import EntraError, NotConnectedError, ParameterError, VaultError
from entrakit.secret import Secret
from entrakit.vault import Entry, Vault, bundle

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit.tokens.jwt import JSON

META: dict[str, JSON] = {"flow": "secret"}
PASSPHRASE = Secret("correct horse")
PACKED = bundle.pack({"work": Entry(META, {"refresh_token": "canary-refresh"})}, PASSPHRASE)


@pytest.fixture
def vault(private_home: Path) -> Vault:
    """Return a vault with two entries."""
    one = Vault(str(private_home))
    for name in ("one", "two"):
        one.write(name, META, {"refresh_token": f"canary-{name}"})
    return one


def test_connections_move_to_another_vault(vault: Vault, tmp_path: Path) -> None:
    """
    Another machine, with another key, has the same connections afterwards; the file reveals no part of them.
    """
    data = bundle.export(vault, [], PASSPHRASE)
    other = Vault(str(tmp_path / "other"))

    assert ["one", "two"] == bundle.restore(other, data, PASSPHRASE)

    for name in ("one", "two"):
        assert vault.read(name) == other.read(name)
    for word in (b"canary", b"secret", b"one", b"horse"):
        assert word not in data


def test_some_can_be_chosen(vault: Vault, tmp_path: Path) -> None:
    """
    Names select the connections to export; an unknown name is an error.
    """
    data = bundle.export(vault, ["TWO"], PASSPHRASE)

    assert ["two"] == bundle.restore(Vault(str(tmp_path / "other")), data, PASSPHRASE)
    with pytest.raises(NotConnectedError):
        bundle.export(vault, ["three"], PASSPHRASE)


def test_nothing_is_replaced_unasked(vault: Vault) -> None:
    """
    An existing name stops the import before anything is written; `replace` overwrites its connection.
    """
    data = bundle.export(vault, [], PASSPHRASE)
    vault.delete("one")
    vault.write("two", META, {"refresh_token": "newer"})

    with pytest.raises(
        VaultError, match=r"The connection 'two' already exists; nothing was imported[\s\S]*`replace=True`"
    ):
        bundle.restore(vault, data, PASSPHRASE)
    assert ["two"] == vault.names()
    bundle.restore(vault, data, PASSPHRASE, replace=True)
    assert {"refresh_token": "canary-two"} == vault.read("two").secrets


def test_another_passphrase_does_not_open() -> None:
    """
    A wrong passphrase gives an error with a remedy, which shows neither passphrase.
    """
    with pytest.raises(ParameterError, match="passphrase is wrong") as caught:
        bundle.unpack(PACKED, Secret("wrong horse"))
    assert "horse" not in str(caught.value)


def test_a_short_passphrase_is_refused(vault: Vault) -> None:
    """
    The file can be attacked offline, so 7 characters are too few.
    """
    with pytest.raises(ParameterError, match="fewer than 8 characters"):
        bundle.export(vault, [], Secret("1234567"))


def test_a_file_of_another_version_is_refused() -> None:
    """
    An unsupported version is refused, and so are other scrypt parameters, which could exhaust the memory.
    """
    document = json.loads(PACKED)
    for changed in ({"schema": 2}, {"kdf": {**document["kdf"], "n": 2**30}}, {"kdf": {**document["kdf"], "r": 1e9}}):
        with pytest.raises(ParameterError, match="has version"):
            bundle.unpack(json.dumps(document | changed).encode(), PASSPHRASE)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000, PACKED[:-9], PACKED.replace(b"connections", b"x"),
     PACKED.replace(b'"nonce":"', b'"nonce":"A'), PACKED.replace(b'"salt":"', b'"salt":"00')],
)  # fmt: skip
def test_another_file_is_told(data: bytes) -> None:
    """
    A file that is not an export is refused at once, with its own error.
    """
    with pytest.raises(ParameterError, match="Not a file of exported connections"):
        bundle.unpack(data, PASSPHRASE)


@settings(deadline=None, max_examples=60)
@given(position=st.integers(0, len(PACKED) - 1), byte=st.integers(1, 255))
def test_a_changed_file_gives_no_wrong_secret(position: int, byte: int) -> None:
    """
    Changing any byte gives a clear error or exactly the exported connections.
    """
    data = bytearray(PACKED)
    data[position] ^= byte
    try:
        entries = bundle.unpack(bytes(data), PASSPHRASE)
    except EntraError:
        return
    assert {"work": Entry(META, {"refresh_token": "canary-refresh"})} == entries


@pytest.mark.parametrize(
    "content", ["[1]", '{"a": 1}', '{"a": {}}', '{"a": {"metadata": [], "secrets": 3}}', '"x"', "[" * 100_000]
)
def test_what_is_sealed_must_be_connections(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Other content under the right passphrase is refused before anything is written.
    """
    dump = bundle._dump
    monkeypatch.setattr(bundle, "_dump", lambda value: content.encode() if value == {} else dump(value))
    data = bundle.pack({}, PASSPHRASE)

    with pytest.raises(ParameterError, match="Not a file of exported connections"):
        bundle.unpack(data, PASSPHRASE)


def test_a_kdf_of_another_shape_is_told() -> None:
    """
    A list of pairs is not accepted as an object.
    """
    document = json.loads(PACKED)
    document["kdf"] = list(document["kdf"].items())

    with pytest.raises(ParameterError, match="Not a file of exported connections"):
        bundle.unpack(json.dumps(document).encode(), PASSPHRASE)
