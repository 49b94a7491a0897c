"""A managed identity of the host gives the assertion of an app."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest
from tests.connection.conftest import Counter
from tests.sign_in.hosts import AUDIENCE, assertion, clear_hosts
from tests.sign_in.identity_server import IdentityServer

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import ParameterError
from entrakit.sign_in.flows.federated import Federated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
IDENTITY = "cccccccc-2222-3333-4444-555555555555"
connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture
def host(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityServer]:
    """Return the endpoint of an App Service that the test runs on."""
    clear_hosts(monkeypatch)
    server = IdentityServer(clock, None)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{server.origin}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "canary")
    yield server
    server.close()


@pytest.mark.parametrize("source", ["managed-identity", f"Managed_Identity:{IDENTITY.upper()}"])
def test_the_token_of_the_identity_is_the_assertion(
    host: IdentityServer, token_server: TokenServer, transport: Transport, clock: FakeClock, source: str
) -> None:
    """
    The request to the host names the audience of the cloud. There is one for each token, also in a later process. The
    identity can belong to another tenant than the app, and only its client id is saved.
    """
    token_server.answer = Counter()
    which = {"client_id": IDENTITY} if ":" in source else {}

    def of(number: int) -> str:
        return assertion(number, tid=OTHER)

    def give(number: int) -> None:
        expires_on = str(int(clock.time()) + 86400)
        host.give({"access_token": of(number), "expires_on": expires_on, "resource": AUDIENCE, **which})

    give(1)
    connection = connect_any(
        federated=source, client_id=CLIENT, tenant_id=token_server.tenant_id, cloud=find_cloud(token_server.url),
        transport=transport, clock=clock, name="job",
    )  # fmt: skip
    give(2)
    clock.advance(4000)
    assert "token-2" == connection.token().access_token
    give(3)
    clock.advance(4000)
    assert "token-3" == get_connection("job", transport=transport, clock=clock).token().access_token

    assert [of(number) for number in (1, 2, 3)] == [form["client_assertion"] for form in token_server.forms]
    assert {AUDIENCE} == {one.query["resource"] for one in host.asked}
    assert {"identity": which.get("client_id", "")} == dict(connection.info.origin)
    assert (
        connection.info.origin == Federated(cast("str", Federated.parameters_of(connection.info)["federated"])).origin
    )
    assert f"the managed identity {which.get('client_id', 'of this host')}" == Federated.next_token_from(
        connection.info
    )
    assert "canary" not in json.dumps(connection.info.origin)


def test_the_identity_is_named_by_its_client_id(host: IdentityServer) -> None:
    """
    Another id is refused, before anything is sent.
    """
    with pytest.raises(ParameterError):
        connect_any(federated="managed-identity:contoso", client_id=CLIENT, tenant_id="contoso.com")

    assert [] == host.asked
