"""The awaited connection: one for each event loop, and nothing that blocks it."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async

from entrakit import connect
from entrakit.authority.clouds import find_cloud
from entrakit.errors import NotConnectedError, ParameterError
from entrakit.http.transport_async import require_httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport
    from entrakit.graph.client_async import AsyncClient
    from entrakit_emulator import Tenant

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture
def connection(entra_tenant: Tenant) -> Iterator[Connection]:
    """Return a connection to the embedded tenant."""
    with connect(
        client_id=entra_tenant.confidential_client,
        tenant_id=entra_tenant.tenant_id,
        client_secret=entra_tenant.client_secret,
        authority_url=entra_tenant.url,
        graph_url=entra_tenant.url,
        ca_bundle=entra_tenant.ca_path,
    ) as one:
        yield one


async def count_users(client: AsyncClient) -> int:
    """Return how many users the tenant has, read in pages."""
    return len([one async for one in client.items("/users", top=3)])


def test_each_event_loop_has_one_object(connection: Connection) -> None:
    """
    Within a loop `aio` is the same object, so its sockets are used again; another loop has another one.
    """

    async def twice() -> object:
        assert connection.aio is connection.aio
        return connection.aio

    first, second = run_async(twice()), run_async(twice())

    assert first is not second
    assert connection.aio is connection.aio
    assert connection.aio not in (first, second)


@pytest.mark.parametrize("is_made_in_a_loop", [True, False])
def test_a_client_works_in_every_loop(connection: Connection, *, is_made_in_a_loop: bool) -> None:
    """
    A client that was made outside a loop, or in one that has ended, sends in the loop that uses it.
    """

    async def make() -> AsyncClient:
        client = connection.aio.graph
        await count_users(client)
        return client

    client = run_async(make()) if is_made_in_a_loop else connection.aio.graph
    expected = run_async(count_users(connection.aio.graph))

    assert [expected] * 3 == [run_async(count_users(client)) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        assert [expected] * 3 == list(pool.map(lambda _: run_async(count_users(client)), range(3)))


def test_a_loop_that_ended_is_let_go(connection: Connection) -> None:
    """
    Its sockets are closed when the loop ends, and the next use of `aio` drops its object: nothing adds up.
    """
    dead: list[weakref.ref[object]] = []

    async def use() -> None:
        await connection.aio.graph.get("/organization")
        dead.append(weakref.ref(asyncio.get_running_loop()))
        dead.append(weakref.ref(connection.aio))

    for _ in range(3):
        run_async(use())
    assert repr(connection.aio)
    # A socket that is still open would warn, and warnings are errors.
    gc.collect()

    assert [None] * 6 == [one() for one in dead]


def test_closing_is_for_the_running_loop(connection: Connection) -> None:
    """
    `async with` closes the sockets of its loop, also on an object that was made outside; later requests open new ones.
    """
    outside = connection.aio

    async def use() -> None:
        async with outside as same:
            assert same is outside
            await same.graph.get("/organization")
        await outside.graph.get("/organization")
        await connection.aio.close()
        await connection.aio.close()

    run_async(use())
    assert connection.token().access_token


def test_a_renewal_does_not_block_the_loop(token_server: TokenServer, transport: Transport, clock: FakeClock) -> None:
    """
    While a token is renewed in a thread, other tasks run: the service answers only after one of them did.
    """
    asked, may_answer = threading.Event(), threading.Event()
    connection = connect(
        client_id=CLIENT,
        tenant_id=token_server.tenant_id,
        client_secret="canary-secret",
        cloud=find_cloud(token_server.url),
        transport=transport,
        clock=clock,
    )
    usual = token_server.answer

    def answer(form: dict[str, str]) -> tuple[int, object]:
        asked.set()
        assert may_answer.wait(10)
        return usual(form)

    async def answer_when_asked() -> None:
        while not asked.is_set():
            await asyncio.sleep(0.01)
        may_answer.set()

    async def use() -> str:
        token, _ = await asyncio.gather(connection.aio.token(), answer_when_asked())
        return token.access_token

    clock.advance(4000)
    token_server.answer = answer

    assert "canary-access-token" == run_async(use())


def test_a_fresh_token_is_returned_without_a_thread(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A fresh token is returned from memory, with its scopes named or not.
    """

    async def refused(function: object, *rest: object) -> object:
        raise AssertionError(function)

    async def use() -> set[str]:
        tokens = [await connection.aio.token(), await connection.aio.token(SCOPE)]
        azure = await connection.aio.get_token(SCOPE), await connection.aio.get_token_info(SCOPE)
        return {one.access_token for one in tokens} | {one.token for one in azure}

    monkeypatch.setattr(asyncio, "to_thread", refused)

    assert {connection.token().access_token} == run_async(use())


def test_a_challenge_gets_a_new_token(connection: Connection) -> None:
    """
    A claims challenge is answered by a new token, as for the blocking connection.
    """

    async def use() -> tuple[str, str]:
        token = await connection.aio.token(claims="{}")
        info = await connection.aio.get_token_info(SCOPE, options={"claims": "{}"})
        return token.access_token, info.token

    before = connection.token().access_token

    assert 3 == len({before, *run_async(use())})


def test_errors_are_those_of_the_connection(connection: Connection) -> None:
    """
    Another tenant and a closed connection are refused as by the blocking connection; no secret is shown.
    """

    async def other_tenant() -> object:
        return await connection.aio.get_token(SCOPE, tenant_id="other.example")

    async def closed() -> object:
        return await connection.aio.token()

    with pytest.raises(ParameterError):
        run_async(other_tenant())
    assert "flow='secret'" in repr(connection.aio)
    connection.close()
    with pytest.raises(NotConnectedError):
        run_async(closed())


def test_tokens_do_not_need_the_extra(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without httpx2, tokens are returned and renewed; a client is refused with the line that installs the extra.
    """

    async def use() -> set[str]:
        token = await connection.aio.token()
        renewed = await connection.aio.token(claims="{}")
        azure = await connection.aio.get_token(SCOPE)
        with pytest.raises(ParameterError, match="Awaited requests need the extra async") as caught:
            _ = connection.aio.graph
        assert "Type `pip install 'entrakit[async]'`." == caught.value.remedy
        with pytest.raises(ParameterError, match="extra async"):
            connection.aio.service("graph-beta")
        await connection.aio.close()
        return {token.access_token, renewed.access_token, azure.token}

    monkeypatch.setitem(sys.modules, "httpx2", None)

    assert 2 == len(run_async(use()))


def test_a_token_does_not_load_httpx2() -> None:
    """
    The awaited connection can be imported without httpx2, and a check for the extra does not import it.
    """
    require_httpx2()
    program = (
        "import sys; import entrakit.connection.awaited as awaited; awaited.require_httpx2();"
        "print({'httpx2', 'httpcore2', 'h2', 'anyio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ("set()\n", "") == (done.stdout, done.stderr)
