"""All faults times all kinds of requests: nothing is lost or doubled, or there is a clear error.

Each case runs with the blocking client and with the awaited one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.graph.conftest import Fault
from tests.heartbeat import run_async

from entrakit.errors import (
    EntraError,
    GraphError,
    NetworkError,
    OutcomeUnknownError,
    ServiceUnavailableError,
    TooManyRequestsError,
)
from entrakit.graph.client_async import AsyncClient
from entrakit.http.transport import Transport
from entrakit.http.transport_async import AsyncTransport, require_httpx2
from entrakit.services.runner_async import AsyncRunner

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tests.graph.conftest import GraphServer, TickingClock, TokenBox

    from entrakit.graph.client import Client
    from entrakit.services.operation import Call
    from entrakit.services.service import Service

    Ask = Callable[[str], object]

NEW = {"displayName": "Ada"}
# Faults after which a request certainly had no effect, and faults after which the effect is unknown.
HARMLESS = ("429", "429-bare", "429-date", "503", "expired", "challenge")
UNCLEAR = ("500", "502", "504", "html-503", "reset", "done-reset", "cut", "truncated", "html", "slow")


class Face(NamedTuple):
    """One of the clients, with the methods that the cases call."""

    get: Callable[[], object]
    listed: Callable[[], list[str]]
    delta: Callable[[], list[str]]
    batch: Callable[[], list[object]]
    mixed: Callable[[], list[object]]
    create: Callable[[], object]
    delete: Callable[[], object]


@pytest.fixture(params=["blocking", "awaited"])
def face(
    request: pytest.FixtureRequest, graph: Client, service: Service, box: TokenBox, ticking: TickingClock,
    test_ca: tuple[Path, ssl.SSLContext],
) -> Face:  # fmt: skip
    """Return the blocking client or the awaited one."""
    if request.param == "blocking":
        return Face(
            lambda: graph.get("/users/id-0007")["id"],
            lambda: [str(one["id"]) for one in graph.items("/users")],
            lambda: [str(one["id"]) for one in graph.delta("/users/delta")],
            lambda: graph.batch([graph.call("GET", f"/users/id-{one:04}") for one in range(50)]),
            lambda: graph.batch(mixed_calls(graph)),
            lambda: graph.post("/users", NEW),
            lambda: graph.delete("/users/id-0003"),
        )
    require_httpx2()

    async def sleep(seconds: float) -> None:
        ticking.sleep(seconds)

    def awaited(ask: Callable[[AsyncClient], object]) -> object:
        async def run() -> object:
            transport = AsyncTransport(Transport(ca_bundle=str(test_ca[0]), timeout_s=0.8, clock=ticking))
            try:
                return await ask(AsyncClient(AsyncRunner(box, service, transport, clock=ticking, sleep=sleep)))  # type: ignore[misc] # a coroutine
            finally:
                await transport.close()

        return run_async(run())

    async def got(client: AsyncClient) -> object:
        return (await client.get("/users/id-0007"))["id"]

    async def listed(client: AsyncClient) -> list[str]:
        return [str(one["id"]) async for one in client.items("/users")]

    async def delta(client: AsyncClient) -> list[str]:
        return [str(one["id"]) async for one in client.delta("/users/delta")]

    async def batched(client: AsyncClient) -> list[object]:
        return await client.batch([client.call("GET", f"/users/id-{one:04}") for one in range(50)])

    return Face(
        lambda: awaited(got),
        lambda: awaited(listed),  # type: ignore[arg-type,return-value] # what it returns
        lambda: awaited(delta),  # type: ignore[arg-type,return-value] # what it returns
        lambda: awaited(batched),  # type: ignore[arg-type,return-value] # what it returns
        lambda: awaited(lambda client: client.batch(mixed_calls(client))),  # type: ignore[arg-type,return-value] # a list
        lambda: awaited(lambda client: client.post("/users", NEW)),
        lambda: awaited(lambda client: client.delete("/users/id-0003")),
    )


def mixed_calls(client: Client | AsyncClient) -> list[Call[object]]:
    """Return a read, a write that may double, and one that may not."""
    return [
        client.call("GET", "/users/id-0007"),
        client.call("POST", "/users", body=NEW),
        client.call("PATCH", "/users/id-0008", body={"city": "London"}),
    ]


def ids_of(server: GraphServer) -> list[str]:
    """Return all ids, in their order."""
    return [user["id"] for user in server.users]


@pytest.mark.parametrize("form", [*HARMLESS, *UNCLEAR])
def test_a_get_survives(face: Face, server: GraphServer, form: str) -> None:
    """
    A read is repeated until the response is complete.
    """
    server.faults = [Fault("get", form, 3, times=1 if form in ("expired", "challenge") else 2)]

    assert face.get() == "id-0007"


@pytest.mark.parametrize("skip", [0, 2, 4])
@pytest.mark.parametrize("form", [*HARMLESS, *UNCLEAR])
def test_a_listing_survives(face: Face, server: GraphServer, form: str, skip: int) -> None:
    """
    With any fault of the first, a middle or the last page, each object is returned once, in order.
    """
    server.faults = [Fault("list", form, 2, skip=skip)]

    assert ids_of(server) == face.listed()


@pytest.mark.parametrize("skip", [1, 2])
@pytest.mark.parametrize("form", ["twice", "reversed", "overlapping"])
def test_what_comes_twice_is_handed_out_once(face: Face, server: GraphServer, form: str, skip: int) -> None:
    """
    A page that arrives again under another link or in another order, or that repeats objects of the previous page,
    doubles no object.
    """
    server.faults = [Fault("list", form, skip=skip)]

    assert ids_of(server) == face.listed()


@pytest.mark.parametrize("skip", [0, 2, 4])
@pytest.mark.parametrize("form", [*HARMLESS, *UNCLEAR])
def test_a_delta_query_survives(face: Face, server: GraphServer, form: str, skip: int) -> None:
    """
    With any fault of a page of a delta query, each change is returned once.
    """
    server.faults = [Fault("delta", form, 2, skip=skip)]

    assert ids_of(server) == face.delta()


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("form", [*HARMLESS, *UNCLEAR])
def test_a_batch_of_reads_survives(face: Face, server: GraphServer, form: str, skip: int) -> None:
    """
    With any fault of a batch, each request gets its own response, in order.
    """
    server.faults = [Fault("batch", form, 2, skip=skip)]

    results = face.batch()

    assert ids_of(server)[:50] == [one["id"] if isinstance(one, dict) else one for one in results]


@pytest.mark.parametrize("form", HARMLESS)
def test_a_write_that_was_not_done_is_repeated(face: Face, server: GraphServer, form: str) -> None:
    """
    If the service promises that a write had no effect, it is sent again, and done once.
    """
    server.faults = [Fault("write", form, 2)]

    face.create()

    assert {"create Ada": 1} == dict(server.effects)


@pytest.mark.parametrize("form", UNCLEAR)
def test_a_write_that_may_have_been_done_is_not_repeated(face: Face, server: GraphServer, form: str) -> None:
    """
    If the effect of a write is unknown, it is sent once, and the error says so: it must not be repeated unseen.
    """
    server.faults = [Fault("write", form, 2)]

    with pytest.raises(OutcomeUnknownError) as caught:
        face.create()

    assert 1 == len(server.paths("write"))
    assert server.effects["create Ada"] <= 1
    assert (14, True, False) == (caught.value.exit_code, caught.value.outcome_unknown, caught.value.retryable)
    assert "Look first" in caught.value.remedy
    assert isinstance(caught.value, NetworkError | GraphError)
    assert "done" in caught.value.problem
    assert "/v1.0/users" in caught.value.problem


@pytest.mark.parametrize("form", UNCLEAR)
def test_a_write_in_a_batch_that_may_have_been_done_is_not_repeated(face: Face, server: GraphServer, form: str) -> None:
    """
    If the response to a batch is lost, its reads are repeated; each write ends with an unknown outcome.
    """
    server.faults = [Fault("batch", form)]

    read, write, change = face.mixed()

    assert "id-0007" == read["id"] if isinstance(read, dict) else read
    assert isinstance(write, OutcomeUnknownError)
    assert not isinstance(change, OutcomeUnknownError)
    assert server.effects["create Ada"] <= 1


@pytest.mark.parametrize("form", [*HARMLESS, "500", "502", "504", "reset", "done-reset", "slow"])
def test_a_delete_ends_with_the_object_gone(face: Face, server: GraphServer, form: str) -> None:
    """
    DELETE is idempotent: it is repeated after any fault, and succeeds.
    """
    server.faults = [Fault("write", form, 2)]

    face.delete()

    assert server.effects["delete id-0003"] >= 1


@pytest.mark.parametrize("form", ["429", "503", "504", "reset", "html"])
def test_giving_up_is_a_clear_error(face: Face, server: GraphServer, ticking: TickingClock, form: str) -> None:
    """
    If the service keeps failing, a clear error comes after a limited number of requests and a limited time.
    """
    server.faults = [Fault("get", form, times=1000)]

    with pytest.raises((TooManyRequestsError, ServiceUnavailableError, NetworkError, EntraError)) as caught:
        face.get()

    assert len(server.paths("get")) <= 8
    assert sum(ticking.sleeps) <= 300
    assert "localhost" in str(caught.value) or "/v1.0/users/id-0007" in str(caught.value)


def test_a_wait_that_is_too_long_is_an_error_at_once(face: Face, server: GraphServer, ticking: TickingClock) -> None:
    """
    If a service requires a pause of an hour, no second request is sent, and the error contains the pause.
    """
    server.faults = [Fault("get", "429", 3600)]

    with pytest.raises(TooManyRequestsError) as caught:
        face.get()

    assert [] == ticking.sleeps
    assert 3600 == caught.value.retry_after_s
    assert 1 == len(server.paths("get"))


@pytest.mark.parametrize(("kind", "ask"), [("list", "listed"), ("delta", "delta")])
def test_a_next_link_to_another_host_gets_no_token(face: Face, server: GraphServer, kind: str, ask: str) -> None:
    """
    A next link to another host is an error that names the host, and no request is sent there.
    """
    server.faults = [Fault(kind, "foreign", skip=1)]

    with pytest.raises(EntraError, match=r"evil\.example") as caught:
        getattr(face, ask)()

    assert caught.value.exit_code == 6
    assert 2 == len(server.paths(kind))


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttled_item_is_asked_again_alone(face: Face, server: GraphServer, status: int) -> None:
    """
    Items that are throttled within an HTTP 200 are sent again after their own pause; the others are not.
    """
    from tests.graph.conftest import refusal

    again = [f"/users/id-{one:04}" for one in (3, 17, 18, 44)]
    server.item_faults = {path: [refusal(status, "TooManyRequests", "Later.", {"Retry-After": "7"})] for path in again}

    results = face.batch()

    assert ids_of(server)[:50] == [one["id"] if isinstance(one, dict) else one for one in results]
    assert [4, 10, 20, 20] == sorted(server.batch_sizes)
