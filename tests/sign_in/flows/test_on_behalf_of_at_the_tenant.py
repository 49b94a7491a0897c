"""On behalf of, at the embedded tenant: a web API reads Microsoft Graph for the user who called it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from tests.heartbeat import run_async

from entrakit import UsernamePassword, connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.cli.reconnect import reconnect
from entrakit.errors import InteractionRequiredError, ParameterError, SignInError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit_emulator import Tenant
    from entrakit_emulator.state.identities import User

    Connect = Callable[..., Connection]

connect_any = cast("Connect", connect)


@pytest.fixture
def common(entra_tenant: Tenant, clock: FakeClock) -> dict[str, object]:
    """Return the parameters of every connection to the tenant."""
    entra_tenant.clock.follow(clock)
    return {
        "tenant_id": entra_tenant.tenant_id, "cloud": find_cloud(entra_tenant.url), "ca_bundle": entra_tenant.ca_path,
        "clock": clock, "graph_url": entra_tenant.url,
    }  # fmt: skip


@pytest.fixture
def api(entra_tenant: Tenant, common: dict[str, object]) -> Connection:
    """Return the web API's own connection."""
    return connect_any(client_id=entra_tenant.api_client, client_secret=entra_tenant.api_secret, **common)


def token_for_api(tenant: Tenant, common: dict[str, object], user: User) -> str:
    """Return the access token with which the user's app calls the web API."""
    with connect_any(
        client_id=tenant.public_client, credential=UsernamePassword(user.upn, user.password),
        scopes=[f"{tenant.api_uri}/Orders.Read"], **common,
    ) as connection:  # fmt: skip
        return connection.token().access_token


@pytest.mark.parametrize("is_like", [False, True])
def test_an_api_without_a_secret_reads_as_the_user(
    entra_tenant: Tenant, common: dict[str, object], clock: FakeClock, *, is_like: bool
) -> None:
    """
    A token of another issuer, new for each request, authenticates the web API. The saved connection renews itself with
    it, and with its refresh token.
    """
    issuer = entra_tenant.add_issuer("https://token.contoso.com")
    entra_tenant.seed.add_federated_credential(entra_tenant.api_client, issuer.issuer, "job")
    file = Path(issuer.kubernetes("job", entra_tenant.api_client)["AZURE_FEDERATED_TOKEN_FILE"])
    user = entra_tenant.users.normal
    given = token_for_api(entra_tenant, common, user)
    app: dict[str, object] = {"client_id": entra_tenant.api_client, "federated": file} | common
    how = {"like": connect_any(**app), "clock": clock} if is_like else app

    with connect_any(on_behalf_of=given, name="job", **how) as connection:
        first = connection.token().access_token
        assert user.upn == connection.graph.get("/me")["userPrincipalName"]

    clock.advance(5400)
    issuer.kubernetes("job", entra_tenant.api_client)
    with get_connection("job", clock=clock) as later:
        assert first != later.token().access_token
        assert f"its refresh token, with the file {str(file)!r}" == later.info.next_token_from
        assert [] == [one for one in reconnect(later.info, environ={}).split() if "secret" in one]


