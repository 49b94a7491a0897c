"""What is known of a connection in the clear: written, read again, and refused where it is damaged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.authority.clouds import CLOUDS, GLOBAL, Cloud, find_cloud
from entrakit.connection.settings import APP_FLOWS, DELEGATED_FLOWS, Settings, settings_from
from entrakit.errors import VaultError
from entrakit.tokens.token import Account

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"


LEAST = ("https://graph.microsoft.com/User.Read",)


def settings(
    flow: str = "browser",
    *,
    name: str = "job",
    cloud: Cloud = GLOBAL,
    account: Account = Account(),  # noqa: B008 - a value
    origin: tuple[tuple[str, str], ...] = (),
) -> Settings:
    """Return settings with the fields that matter."""
    return Settings(name, flow, CLIENT, "contoso.com", cloud, LEAST, account=account, origin=origin)


@given(
    st.builds(
        Settings,
        name=st.just("job"),
        flow=st.sampled_from(DELEGATED_FLOWS + APP_FLOWS),
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
    assert one == settings_from("job", json.loads(json.dumps(one.to_json())))


@given(st.sampled_from(sorted(settings().to_json())), st.none() | st.integers() | st.text() | st.lists(st.integers()))
def test_what_is_damaged_is_refused_or_read(field: str, value: object) -> None:
    """
    A field of another kind, or a missing one, is a VaultError that names the connection, never a crash.
    """
    damaged = settings().to_json()
    damaged[field] = value  # type: ignore[assignment] # any JSON

    try:
        settings_from("job", damaged)
    except VaultError as error:
        assert "'job'" in error.problem
    del damaged[field]
    with pytest.raises(VaultError):
        settings_from("job", damaged)
