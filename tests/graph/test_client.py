"""The two clients: the same methods, the same results, and the promises of their runners."""

from __future__ import annotations

import gzip
import json
import threading
from typing import TYPE_CHECKING

import pytest
from tests.graph.conftest import CLAIMS, USERS, Answer, Fault, TokenBox
from tests.heartbeat import run_async

from entrakit import Transport, connect
from entrakit.errors import ParameterError
from entrakit.graph.client import Client
from entrakit.services.fetch import fetch
from entrakit.services.operation import Request, response_of
from entrakit.services.request import path_call, request_to
from entrakit.services.runner import Runner
from entrakit.services.service import Service

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import FakeClock
    from tests.graph.conftest import GraphServer

    from entrakit import Connection, Token
    from entrakit.services.operation import Operation
    from entrakit_emulator import Tenant


def test_the_token_goes_nowhere_but_to_the_service(graph: Client, server: GraphServer) -> None:
    """
    Even an operation can't send the token to another host.
    """

    def astray() -> Operation[object]:
        return response_of((yield Request("GET", "https://evil.example/x")))

    with pytest.raises(ParameterError, match=r"evil\.example"):
        graph.run(astray())
    assert [] == server.asked


def test_a_challenge_brings_one_new_token(graph: Client, server: GraphServer, box: TokenBox) -> None:
    """
    After 401 with a claims challenge, one token is requested with the challenge, and the request is sent again with it.
    """
    server.faults = [Fault("get", "challenge")]

    graph.get("/users/id-0001")

    assert [CLAIMS] == box.claims
    assert 2 == len(server.paths("get"))


def test_a_challenge_that_stays_is_an_error(graph: Client, server: GraphServer, box: TokenBox) -> None:
    """
    If the service refuses the new token, too, the request is not repeated without end.
    """
    server.faults = [Fault("get", "challenge", times=99)]

    with pytest.raises(Exception, match="refused"):
        graph.get("/users/id-0001")
    assert 1 == box.renewed


def test_workers_share_one_new_token(graph: Client, server: GraphServer, box: TokenBox) -> None:
    """
    Eight workers with the same expired token get one new token.
    """
    server.valid_token = "token-2"

    results = graph.batch([graph.call("GET", f"/users/id-{one:04}") for one in range(160)], at_once=8)

    assert 160 == sum(isinstance(one, dict) for one in results)
    assert 1 == box.renewed


