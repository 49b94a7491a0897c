"""An independent Graph server: a few hundred users behind TLS, and all faults of a network and a service.

It is not the emulator: it supports just enough of paging, counting, batches and delta to lose or double an object if
the client allows it, and it counts every effect of a request.
"""

from __future__ import annotations

import http.server
import json
import re
import select
import threading
import time
import urllib.parse
from collections import Counter
from email.utils import formatdate
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.conftest import FakeClock

from entrakit import Token, Transport
from entrakit.graph.client import Client
from entrakit.services.runner import Runner
from entrakit.services.service import Service

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

USERS = 230
PAGE = 50
CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'


class Answer(NamedTuple):
    """A response: status, headers, and a body that is JSON unless it is bytes."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Fault(NamedTuple):
    """A fault of a request.

    Args:
        kind: Kind of the requests: `get`, `list`, `count`, `batch`, `delta`, `write`.
        form: Form of the fault: see `GraphServer.spoiled`.
        seconds: Required pause.
        times: Number of requests with the fault.
        skip: Number of requests before the first fault.
    """

    kind: str
    form: str
    seconds: float | None = None
    times: int = 1
    skip: int = 0


class GraphServer:
    """The service.

    Args:
        context: TLS context with the certificate.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.users = [
            {"id": f"id-{number:04}", "userPrincipalName": f"{'abcdefgh'[number % 8]}{number:04}@contoso.com"}
            for number in range(USERS)
        ]
        self.deltas: list[dict[str, object]] = [{"id": user["id"]} for user in self.users]
        self.faults: list[Fault] = []
        self.item_faults: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.effects: Counter[str] = Counter()
        self.valid_token = "token-1"
        self.batch_sizes: list[int] = []
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def paths(self, kind: str = "") -> list[str]:
        """Return the paths of the requests, of one kind or all."""
        return [path for method, path, _ in self.asked if not kind or kind_of(method, path) == kind]

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """Process a request, and return the response without a fault."""
        path, _, query = target.partition("?")
        options = dict(urllib.parse.parse_qsl(query))
        if path == "/v1.0/$batch":
            return self._batch(json.loads(body))
        if method == "POST":
            name = json.loads(body)["displayName"]
            self.effects[f"create {name}"] += 1
            return Answer(201, {"id": f"new-{name}", "displayName": name})
        if method in ("DELETE", "PATCH"):
            self.effects[f"{method.lower()} {path.rpartition('/')[2]}"] += 1
            return Answer(204)
        if path == "/v1.0/users/$count":
            return Answer(200, str(len(self._matching(options))).encode(), {"content-type": "text/plain"})
        if path == "/v1.0/users/delta":
            return self._page(self.deltas, path, options, delta=True)
        if path == "/v1.0/users":
            return self._page(list(self._matching(options)), path, options)
        found = next((user for user in self.users if user["id"] == path.rpartition("/")[2]), None)
        if found is None:
            return refusal(404, "Request_ResourceNotFound", "It does not exist.")
        return Answer(200, found)

    def _matching(self, options: dict[str, str]) -> list[dict[str, str]]:
        starts = re.findall(r"startsWith\(userPrincipalName,'([^']*)'\)", options.get("$filter", ""))
        return [one for one in self.users if not starts or one["userPrincipalName"].startswith(tuple(starts))]

    def _page(
        self,
        items: list[dict[str, object]] | list[dict[str, str]],
        path: str,
        options: dict[str, str],
        *,
        delta: bool = False,
    ) -> Answer:
        token = options.get("$skiptoken", "0")
        begin = int(token.split("-")[0])
        if options.get("$deltatoken", "").startswith(("done", "latest")):
            begin = len(items)
        page: dict[str, object] = {"@odata.context": "x", "value": items[begin : begin + PAGE]}
        rest = {name: value for name, value in options.items() if name not in ("$skiptoken", "$deltatoken")}
        if begin + PAGE < len(items):
            query = urllib.parse.urlencode({**rest, "$skiptoken": str(begin + PAGE)})
            page["@odata.nextLink"] = f"{self.url}{path}?{query}"
        elif delta:
            page["@odata.deltaLink"] = f"{self.url}{path}?$deltatoken=done{len(items)}"
        return Answer(200, page)

    def _batch(self, asked: dict[str, list[dict[str, object]]]) -> Answer:
        answers = []
        self.batch_sizes.append(len(asked["requests"]))
        for item in asked["requests"]:
            waiting = self.item_faults.get(str(item["url"]).partition("?")[0], [])
            body = json.dumps(item["body"]).encode() if "body" in item else b""
            done = waiting.pop(0) if waiting else self.answer(str(item["method"]), f"/v1.0{item['url']}", body)
            is_json = not isinstance(done.body, bytes)
            content = done.body if is_json else done.content.decode()
            kind = {"Content-Type": "application/json" if is_json else "text/plain"}
            answers.append(
                {"id": item["id"], "status": done.status, "headers": kind | dict(done.headers), "body": content}
            )
        # In another order: the service promises none.
        return Answer(200, {"responses": answers[::-1]})

    def take(self, method: str, target: str) -> Fault | None:
        """Return the fault of a request; None if it has none."""
        with self._lock:
            for index, fault in enumerate(self.faults):
                if fault.kind != kind_of(method, target):
                    continue
                if fault.skip:
                    self.faults[index] = fault._replace(skip=fault.skip - 1)
                    return None
                self.faults[index] = fault._replace(times=fault.times - 1)
                if fault.times == 1:
                    del self.faults[index]
                return fault
        return None

    def spoiled(  # noqa: C901, PLR0912 - a table
        self, fault: Fault, honest: Callable[[], Answer]
    ) -> tuple[Answer, str]:
        """Return the response with a fault, and the fate of the connection."""
        seconds = {} if fault.seconds is None else {"retry-after": f"{fault.seconds:g}"}
        match fault.form:
            case "429":
                return refusal(429, "TooManyRequests", "Please retry again later.", seconds), ""
            case "429-bare":
                return refusal(429, "TooManyRequests", "Please retry again later."), ""
            case "429-date":
                date = {"date": formatdate(time.time(), usegmt=True)}
                later = formatdate(time.time() + (fault.seconds or 0), usegmt=True)
                return refusal(429, "TooManyRequests", "Later.", {"retry-after": later} | date), ""
            case "500" | "502" | "503" | "504":
                return refusal(int(fault.form), "ServiceUnavailable", "Later.", seconds), ""
            case "html-503":
                return Answer(503, b"<html>down</html>", {"content-type": "text/html"}), ""
            case "reset":
                return Answer(), "close"
            case "done-reset":
                honest()
                return Answer(), "close"
            case "cut":
                return honest(), "cut"
            case "truncated":
                whole = honest()
                return Answer(whole.status, whole.content[: len(whole.content) // 2], whole.headers), ""
            case "html":
                return Answer(200, b"<html>Welcome</html>", {"content-type": "text/html"}), ""
            case "slow":
                return honest(), "slow"
            case "gone":
                return refusal(410, "syncStateNotFound", "Begin again."), ""
            case "400":
                return refusal(400, "Request_BadRequest", "No."), ""
            case "details":
                return Answer(422, DETAILED), ""
            case "forgotten":
                return refusal(400, "Directory_ExpiredPageToken", "Too old."), ""
            case "expired":
                self.valid_token = f"token-{int(self.valid_token.rpartition('-')[2]) + 1}"
                return refusal(401, "InvalidAuthenticationToken", "Lifetime validation failed."), ""
            case "challenge":
                return refusal(401, "InvalidAuthenticationToken", "CAE", {"www-authenticate": challenge()}), ""
            case "foreign":
                whole = honest()
                text = whole.content.decode().replace(
                    f'"@odata.nextLink": "{self.url}', '"@odata.nextLink": "https://evil.example'
                )
                return Answer(200, text.encode()), ""
            case "twice":
                whole = honest()
                text = re.sub(
                    r"skiptoken=(\d+)", lambda one: f"skiptoken={int(one[1]) - PAGE}-again", whole.content.decode()
                )
                return Answer(200, text.encode()), ""
            case "reversed" | "overlapping":
                whole = json.loads(honest().content)
                begin = self.users.index(whole["value"][0])
                earlier = self.users[max(0, begin - PAGE) : begin]
                values = earlier[::-1] if fault.form == "reversed" else [*earlier[-3:], *whole["value"]]
                if fault.form == "reversed":
                    # The previous page again, in another order, and then this one.
                    whole["@odata.nextLink"] = f"{self.url}/v1.0/users?$skiptoken={begin}-again"
                return Answer(200, {**whole, "value": values}), ""
        raise AssertionError(fault.form)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with server._lock:
                    server.asked.append((self.command, self.path, headers))
                fault = server.take(self.command, self.path)
                happens = ""
                if fault is not None:
                    answer, happens = server.spoiled(fault, lambda: server.answer(self.command, self.path, body))
                elif headers.get("authorization") != f"Bearer {server.valid_token}":
                    answer = refusal(401, "InvalidAuthenticationToken", "This token is not the one.")
                else:
                    answer = server.answer(self.command, self.path, body)
                try:
                    self.reply(answer, happens)
                except OSError:
                    # The client has closed the connection, as after a time-out.
                    self.close_connection = True

            do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - the library's names

            def reply(self, answer: Answer, happens: str) -> None:
                if happens == "close":
                    self.close_connection = True
                    return
                content = answer.content
                if happens == "slow":
                    # The client gives up first, and ends the connection.
                    select.select([self.connection], [], [], 10)
                    return
                self.send_response_only(answer.status)
                for name, value in {"content-type": "application/json", "request-id": "r-1", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if happens == "cut" else content)
                if happens == "cut":
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        return Handler


class TokenBox:
    """The tokens of a connection, renewed on request.

    Args:
        server: Service that decides which token is valid.
        clock: Clock for the time of issue.
    """

    tenant_id = "tenant-1"

    def __init__(self, server: GraphServer, clock: FakeClock) -> None:
        self._server = server
        self._clock = clock
        self._token = Token("token-1", issued_at=0.0, expires_at=1e12)
        self._lock = threading.Lock()
        self.claims: list[str] = []
        self.renewed = 0

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Return the token, or a new one."""
        with self._lock:
            if claims or (issued_after and self._token.issued_at <= issued_after):
                self.renewed += 1
                self.claims.append(claims)
                self._token = Token(self._server.valid_token, issued_at=self._clock.time(), expires_at=1e12)
            return self._token

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return the token if it need not be renewed."""
        return self._token if not issued_after or self._token.issued_at > issued_after else None


DETAILED = {
    "error": {
        "code": "Request_UnprocessableEntity",
        "message": "Validation failed.",
        "details": [{"code": "ContainsBlockedWord", "target": "displayName", "message": "A blocked word: 'payroll'."}],
    }
}


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Answer:
    """Return an error in Graph's form."""
    return Answer(status, {"error": {"code": code, "message": message, "innerError": {"date": "x"}}}, headers or {})


def challenge() -> str:
    """Return a `WWW-Authenticate` header with a claims challenge."""
    import base64

    return f'Bearer realm="", error="insufficient_claims", claims="{base64.b64encode(CLAIMS.encode()).decode()}"'


def kind_of(method: str, target: str) -> str:
    """Return the kind of a request."""
    path = target.partition("?")[0]
    if path.endswith("/$batch"):
        return "batch"
    if method != "GET":
        return "write"
    return {"$count": "count", "delta": "delta", "users": "list"}.get(path.rpartition("/")[2], "get")


class TickingClock(FakeClock):
    """A clock that returns a later time at each call."""

    def time(self) -> float:
        """Return the seconds since 1970, later each time."""
        self.elapsed += 0.001
        return super().time()


@pytest.fixture
def ticking() -> TickingClock:
    """Return a ticking clock."""
    return TickingClock()


@pytest.fixture
def server(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[GraphServer]:
    """Run the server."""
    made = GraphServer(test_ca[1])
    yield made
    made.close()


@pytest.fixture
def service(server: GraphServer) -> Service:
    """Return the service for the client."""
    return Service("graph", f"{server.url}/v1.0", "https://graph.microsoft.com", is_graph=True)


@pytest.fixture
def box(server: GraphServer, ticking: TickingClock) -> TokenBox:
    """Return the source of tokens."""
    return TokenBox(server, ticking)


@pytest.fixture
def graph(
    service: Service, box: TokenBox, test_ca: tuple[Path, ssl.SSLContext], ticking: TickingClock
) -> Iterator[Client]:
    """Return a client that does not really wait."""
    transport = Transport(ca_bundle=str(test_ca[0]), timeout_s=0.8, clock=ticking)
    yield Client(Runner(box, service, transport, clock=ticking))
    transport.close()
