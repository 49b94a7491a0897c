"""The runners of operations: the last check before a token is sent, and all kinds of steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from threading import Event
from typing import TYPE_CHECKING, cast

import pytest
from tests.heartbeat import run_async
from tests.tokens.test_token import jwt

from entrakit.errors import NetworkError, ParameterError
from entrakit.http.message import Headers, Request, Response
from entrakit.services.operation import Call, Held, HeldPermissions, TheService, Together, Wait, service_of
from entrakit.services.request import path_call, request_to
from entrakit.services.retrying import send
from entrakit.services.runner import Runner, permissions_of
from entrakit.services.runner_async import AsyncRunner
from entrakit.services.service import Service
from entrakit.tokens.token import Token

if TYPE_CHECKING:
    from tests.conftest import FakeClock

    from entrakit.http.transport import Transport
    from entrakit.http.transport_async import AsyncTransport
    from entrakit.services.operation import Operation, Outcome, Step

SERVICE = Service("mine", "https://api.contoso.com/v1", "api://x", hosts=("other.contoso.com:8443",))
Sent = list[tuple[str, str]]
Run = Callable[["Call[object] | Operation[object]"], object]


class Box:
    """A connection with one token."""

    tenant_id = "contoso.com"
    token = Token("canary", issued_at=0.0, expires_at=10.0**10)

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Return the token."""
        assert scope == "api://x/.default"
        return self.token

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return the token."""
        return self.service_token(scope)


@pytest.fixture(params=["blocking", "awaited"])
def face(request: pytest.FixtureRequest, clock: FakeClock) -> tuple[Run, Sent]:
    """Return a function that runs an operation, and the list of what it sends."""
    sent: Sent = []

    def reply(one: Request, authorization: str) -> Response:
        sent.append((one.url, authorization))
        if one.url.endswith("broken"):
            raise NetworkError("broken", retryable=False)
        return Response(one, 200, Headers({"request-id": "r-1"}), b"{}")

    class Blocking:
        def once(self, one: Request, *, authorization: str = "", limit: int) -> Response:
            return reply(one, authorization)

    class Awaited:
        async def once(self, one: Request, *, authorization: str = "", limit: int) -> Response:
            return reply(one, authorization)

    async def no_sleep(seconds: float) -> None:
        clock.sleep(seconds)

    if request.param == "blocking":
        return Runner(Box(), SERVICE, cast("Transport", Blocking()), clock=clock).run, sent
    awaited = AsyncRunner(Box(), SERVICE, cast("AsyncTransport", Awaited()), clock=clock, sleep=no_sleep)
    return lambda operation: run_async(_awaited(awaited, operation)), sent


async def _awaited(runner: AsyncRunner, operation: Call[object] | Operation[object]) -> object:
    return await runner.run(operation)


def call(url: str, *, is_authorized: bool = True) -> Call[object]:
    """Return a call whose result is its response."""
    return Call(Request("GET", url, is_authorized=is_authorized), lambda response: response)


@pytest.mark.parametrize(
    "url", ["https://evil.example/v1", "https://api.contoso.com@evil.example/", "https://api.contoso.com:444/",
            "http://api.contoso.com/", "https://other.contoso.com/"],
)  # fmt: skip
def test_a_token_is_sent_to_the_service_only(face: tuple[Run, Sent], url: str) -> None:
    """
    An operation with a request that would send the token to another host is refused; no request is sent.
    """
    run, sent = face

    with pytest.raises(ParameterError, match="token is not sent there"):
        run(call(url))

    assert [] == sent


def test_the_token_goes_to_all_hosts_of_the_service(face: tuple[Run, Sent]) -> None:
    """
    The base address and the further hosts get the token; a request without authorization gets none, anywhere.
    """
    run, sent = face

    for url in ("https://API.contoso.com/v1/x", "https://other.contoso.com:8443/y"):
        response = run(call(url))
        assert isinstance(response, Response)
        assert {} == dict(response.request.headers)
    run(call("https://elsewhere.example/file", is_authorized=False))

    assert ["Bearer canary", "Bearer canary", ""] == [authorization for _, authorization in sent]


class Ahead:
    """A transport that notes what is sent ahead."""

    def __init__(self) -> None:
        self.sent: Sent = []

    def begin(self, request: Request, *, authorization: str = "") -> None:
        """Note a request."""
        self.sent.append((request.url, authorization))


def test_a_request_is_sent_ahead_with_the_token(clock: FakeClock) -> None:
    """
    The request that follows can be sent before it is run, to the hosts of the service only.
    """
    transport = Ahead()
    runner = Runner(Box(), SERVICE, cast("Transport", transport), clock=clock)

    runner.send_ahead(Request("GET", "https://api.contoso.com/v1/x"))
    runner.send_ahead(Request("GET", "https://evil.example/v1/x"))

    assert [("https://api.contoso.com/v1/x", "Bearer canary")] == transport.sent


def test_nothing_is_sent_ahead_of_a_wait(clock: FakeClock) -> None:
    """
    While the service slows a client down, and after it was stopped, each request waits for its turn.
    """
    transport = Ahead()
    runner = Runner(Box(), SERVICE, cast("Transport", transport), clock=clock)
    stop = Event()
    stop.set()

    runner.stoppable(stop).send_ahead(Request("GET", "https://api.contoso.com/v1/x"))
    runner.pace.throttled(clock.monotonic(), 5)
    runner.send_ahead(Request("GET", "https://api.contoso.com/v1/x"))

    assert [] == transport.sent


def test_logs_have_ids_and_neither_query_nor_token(face: tuple[Run, Sent], caplog: pytest.LogCaptureFixture) -> None:
    """
    The debug log names method, address and ids.
    """
    caplog.set_level(logging.DEBUG)
    run, _ = face

    run(call("https://api.contoso.com/v1/x?secret=1"))

    assert "GET https://api.contoso.com/v1/x answered 200, request id r-1" in caplog.text
    assert "secret" not in caplog.text
    assert "canary" not in caplog.text


def test_each_step_is_performed(face: tuple[Run, Sent], clock: FakeClock) -> None:
    """
    Waits, operations at the same time, and the query for permissions are performed; any other step is a mistake.
    """
    run, sent = face

    def steps() -> Generator[Step, object, tuple[object, object]]:
        yield Wait(3.0, "test")
        yield Wait(5.0, "test", is_throttled=True)
        held = yield HeldPermissions()
        parts = [send(Request("GET", f"https://api.contoso.com/{name}")) for name in ("x", "broken")]
        outcomes = yield Together(parts, at_once=2)
        return held, outcomes

    def wrong() -> Iterator[object]:
        yield "nonsense"

    held, outcomes = cast("tuple[object, list[Outcome]]", run(steps()))

    assert 3.0 == clock.sleeps[0]
    assert sum(clock.sleeps) >= 8.0
    assert Held() == held
    assert 2 == len(sent)
    assert [True, False] == [outcome.error is None for outcome in outcomes]
    with pytest.raises(TypeError, match="str"):
        run(cast("Operation[object]", wrong()))


def test_permissions_of_a_token() -> None:
    """
    Roles and scopes are both permissions; a token without scopes is that of an app. An unreadable token has none.
    """
    user = jwt(scp="User.Read Mail.Read")
    app = jwt(roles=["User.Read.All"])

    assert Held() == permissions_of(None)
    assert Held() == permissions_of(Token("opaque", issued_at=0.0, expires_at=1.0))
    assert Held(("Mail.Read", "User.Read"), is_app=False) == permissions_of(Token(user, issued_at=0.0, expires_at=1.0))
    assert Held(("User.Read.All",), is_app=True) == permissions_of(Token(app, issued_at=0.0, expires_at=1.0))


def test_an_operation_asks_for_its_service(face: tuple[Run, Sent]) -> None:
    """
    An operation that knows no service receives the one that it runs on.
    """
    run, sent = face

    def operation() -> Generator[Step, object, str]:
        service = service_of((yield TheService()))
        yield request_to(service, "GET", "/me")
        return service.name

    assert "mine" == run(operation())
    assert ["https://api.contoso.com/v1/me"] == [url for url, _ in sent]


def test_a_call_without_a_service_is_sent_to_that_of_the_runner(face: tuple[Run, Sent]) -> None:
    """
    The path of a call is below the address of the service, any number of times; it can't leave it.
    """
    run, sent = face
    call = path_call("GET", "/me", top=1)

    assert {} == run(call) == run(call)
    assert ["https://api.contoso.com/v1/me?$top=1"] * 2 == [url for url, _ in sent]
    with pytest.raises(ParameterError, match="leaves the service"):
        run(path_call("GET", "/../other"))