def test_a_managed_identity_has_no_credential_for_the_token_of_a_user(
    entra_tenant: Tenant, common: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A connection like that of a managed identity can't act on behalf of a user. The error says what can.
    """
    for name, value in entra_tenant.identity.imds().items():
        monkeypatch.setenv(name, value)
    given = token_for_api(entra_tenant, common, entra_tenant.users.normal)
    identity = connect_any(managed_identity=True, **common)

    with pytest.raises(ParameterError, match="has none") as caught:
        connect_any(like=identity, on_behalf_of=given, clock=common["clock"])

    assert "managed-identity" in caught.value.remedy


def test_the_api_reads_as_the_user(entra_tenant: Tenant, common: dict[str, object], api: Connection) -> None:
    """
    Each call of the web API gets a connection; only the first for a user's token asks the token service. Both faces
    give the user.
    """
    user = entra_tenant.users.normal
    token = token_for_api(entra_tenant, common, user)

    async def read() -> dict[str, object]:
        connection = await asyncio.to_thread(connect_any, like=api, on_behalf_of=token, clock=common["clock"])
        return cast("dict[str, object]", await connection.aio.graph.get("/me"))

    def handle() -> dict[str, object]:
        return connect_any(like=api, on_behalf_of=token, clock=common["clock"]).graph.get("/me")

    first = handle()
    sent = entra_tenant.journal.counts["token"]

    assert [user.upn] * 3 == [one["userPrincipalName"] for one in (first, handle(), run_async(read()))]
    assert sent == entra_tenant.journal.counts["token"]
    assert [] == entra_tenant.journal.violations


def test_a_saved_connection_is_renewed_for_the_user(
    entra_tenant: Tenant, common: dict[str, object], clock: FakeClock, private_home: Path
) -> None:
    """
    With a name, another process renews with the refresh token and the saved secret, hours after the user's token ended.
    """
    token = token_for_api(entra_tenant, common, entra_tenant.users.normal)
    made = connect_any(
        client_id=entra_tenant.api_client, client_secret=entra_tenant.api_secret, on_behalf_of=token, name="job",
        save_secret=True, **common,
    )  # fmt: skip
    clock.advance(5 * 3600)

    later = get_connection("job", clock=clock)

    assert entra_tenant.users.normal.upn == later.graph.get("/me")["userPrincipalName"]
    assert entra_tenant.users.normal.upn == made.account.username == later.account.username
    assert [] == entra_tenant.journal.violations


def test_a_refresh_token_of_a_confidential_client_is_redeemed(
    entra_tenant: Tenant, common: dict[str, object], private_home: Path
) -> None:
    """
    Another connection is made like the saved one, and `refresh_token=` needs the secret.
    """
    token = token_for_api(entra_tenant, common, entra_tenant.users.normal)
    app = {"client_id": entra_tenant.api_client, "client_secret": entra_tenant.api_secret}
    connect_any(on_behalf_of=token, name="job", save_secret=True, **app, **common)

    other = connect_any(like="job", name="other", save_secret=True, clock=common["clock"])

    assert entra_tenant.users.normal.upn == other.account.username
    refresh = next(reversed(entra_tenant._world.refresh_tokens))
    assert entra_tenant.users.normal.upn == connect_any(refresh_token=refresh, **app, **common).account.username
    with pytest.raises(SignInError) as caught:
        connect_any(refresh_token=refresh, client_id=entra_tenant.api_client, **common)
    assert 7000218 == caught.value.code


def test_each_mistake_is_explained(
    entra_tenant: Tenant, common: dict[str, object], api: Connection, clock: FakeClock
) -> None:
    """
    A token of an app, one for Microsoft Graph, and a wrong secret are named; no error shows the user's token.
    """
    users = entra_tenant.users
    of_app = connect_any(
        client_id=entra_tenant.confidential_client, client_secret=entra_tenant.client_secret,
        resource=entra_tenant.api_uri, **common,
    ).token().access_token  # fmt: skip
    for_graph = connect_any(
        client_id=entra_tenant.public_client, credential=UsernamePassword(users.normal.upn, users.normal.password),
        **common,
    ).token().access_token  # fmt: skip
    mine = token_for_api(entra_tenant, common, users.normal)
    wrong = {"client_id": entra_tenant.api_client, "client_secret": "wrong"}

    found = []
    for more in (
        {"like": api, "on_behalf_of": of_app},
        {"like": api, "on_behalf_of": for_graph},
        {"on_behalf_of": mine, **wrong, **common},
    ):
        with pytest.raises(SignInError) as caught:
            connect_any(**{"clock": clock, **more})
        found.append(caught.value.code)
        assert mine not in str(caught.value)

    assert [7000114, 50013, 7000215] == found


def test_a_second_factor_is_for_the_caller(
    entra_tenant: Tenant, common: dict[str, object], api: Connection, clock: FakeClock
) -> None:
    """
    The claims of the tenant are those that the web API returns to its caller.
    """
    user = entra_tenant.users.normal
    token = token_for_api(entra_tenant, common, user)
    entra_tenant.seed.change_user(user.upn, {"mfa_code": "1"})

    with pytest.raises(InteractionRequiredError) as caught:
        connect_any(like=api, on_behalf_of=token, clock=clock)

    assert (50076, True) == (caught.value.code, '"access_token"' in caught.value.claims)
    assert "status 401" in caught.value.remedy