def test_all_workers_slow_down_together(
    server: GraphServer, service: Service, box: TokenBox, ticking: FakeClock, test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    If one of several workers is throttled, no request is sent before the pause has passed.
    """
    # A long limit, because while one worker waits, the responses of the others arrive.
    transport = Transport(ca_bundle=str(test_ca[0]), timeout_s=60, clock=ticking)
    sent: list[float] = []

    class Noting(TokenBox):
        """A source of tokens that counts them."""

        def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
            sent.append(ticking.monotonic())
            return super().service_token(scope, claims=claims, issued_after=issued_after)

    graph = Client(Runner(Noting(server, ticking), service, transport, clock=ticking))
    begun = ticking.monotonic()
    server.faults = [Fault("list", "429", 30)]

    assert USERS == len(list(graph.items("/users", parallel=4, top=50)))
    transport.close()
    # The other three may have taken their turn just before.
    assert len([one for one in sent if begun + 2 < one < begun + 29]) <= 3
    assert sent[-1] >= begun + 30


def test_who_stops_reading_does_not_wait(
    server: GraphServer, service: Service, box: TokenBox, test_ca: tuple[Path, ssl.SSLContext]
) -> None:
    """
    A parallel listing that the caller stops ends at once, even if its workers are waiting for minutes.
    """
    transport = Transport(ca_bundle=str(test_ca[0]))
    told = threading.Event()
    graph = Client(Runner(box, service, transport, on_wait=lambda *_: told.set()))
    # The sample of names and a page are returned before the faults.
    server.faults = [Fault("list", "429", 250, skip=2, times=99)]

    listing = graph.items("/users", parallel=2, top=50)
    next(listing)
    assert told.wait(10)
    listing.close()  # type: ignore[attr-defined] # a generator

    transport.close()
    for one in threading.enumerate():
        if one.name.startswith("entrakit-graph"):
            one.join(10)
            assert not one.is_alive()


def test_waits_are_told(graph: Client, server: GraphServer) -> None:
    """
    Each wait and its reason are reported to `on_wait`.
    """
    told: list[tuple[float, str]] = []
    server.faults = [Fault("get", "429", 5), Fault("get", "503", 7)]

    graph.watched(lambda seconds, reason: told.append((round(seconds), reason))).get("/users/id-0001")

    assert [(5, "the service is throttling"), (7, "HTTP 503")] == told


def test_a_call_can_be_run_previewed_and_batched(graph: Client) -> None:
    """
    The same value can be run, previewed and put into a batch, any number of times.
    """
    call = graph.call("GET", "/users/id-0001")

    assert graph.preview(call).url.endswith("/v1.0/users/id-0001")
    assert graph.run(call) == graph.run(call) == graph.batch([call])[0]


def test_a_call_without_a_service_goes_with_every_client(graph: Client) -> None:
    """
    It can be run, previewed and put into a batch as well; in a batch, an invalid path is the error of its item.
    """
    call = path_call("GET", "/users/id-0001", select="id")
    outside = path_call("GET", "/users/../x")

    assert graph.preview(call).url == graph.preview(graph.call("GET", "/users/id-0001", select="id")).url
    first, second = graph.batch([call, outside])
    assert graph.run(call) == first == graph.get("/users/id-0001", select="id")
    assert isinstance(second, ParameterError)
    with pytest.raises(ParameterError, match="leaves the service"):
        graph.preview(outside)


def test_an_operation_of_several_steps_can_be_batched(graph: Client) -> None:
    """
    Operations with two requests can be batched, too: their requests are sent together, step by step.
    """

    def twice(key: str) -> Operation[object]:
        first = yield from fetch(
            request_to(graph.service, "GET", f"/users/{key}"), lambda answer: json.loads(answer.body)
        )
        second = yield from fetch(
            request_to(graph.service, "GET", f"/users/{first['id']}"), lambda answer: json.loads(answer.body)
        )
        return first == second

    assert [True] * 25 == graph.batch([twice(f"id-{one:04}") for one in range(25)])


def test_previewing_sends_nothing_and_shows_no_token(graph: Client, server: GraphServer) -> None:
    """
    A preview is the exact request, without the token.
    """
    request = graph.preview(graph.call("POST", "/users", body={"displayName": "Ada"}))

    assert ("POST", b'{"displayName":"Ada"}') == (request.method, request.body)
    assert "authorization" not in request.headers
    assert [] == server.asked


def test_the_raw_answer_is_there_on_demand(graph: Client, server: GraphServer) -> None:
    """
    `response` returns status, headers and bytes.
    """
    answer = graph.response("GET", "/users/id-0001")

    assert (200, "r-1", server.users[1]) == (answer.status, answer.request_id, json.loads(answer.body))


def test_counting(graph: Client, server: GraphServer) -> None:
    """
    `count` returns the number, and sends the header that it requires.
    """
    assert USERS == graph.count("/users")
    assert {"eventual"} == {headers["consistencylevel"] for _, _, headers in server.asked}


def test_listing_holds_one_page(graph: Client, server: GraphServer) -> None:
    """
    A page is requested when its first object is read, not before.
    """
    items = iter(graph.items("/users"))
    for _ in range(50):
        next(items)
    asked = len(server.paths("list"))
    next(items)

    assert (1, 2) == (asked, len(server.paths("list")))


def test_mistakes_are_told_where_they_are_made(graph: Client) -> None:
    """
    An invalid query is an error in the call, not when the first object is read.
    """
    with pytest.raises(ParameterError):
        graph.items("/users", top=0)
    with pytest.raises(ParameterError):
        graph.pages("/users", select=7)  # type: ignore[arg-type]


def test_all_threads_may_share_a_client(graph: Client) -> None:
    """
    Many threads can use a client at the same time.
    """
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda key=key: results.append(graph.get(f"/users/id-{key:04}")["id"]))
        for key in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [f"id-{key:04}" for key in range(16)] == sorted(str(one) for one in results)


@pytest.fixture
def connection(entra_tenant: Tenant) -> Iterator[Connection]:
    """Return an app's connection to the embedded tenant."""
    made = connect(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.domain,
        client_secret=entra_tenant.client_secret, authority_url=entra_tenant.url, ca_bundle=entra_tenant.ca_path,
        graph_url=entra_tenant.url,
    )  # fmt: skip
    yield made
    made.close()


def test_a_connection_asks_graph(connection: Connection) -> None:
    """
    `connection.graph` sends requests to Microsoft Graph in the cloud of the connection.
    """
    organization = connection.graph.get("/organization")["value"]

    assert isinstance(organization, list)
    assert organization[0]["id"] == connection.tenant_id


def test_continuous_access_evaluation_is_announced(connection: Connection, entra_tenant: Tenant) -> None:
    """
    Tokens for services are requested with the capability CP1; the one of `token()` is not.
    """
    connection.graph.get("/organization")

    claims = [entry.parameters.get("claims", "") for entry in entra_tenant.journal.entries if entry.endpoint == "token"]
    assert ["", '{"access_token": {"xms_cc": {"values": ["CP1"]}}}'] == claims


def test_one_sign_in_serves_several_services(connection: Connection, entra_tenant: Tenant) -> None:
    """
    Each resource gets its own token, once, from the same sign-in.
    """
    mine = Service("mine", f"{entra_tenant.url}/v1.0", f"api://{entra_tenant.confidential_client}")
    for _ in range(3):
        connection.graph.get("/organization")
        with pytest.raises(Exception, match=r"[Ii]nvalid"):
            connection.service(mine).get("/organization")

    scopes = [entry.parameters.get("scope", "") for entry in entra_tenant.journal.entries if entry.endpoint == "token"]
    assert 1 == scopes[1:].count("https://graph.microsoft.com/.default")


def test_azures_async_clients_take_the_awaited_face(connection: Connection) -> None:
    """
    `connection.aio` is an `AsyncTokenCredential` of azure-core.
    """
    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

    async def ask() -> tuple[str, str]:
        async with connection.aio as awaited:
            assert isinstance(awaited, AsyncTokenCredential)
            assert isinstance(awaited, AsyncSupportsTokenInfo)
            token = await awaited.get_token("https://graph.microsoft.com/.default")
            info = await awaited.get_token_info("https://graph.microsoft.com/.default")
            return token.token, info.token

    first, second = run_async(ask())

    assert first == second == connection.token().access_token


@pytest.mark.parametrize("is_whole", [True, False])
def test_compressed_answers_are_read(graph: Client, server: GraphServer, is_whole: bool) -> None:
    """
    Responses are requested with gzip; after an incomplete one the request is sent again.
    """
    asked: list[str] = []
    usual = server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        plain = usual(method, target, body)
        asked.append(server.asked[-1][2]["accept-encoding"])
        packed = gzip.compress(plain.content)
        is_cut = len(asked) == 1 and not is_whole
        return Answer(200, packed[: len(packed) // 2] if is_cut else packed, {"content-encoding": "gzip"})

    server.answer = answer  # type: ignore[method-assign] # the test's own server

    assert "id-0007" == graph.get("/users/id-0007")["id"]
    assert all("gzip" in one for one in asked)
    assert (1 if is_whole else 2) == len(asked)
