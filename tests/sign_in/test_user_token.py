"""A token of a user that an app redeems: with the app's own credential if the app is confidential."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from tests.connection.conftest import Counter

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.cli.reconnect import reconnect
from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.secret import Secret
from entrakit.sign_in.flows.key_vault import KeyVaultCredential
from entrakit.sign_in.flows.on_behalf_of import OnBehalfOf
from entrakit.sign_in.flows.refresh_token import RefreshToken
from entrakit.sign_in.flows.secret import ClientSecret
from entrakit.sources import InKeyVault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.certificates.conftest import Maker
    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"


@pytest.fixture
def redeem(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that connects with the refresh token `canary-first`."""
    token_server.answer = Counter(refresh_token="canary-next")

    def connected(**more: object) -> Connection:
        return cast("Callable[..., Connection]", connect)(
            client_id=CLIENT, tenant_id=token_server.tenant_id, refresh_token="canary-first",
            cloud=find_cloud(token_server.url), transport=transport, clock=clock, **more,
        )  # fmt: skip

    return connected


def test_a_confidential_client_sends_its_secret_each_time(
    redeem: Callable[..., Connection], token_server: TokenServer, transport: Transport, clock: FakeClock,
    private_home: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    The secret goes with the given refresh token, and with the next one in another process, which reads the secret again
    from its source. A secret that was replaced there is used.
    """
    monkeypatch.setenv("APP_SECRET", "canary-old")
    connection = redeem(client_secret=Secret.from_env("APP_SECRET"), name="job")
    clock.advance(4000)
    connection.token()
    monkeypatch.setenv("APP_SECRET", "canary-new")
    clock.advance(4000)

    get_connection("job", clock=clock, transport=transport).token()

    sent = [(form["refresh_token"], form["client_secret"]) for form in token_server.forms]
    assert [("canary-first", "canary-old"), ("canary-next", "canary-old"), ("canary-next", "canary-new")] == sent
    assert "its refresh token, with the client secret in the variable APP_SECRET" == connection.info.next_token_from
    assert reconnect(connection.info).endswith("--refresh-token-stdin --client-secret-env APP_SECRET")
    assert True is connection.info.renews_alone


def test_a_confidential_client_signs_each_time(
    redeem: Callable[..., Connection], token_server: TokenServer, clock: FakeClock, tmp_path: Path, maker: Maker
) -> None:
    """
    A certificate signs a new assertion for each refresh token.
    """
    file = tmp_path / "app.pem"
    file.write_bytes(maker.pem())
    connection = redeem(certificate_path=file)
    clock.advance(4000)
    connection.token()

    first, second = (form["client_assertion"] for form in token_server.forms)
    assert first != second
    assert {"refresh_token"} == {form["grant_type"] for form in token_server.forms}


@pytest.mark.parametrize("is_saved", [True, False])
def test_a_secret_that_was_passed_is_kept_in_memory_or_saved(
    redeem: Callable[..., Connection], token_server: TokenServer, transport: Transport, clock: FakeClock,
    private_home: Path, is_saved: bool,
) -> None:  # fmt: skip
    """
    The same process has it. Another one needs it saved, and otherwise says that it is missing.
    """
    connection = redeem(client_secret="canary-secret", name="job", save_secret=is_saved)
    clock.advance(4000)
    connection.token()
    clock.advance(4000)
    later = get_connection("job", clock=clock, transport=transport)

    assert is_saved is later.info.renews_alone
    if is_saved:
        assert "token-3" == later.token().access_token
        assert "canary-secret" == token_server.forms[-1]["client_secret"]
    else:
        with pytest.raises(InteractionRequiredError, match="requires its client secret") as caught:
            later.token()
        assert later.info == caught.value.settings


def test_ensure_knows_the_token_and_the_credential(
    redeem: Callable[..., Connection], token_server: TokenServer, private_home: Path
) -> None:
    """
    The same token with the same secret is the same connection; another secret is not.
    """
    made = [redeem(client_secret=one, name="job", ensure=True) for one in ("canary-1", "canary-1", "canary-2")]

    assert ["token-1", "token-1", "token-2"] == [one.token().access_token for one in made]


@pytest.mark.parametrize("kind", [RefreshToken, OnBehalfOf])
def test_a_value_has_what_its_app_has(kind: type[RefreshToken | OnBehalfOf]) -> None:
    """
    A credential in a key vault is read first, and its alternatives are those of the value. No secret is shown.
    """
    places = [InKeyVault("contoso", "ops", secret=one) for one in ("a", "b")]
    app = KeyVaultCredential(places[0], or_else=[KeyVaultCredential(places[1])])

    value = kind("canary", app)

    assert (False, "ops", 1) == (value.is_ready, value.uses, len(value.or_else))
    assert "canary" not in repr(value) + repr(kind("x", ClientSecret("canary")))
    with pytest.raises(ParameterError, match="ClientSecret"):
        kind("x", RefreshToken("y"))
