"""Sealing: the clear part is authenticated, and no change of a file gives another secret."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.errors import VaultError
from entrakit.vault import envelope
from entrakit.vault.envelope import KeyRef, id_of

if TYPE_CHECKING:
    from entrakit.tokens.jwt import JSON

KEY = bytes(range(32))
REF = KeyRef("file", id_of(KEY))
META: dict[str, JSON] = {"flow": "secret", "expires_at": 1.5}
SECRETS: dict[str, JSON] = {"refresh_token": "canary-refresh", "tokens": {"a": [1, None, True]}}
SEALED = envelope.seal("work", META, SECRETS, REF, KEY)

TEXT = st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=4)
# The id of the vault has this name in the sealed part.
CONTENTS = st.dictionaries(TEXT.filter(lambda name: name != envelope.VAULT), VALUES, max_size=4)


def opened(data: bytes, name: str = "work") -> tuple[dict[str, JSON], dict[str, JSON]]:
    """Return metadata and secrets from the bytes of a file."""
    sealed = envelope.parse(name, data)
    return sealed.metadata, envelope.unseal(sealed, KEY)


@settings(deadline=None)
@given(metadata=OBJECTS, secrets=CONTENTS)
def test_what_was_sealed_opens(metadata: dict[str, JSON], secrets: dict[str, JSON]) -> None:
    """
    Both parts return every JSON object unchanged.
    """
    data = envelope.seal("work", metadata, secrets, REF, KEY)

    assert (metadata, secrets) == opened(data)


def test_the_seal_is_new_each_time() -> None:
    """
    The same content sealed twice has another nonce and another ciphertext (NIST SP 800-38D, 8).
    """
    one, other = (envelope.parse("work", envelope.seal("work", META, SECRETS, REF, KEY)) for _ in range(2))

    assert one.nonce != other.nonce
    assert one.ciphertext != other.ciphertext


def test_secrets_are_not_in_the_clear() -> None:
    """
    The file shows the metadata in the clear, and not the secrets.
    """
    assert b"expires_at" in SEALED
    assert b"canary" not in SEALED
    assert b"refresh" not in SEALED


def test_another_key_does_not_open() -> None:
    """
    Only the key of the seal opens an entry, and the error does not show the content.
    """
    with pytest.raises(VaultError, match="does not open"):
        envelope.unseal(envelope.parse("work", SEALED), b"\1" * 32)


def test_the_key_is_named_and_bound() -> None:
    """
    The file names its key, and an entry with an edited name of the key does not open.
    """
    assert REF == envelope.parse("work", SEALED).key
    edited = SEALED.replace(b'"from":"file"', b'"from":"keyring"')

    with pytest.raises(VaultError, match="does not open"):
        opened(edited)


def test_an_entry_cannot_be_swapped() -> None:
    """
    An entry under another name does not open, even if the name in it was edited: the seal covers the name.
    """
    with pytest.raises(VaultError, match="does not open"):
        opened(SEALED, name="other")
    with pytest.raises(VaultError, match="does not open"):
        opened(json.dumps(json.loads(SEALED) | {"name": "other"}).encode(), name="other")


@settings(deadline=None)
@given(metadata=OBJECTS.filter(lambda edited: edited != META))
def test_the_clear_part_cannot_be_edited(metadata: dict[str, JSON]) -> None:
    """
    The seal covers the clear part: an entry with other metadata does not open.
    """
    with pytest.raises(VaultError, match="does not open"):
        opened(json.dumps(json.loads(SEALED) | {"metadata": metadata}).encode())


@settings(deadline=None)
@given(data=st.data())
def test_any_change_of_a_byte_is_noticed(data: st.DataObject) -> None:
    """
    Each mutated file gives the right content or a VaultError, never another secret and never a crash.
    """
    position = data.draw(st.integers(0, len(SEALED) - 1))
    put = data.draw(st.binary(max_size=3))
    changed = data.draw(
        st.sampled_from((SEALED[:position] + put + SEALED[position + 1 :], SEALED[:position] + put, put))
    )

    with contextlib.suppress(VaultError):
        assert (META, SECRETS) == opened(changed)


@settings(deadline=None)
@given(field=st.sampled_from(sorted(json.loads(SEALED))), value=VALUES, drop=st.booleans())
def test_any_other_field_is_noticed(field: str, value: JSON, *, drop: bool) -> None:
    """
    A field of another type, with another value, or missing, is a VaultError, not a crash.
    """
    document = json.loads(SEALED)
    changed = {key: kept for key, kept in document.items() if key != field} if drop else document | {field: value}

    with contextlib.suppress(VaultError):
        assert (META, SECRETS) == opened(json.dumps(changed).encode())


def test_a_nonce_of_another_length_is_damage() -> None:
    """
    The nonce must have 96 bits, although AES-GCM accepts others (NIST SP 800-38D, 8.2).
    """
    with pytest.raises(envelope.DamagedEntryError):
        envelope.parse("work", json.dumps(json.loads(SEALED) | {"nonce": "AAAA"}).encode())


@pytest.mark.parametrize("depth", [900, 990, 1000, 100_000])
def test_deep_nesting_is_no_crash(depth: int) -> None:
    """
    Metadata nested deeper than Python's recursion limit counts as damage, in each step.
    """
    deep = SEALED.replace(b'"metadata":{', b'"metadata":{"deep":' + b"[" * depth + b"]" * depth + b",")

    with pytest.raises(VaultError):
        opened(deep)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b'"schema"', b"\xff", b"{}", b'{"schema": 1}'])
def test_what_is_no_entry_is_damaged(data: bytes) -> None:
    """
    Other JSON, or no JSON, is reported as damage.
    """
    with pytest.raises(envelope.DamagedEntryError):
        envelope.parse("work", data)


@pytest.mark.parametrize("schema", [True, "1", 1.0, None])
def test_a_version_of_another_kind_is_damage(schema: JSON) -> None:
    """
    Only a whole number is a version (checklist 42).
    """
    with pytest.raises(envelope.DamagedEntryError):
        opened(json.dumps(json.loads(SEALED) | {"schema": schema}).encode())


def test_a_later_version_is_refused_politely() -> None:
    """
    An entry of a later version gives an error with both versions, and is not called damaged (checklist 42).
    """
    with pytest.raises(VaultError, match=r"version 2.* version 1") as caught:
        envelope.parse("work", json.dumps({"schema": 2, "whatever": "it holds"}).encode())

    assert not isinstance(caught.value, envelope.DamagedEntryError)


def test_only_an_object_is_unsealed() -> None:
    """
    Sealed content that is not an object counts as damage.
    """
    sealed = envelope.parse("work", envelope.seal("work", META, ["no object"], REF, KEY))  # type: ignore[arg-type] # on purpose

    with pytest.raises(VaultError):
        envelope.unseal(sealed, KEY)
