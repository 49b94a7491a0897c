"""The saved form of a connection: written, read again, and refused by its name if it is damaged."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.authority.clouds import CLOUDS, GLOBAL, find_cloud
from entrakit.connection import record
from entrakit.connection.record import settings_from_json, settings_to_json
from entrakit.connection.settings import Settings
from entrakit.errors import VaultError
from entrakit.tokens.token import Account, Token
from entrakit.vault import Entry, Vault

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit.tokens.jwt import JSON

NOW = time.time()
TOKEN = Token("canary", issued_at=NOW, expires_at=NOW + 3600)
ONE = record.Record(Settings("job", "secret", "client", "contoso.com", GLOBAL, ("s",)), {"s": TOKEN})


def test_tokens_that_are_over_are_not_kept(private_home: Path) -> None:
    """
    Expired tokens are not saved.
    """
    vault = Vault(str(private_home))

    record.keep(vault, ONE, now=NOW + 4000)

    assert {} == record.read(vault, "job").tokens
    assert "canary" not in repr(ONE)


@pytest.mark.parametrize(
    ("account", "refresh_token", "expected"),
    [(Account("ada", "", "1"), "", False), (Account("ada", "", "1"), "canary", True), (Account("app"), "", True)],
)
def test_a_user_without_a_refresh_token_is_noted(
    private_home: Path, account: Account, refresh_token: str, expected: bool
) -> None:
    """
    Settings of a user's connection say that there is no refresh token, without the key. Other entries have the form of
    0.1.0.
    """
    vault = Vault(str(private_home))
    one = ONE._replace(settings=ONE.settings._replace(account=account), refresh_token=refresh_token)

    record.keep(vault, one, now=NOW)

    summary = vault.summary("job")
    assert summary is not None
    assert expected is settings_from_json("job", summary.values).has_refresh_token
    assert expected is ("has_refresh_token" not in summary.values)


@given(st.sampled_from(["tokens", "proof", "refresh_token", "serial"]), st.none() | st.integers() | st.lists(st.text()))
def test_secrets_of_another_shape_are_told(field: str, value: JSON) -> None:
    """
    Any sealed part gives a VaultError or string values, never a crash.
    """
    vault = _Holding({"tokens": {}, "proof": {}, "refresh_token": "", "serial": 0, field: value})

    if field == "refresh_token" or (field, type(value)) == ("serial", int):
        assert record.read(vault, "job").settings._replace(renews_alone=None) == ONE.settings
    else:
        with pytest.raises(VaultError, match="something other than tokens"):
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
    Each field of a saved token has its type.
    """
    vault = _Holding({"tokens": {"s": token}, "proof": {}, "refresh_token": "", "serial": 0})

    with pytest.raises(VaultError, match=r"`connect\(\)`") as caught:
        record.read(vault, "job")

    assert ONE.settings == caught.value.settings


@given(
    st.builds(
        Settings,
        name=st.just("job"),
        flow=st.sampled_from(["browser", "devicecode", "password", "certificate", "secret"]),
        client_id=st.text(),
        tenant_id=st.text(),
        cloud=st.sampled_from([*CLOUDS, find_cloud("https://localhost:8443")]),
        scopes=st.lists(st.text(), max_size=3).map(tuple),
        directory_id=st.text(),
        account=st.builds(Account, *[st.text()] * 4),
        origin=st.dictionaries(st.text(), st.text(), max_size=3).map(lambda parts: tuple(parts.items())),
        save_secret=st.booleans(),
        send_chain=st.booleans(),
        ca_bundle=st.text(),
        proxy=st.text(),
        connected_at=st.floats(0, 1e12),
        expires_at=st.floats(0, 1e12),
    )
)
def test_what_is_written_is_read_again(one: Settings) -> None:
    """
    Through JSON and back nothing changes.
    """
    assert one == settings_from_json("job", json.loads(json.dumps(settings_to_json(one))))


@given(
    st.sampled_from(sorted(settings_to_json(ONE.settings))),
    st.none() | st.integers() | st.text() | st.lists(st.integers()),
)
def test_what_is_damaged_is_refused_or_read(field: str, value: object) -> None:
    """
    A field of another type, or a missing one, is a VaultError that names the connection, never a crash.
    """
    damaged = settings_to_json(ONE.settings)
    damaged[field] = value  # type: ignore[assignment] # any JSON

    try:
        settings_from_json("job", damaged)
    except VaultError as error:
        assert "'job'" in error.problem
    del damaged[field]
    with pytest.raises(VaultError):
        settings_from_json("job", damaged)


def test_a_record_describes_itself_without_secrets() -> None:
    """
    Name, flow, tenant and account are shown; tokens are not.
    """
    assert "Record('job', flow='secret', tenant_id='contoso.com', account='client')" == repr(ONE)


class _Holding(Vault):
    """A vault whose one entry has the secrets that a test gives it."""

    def __init__(self, secrets: dict[str, JSON]) -> None:
        self._secrets = secrets

    def read(self, name: str) -> Entry:
        return Entry(settings_to_json(ONE.settings), self._secrets)


SECRET = Settings("job", "secret", "client", "contoso.com", GLOBAL, ("s",), origin=(("secret", "stdin"),))


@pytest.mark.parametrize(
    ("settings", "refresh_token", "saved", "renews_alone"),
    [
        (SECRET._replace(flow="browser", origin=()), "r", {}, True),
        (SECRET._replace(flow="browser", origin=()), "", {}, False),
        (SECRET._replace(flow="devicecode", origin=()), "", {}, False),
        (SECRET._replace(flow="password", origin=(("password", "prompt"),)), "r", {}, True),
        (SECRET._replace(flow="password", origin=(("password", "prompt"),)), "", {}, False),
        (SECRET._replace(flow="password", origin=(("password", "env:AZURE_PASSWORD"),)), "", {}, True),
        (SECRET, "", {}, False),
        (SECRET, "", {"secret": "x"}, True),
        (SECRET._replace(origin=(("secret", "env:SECRET"),)), "", {}, True),
    ],
)
def test_only_what_can_be_renewed_renews_alone(
    private_home: Path, settings: Settings, refresh_token: str, saved: dict[str, JSON], *, renews_alone: bool
) -> None:
    """
    A connection renews alone if it has a refresh token, or a credential that is saved or can be read again; its flow
    alone does not say so. Without the key of the vault this is not known.
    """
    vault = Vault(str(private_home))
    record.keep(vault, record.Record(settings, {}, refresh_token, saved), now=NOW)

    assert renews_alone is record.read(vault, "job").settings.renews_alone
    assert None is settings_from_json("job", vault.read_metadata("job")).renews_alone


def test_a_digest_is_an_additional_member_of_the_sealed_part(private_home: Path) -> None:
    """
    The digest of a credential is sealed, and an entry without one, as 0.1.0 writes it, is read as before.
    """
    vault = Vault(str(private_home))

    record.keep(vault, ONE, now=NOW)
    assert "digest" not in vault.read("job").secrets
    record.keep(vault, ONE._replace(digest="canary"), now=NOW)

    assert "canary" == record.read(vault, "job").digest
    assert "canary" not in str(vault.read_metadata("job"))
