"""An endpoint of managed identities with chosen answers, and the variables and answers of each host.

They follow the documentation of the hosts, not the client.
"""

from __future__ import annotations

import http.server
import json
import ssl
import threading
from hashlib import sha1
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tests.sign_in.tools import token_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "aaaaaaaa-2222-3333-4444-555555555555"
OBJECT = "bbbbbbbb-2222-3333-4444-555555555555"
RESOURCE_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
GRAPH = "https://graph.microsoft.com"
HOSTS = ("imds", "app_service", "service_fabric", "arc", "machine_learning", "cloud_shell")


class Asked(NamedTuple):
    """A request that the endpoint received: its method, path, query or form, and header fields in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


def token(**claims: object) -> str:
    """Return a token of the identity, with other claims."""
    return token_with(**{"aud": GRAPH, "tid": TENANT, "oid": OBJECT, "appid": APP, "idtyp": "app", **claims})


class IdentityServer:
    """An endpoint on loopback. `answers` are given in order, the last one again and again.

    An answer is a status, a body (bytes, or an object that becomes JSON) and header fields.

    Args:
        clock: Clock of the answers.
        context: TLS context with its certificate; None without TLS.
    """

    def __init__(self, clock: FakeClock, context: ssl.SSLContext | None = None) -> None:
        self.clock = clock
        self.asked: list[Asked] = []
        self.answers: list[tuple[int, object, dict[str, str]]] = []
        self.make: Callable[[Asked], tuple[int, object, dict[str, str]]] | None = None
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.origin = f"http{'s' if context else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def give(self, body: object, status: int = 200, **fields: str) -> None:
        """Let it give one answer from now on."""
        self.answers = [(status, body, {name.replace("_", "-"): value for name, value in fields.items()})]

    def answer(self, asked: Asked) -> tuple[int, object, dict[str, str]]:
        """Return the answer to a request."""
        self.asked.append(asked)
        if self.make is not None:
            return self.make(asked)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length", 0))
                parts = urlsplit(self.path)
                text = self.rfile.read(length).decode() if length else parts.query
                fields = {name.lower(): value for name, value in self.headers.items()}
                status, body, more = server.answer(Asked(self.command, parts.path, dict(parse_qsl(text)), fields))
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the overridden parameter
                del format, args

        return Handler


def variables(host: str, server: IdentityServer, thumbprint: str = "") -> dict[str, str]:
    """Return the variables that a host sets for its programs."""
    url = f"{server.origin}/token"
    return {
        "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": server.origin},
        "app_service": {"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": "canary-header"},
        "service_fabric": {
            "IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": "canary-header", "IDENTITY_SERVER_THUMBPRINT": thumbprint
        },
        "arc": {"IDENTITY_ENDPOINT": url, "IMDS_ENDPOINT": server.origin},
        "machine_learning": {"MSI_ENDPOINT": url, "MSI_SECRET": "canary-secret"},
        "cloud_shell": {"MSI_ENDPOINT": url},
    }[host]  # fmt: skip


def body_of(host: str, now: float, *, lives_s: float = 86400, value: str = "", resource: str = GRAPH) -> object:
    """Return the answer of a host with a token."""
    ends = int(now + lives_s)
    common = {"access_token": value or token(), "resource": resource, "token_type": "Bearer"}
    return {
        "imds": {**common, "client_id": APP, "expires_in": str(int(lives_s)), "expires_on": str(ends),
                 "ext_expires_in": str(int(lives_s)), "not_before": str(int(now - 300))},
        "app_service": {**common, "client_id": APP, "expires_on": str(ends)},
        "service_fabric": {**common, "expires_on": ends},
        "arc": {**common, "expires_in": str(int(lives_s)), "expires_on": str(ends)},
        "machine_learning": {**common, "expires_on": str(ends)},
        "cloud_shell": {**common, "expires_in": str(int(lives_s)), "expires_on": str(ends)},
    }[host]  # fmt: skip


def thumbprint_of(pem: str) -> str:
    """Return the SHA-1 thumbprint of a certificate in PEM, in capital letters."""
    return sha1(ssl.PEM_cert_to_DER_cert(pem), usedforsecurity=False).hexdigest().upper()
