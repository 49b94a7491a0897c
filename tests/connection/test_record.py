"""The kept form of a connection: what is damaged is told by its name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.authority.clouds import GLOBAL
from entrakit.connection import record
from entrakit.connection.settings import Settings
from entrakit.connections import list_connections
from entrakit.errors import VaultError
from entrakit.tokens.token import Token
from entrakit.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit.tokens.jwt import JSON

NOW = time.time()
TOKEN = Token("canary", issued_at=NOW, expires_at=NOW + 3600)
ONE = record.Record(Settings("job", "secret", "client", "contoso.com", GLOBAL, ("s",)), {"s": TOKEN})


def test_tokens_that_are_over_are_not_kept(private_home: Path) -> None:
    """
    What can't be used any more is not worth keeping.
    """
    vault = Vault(str(private_home))

    record.keep(vault, ONE, now=NOW + 4000)

    assert {} == record.read(vault, "job").tokens
    assert "canary" not in repr(ONE)


@given(st.sampled_from(["tokens", "proof", "refresh_token", "serial"]), st.none() | st.integers() | st.lists(st.text()))
def test_secrets_of_another_shape_are_told(field: str, value: JSON) -> None:
    """
    A sealed part that is not what was written is a VaultError, or text that is used as such, never a crash.
    """
    vault = _Holding({"tokens": {}, "proof": {}, "refresh_token": "", "serial": 0, field: value})

    if field == "refresh_token" or (field, type(value)) == ("serial", int):
        assert record.read(vault, "job").settings == ONE.settings
    else:
        with pytest.raises(VaultError, match="something else than tokens"):
            record.read(vault, "job")


@pytest.mark.parametrize(
    "token",
    [
        None,
        {},
        {"access_token": "a", "token_type": "b", "issued_at": True, "expires_at": 1, "refresh_at": None, "scopes": []},
        {"access_token": "a", "token_type": "b", "issued_at": 1, "expires_at": "1", "refresh_at": None, "scopes": []},
        {"access_token": "a", "token_type": "b", "issued_at": 1, "expires_at": 1, "refresh_at": "x", "scopes": []},
        {"access_token": "a", "token_type": "b", "issued_at": 1, "expires_at": 1, "refresh_at": None, "scopes": "x"},
    ],
)
def test_a_token_of_another_shape_is_told(token: JSON) -> None:
    """
    Each field of a kept token has its kind.
    """
    vault = _Holding({"tokens": {"s": token}, "proof": {}, "refresh_token": "", "serial": 0})

    with pytest.raises(VaultError, match=r"`connect\(\)`"):
        record.read(vault, "job")


def test_settings_that_are_damaged_are_listed_as_such(private_home: Path) -> None:
    """
    A listing goes on where the clear part of one entry is not what was written.
    """
    vault = Vault(str(private_home))
    record.keep(vault, ONE, now=NOW)
    vault.write("bad", {"flow": "nonsense"}, {})

    bad, good = list_connections(vault=vault)

    assert ("damaged", "expired") == (bad.state(NOW), good.state(NOW))
    assert "does not say how it was made" in bad.problem


class _Holding(Vault):
    """A vault whose one entry has the secrets that a test wants."""

    def __init__(self, secrets: dict[str, JSON]) -> None:
        self._secrets = secrets

    def read(self, name: str) -> object:  # type: ignore[override] # an Entry
        from entrakit.vault import Entry

        return Entry(ONE.settings.to_json(), self._secrets)
