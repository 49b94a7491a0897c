"""The first connection through a proxy is opened alone, and a rejected password is not sent again."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async
from tests.little_proxies import HttpProxy, LittleProxy, Socks5Proxy

from entrakit import connect
from entrakit.errors import NetworkError
from entrakit.http.message import Request
from entrakit.http.transport_async import AsyncTransport
from entrakit.http.tunnels import REMEMBERED_S
from entrakit.services.request import path_call
from entrakit.tokens import base64url

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, RawServer

    from entrakit.http.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
WORKERS = 8
ID = "aaaaaaaa-2222-3333-4444-555555555555"
# Both kinds of proxies reject a user name and a password.
KINDS = [HttpProxy, Socks5Proxy]


def a_token() -> str:
    """Return an access token that expires in an hour."""
    claims = base64url.encode(json.dumps({"exp": time.time() + 3600, "tid": ID, "appid": ID}).encode())
    return f"e30.{claims}.AAAA"


def errors_of_threads(transport: Transport, url: str) -> list[NetworkError]:
    """Return the errors of requests that threads send at the same time."""
    together = threading.Barrier(WORKERS)

    def fail() -> NetworkError:
        together.wait(10)
        with pytest.raises(NetworkError) as caught:
            transport.once(Request("GET", url))
        return caught.value

    with ThreadPoolExecutor(WORKERS) as pool:
        return [one.result() for one in [pool.submit(fail) for _ in range(WORKERS)]]


def errors_of_tasks(transport: Transport, url: str) -> list[NetworkError]:
    """Return the errors of awaited requests that are sent at the same time."""

    async def run() -> list[BaseException | object]:
        awaited = AsyncTransport(transport)
        try:
            requests = [awaited.once(Request("GET", url), limit=1000) for _ in range(WORKERS)]
            return list(await asyncio.gather(*requests, return_exceptions=True))
        finally:
            await awaited.close()

    found = run_async(run())
    return [one for one in found if isinstance(one, NetworkError)]


@pytest.mark.parametrize("errors_of", [errors_of_threads, errors_of_tasks])
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_password_is_sent_once(
    kind: type[LittleProxy],
    errors_of: Callable[[Transport, str], list[NetworkError]],
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Eight requests at the same time send it once, since a directory locks the account after several attempts. All of
    them fail at once, and the others say that they were not sent.
    """
    with kind(username="ada", password="right") as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{kind.scheme}://ada:wrong@{proxy.address}")
        errors = errors_of(transport, "https://localhost/x")

    assert (1, WORKERS) == (len(proxy.received), len(errors))
    assert {(False, False)} == {(one.retryable, one.may_have_arrived) for one in errors}
    assert WORKERS - 1 == len([one for one in errors if "to an earlier request, so this one was not sent" in str(one)])


def test_the_clients_of_a_transport_know_the_same(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A password that was rejected for the token service is not sent again for Graph, awaited or not.
    """
    with HttpProxy(username="ada", password="right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:wrong@{proxy.address}")
        with pytest.raises(NetworkError):
            transport.impatient().send("POST", "https://localhost/token")
        errors_of_threads(transport, "https://localhost/x")
        errors_of_tasks(transport, "https://localhost/x")

    assert 1 == len(proxy.received)


def test_a_batch_sends_a_wrong_password_once(private_home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Each of its requests fails for itself, which must not be another attempt.
    """
    with HttpProxy(username="ada", password="right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:wrong@{proxy.address}")
        with connect(client_id=ID, tenant_id=ID, access_token=a_token()) as connection:
            results = connection.graph.batch(
                [path_call("GET", f"/users/{number}") for number in range(200)], at_once=WORKERS
            )

    assert 1 == len(proxy.received)
    assert [NetworkError] * 200 == [type(one) for one in results]


def test_a_rejection_is_forgotten_after_half_a_minute(
    transport: Transport, clock: FakeClock, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A service that runs for months recovers once its account is unlocked; another password is sent at once.
    """
    url = f"{raw_server(OK, OK).url}/x"
    with HttpProxy(username="ada", password="right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:wrong@{proxy.address}")
        for _ in range(2):
            with pytest.raises(NetworkError):
                transport.once(Request("GET", url))
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:right@{proxy.address}")
        assert 200 == transport.once(Request("GET", url)).status
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:wrong@{proxy.address}")
        proxy.password = "wrong"
        clock.advance(REMEMBERED_S)
        assert 200 == transport.once(Request("GET", url)).status

    assert 3 == len(proxy.received)


@pytest.mark.parametrize("status", [403, 405, 501, 505, 511])
def test_a_permanent_refusal_ends_a_parallel_listing_at_once(
    status: int, private_home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    No worker sends its request again.
    """
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    with HttpProxy(answers=(answer,)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        with connect(client_id=ID, tenant_id=ID, access_token=a_token()) as connection:
            begun = time.monotonic()
            with pytest.raises(NetworkError, match=f"HTTP {status}") as caught:
                list(connection.graph.items("/users", parallel=WORKERS))
            took_s = time.monotonic() - begun

    assert not caught.value.retryable
    assert len(proxy.received) <= WORKERS
    assert took_s < 5


def test_tunnels_are_opened_in_parallel_after_the_first(
    transport: Transport, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each thread gets its own tunnel; the turn is needed until the first one is open only.
    """
    url = f"{raw_server(*[OK] * WORKERS).url}/x"
    with HttpProxy(username="ada", password="right") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:right@{proxy.address}")
        with ThreadPoolExecutor(WORKERS) as pool:
            answers = list(pool.map(lambda _: transport.once(Request("GET", url)).status, range(WORKERS)))
        with transport.approvals[next(iter(transport.approvals))].turn:
            # Nobody waits for it any more.
            assert 200 == transport.once(Request("GET", f"{raw_server(OK).url}/x")).status

    assert ([200] * WORKERS, WORKERS + 1) == (answers, len(proxy.targets))
