"""Damaged files: a clear error or a correct read, never a crash, never a wrong secret."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrakit.errors import EntraError
from entrakit.vault import Entry, Vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.tokens.jwt import JSON

META: dict[str, JSON] = {"flow": "secret", "scopes": ["a", "b"], "expires_at": 1.5, "account": {"name": "Ada"}}
SECRETS: dict[str, JSON] = {"refresh_token": "canary-refresh", "tokens": {"a": [1, None, True]}}
BYTES = st.binary(min_size=1, max_size=8)
PLACES = st.integers(0, 10_000)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)

ORIGINAL: dict[str, bytes] = {}


def flip(data: bytes, place: int, new: bytes) -> bytes:
    """Replace some bytes by others."""
    place %= len(data)
    return data[:place] + new + data[place + len(new) :]


def insert(data: bytes, place: int, new: bytes) -> bytes:
    """Insert some bytes."""
    place %= len(data)
    return data[:place] + new + data[place:]


def cut(data: bytes, place: int, new: bytes) -> bytes:
    """Remove some bytes, or the end."""
    place %= len(data)
    return data[:place] + (data[place + len(new) :] if new[0] % 2 else b"")


def double(data: bytes, place: int, new: bytes) -> bytes:
    """Repeat a part."""
    place %= len(data)
    return data[:place] + data[place // 2 :]


RAW: st.SearchStrategy[Callable[[bytes], bytes]] = st.builds(
    lambda how, place, new: lambda data: how(data, place, new),
    st.sampled_from([flip, insert, cut, double]), PLACES, BYTES,
)  # fmt: skip


def with_member(data: bytes, path: list[str], value: object) -> bytes:
    """Replace a member of the document by a value, or add one."""
    try:
        document = inner = json.loads(data)
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value
    except (ValueError, KeyError, TypeError, IndexError):
        return data
    return json.dumps(document).encode()


MEMBERS = st.sampled_from([
    ["schema"], ["name"], ["key"], ["key", "from"], ["key", "id"], ["key", "salt"], ["metadata"], ["metadata", "flow"],
    ["metadata", "more"], ["nonce"], ["sealed"], ["more"],
])  # fmt: skip
SHAPED: st.SearchStrategy[Callable[[bytes], bytes]] = st.builds(
    lambda path, value: lambda data: with_member(data, path, value), MEMBERS, JUNK
)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """Return a vault with two entries."""
    one = Vault(str(tmp_path_factory.mktemp("fuzz")), environ={})
    for name in ("work", "other"):
        one.write(name, META, SECRETS | {"name": name})
    return one


@pytest.mark.timeout(240)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutations=st.lists(RAW | SHAPED, min_size=1, max_size=3))
def test_10000_mutated_entries(vault: Vault, mutations: list[Callable[[bytes], bytes]]) -> None:
    """
    An entry with up to three mutations of bytes or of members: it opens with the written content, or raises a clear
    error. The other entry is not changed.
    """
    directory = Path(vault.place) / "connections"
    file = directory / "work.json"
    data = whole = ORIGINAL.setdefault("work", file.read_bytes())
    for mutate in mutations:
        data = mutate(data) or b"\0"
    write_raw(file, data)
    try:
        entry = vault.read("work")
    except EntraError as error:
        assert error.problem
        assert "canary" not in str(error)
    else:
        assert Entry(META, SECRETS | {"name": "work"}) == entry
    finally:
        for path in directory.glob("work.damaged-*"):
            path.unlink()
        write_raw(file, whole)
    assert SECRETS | {"name": "other"} == vault.read("other").secrets


def write_raw(path: Path, data: bytes) -> None:
    """Write a private file without waiting for the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(handle, data)
    os.close(handle)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=64) | st.builds(lambda value: json.dumps(value).encode(), JUNK))
@pytest.mark.parametrize("what", ["vault.json", "key", "current"])
def test_mutated_companions(vault: Vault, what: str, data: bytes) -> None:
    """
    The same holds for the note of the key, the key file and the file of the current name.
    """
    home = Path(vault.place)
    (path,) = home.glob("key-*") if what == "key" else [home / what]
    whole = path.read_bytes() if path.exists() else None
    write_raw(path, data)
    fresh = Vault(vault.place, environ={})
    try:
        fresh.check("third")
        fresh.describe_key()
        assert fresh.current()
        assert SECRETS | {"name": "work"} == fresh.read("work").secrets
    except EntraError as error:
        assert error.problem
    finally:
        path.unlink() if whole is None else write_raw(path, whole)
