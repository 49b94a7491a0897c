"""The lock of an entry and a token service whose answer never ends: other processes get the lock after the deadline."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.http.drip import DripServer, read_request

from entrakit import connect
from entrakit.errors import VaultBusyError
from entrakit.vault import Vault

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
# Four attempts of 0.8 seconds each, with much time for a busy machine; the server drips for longer.
BOUND_S = 15.0

# It waits for a line, then requests the token of the saved connection two hours later, and prints it or the error.
WORKER = """
import sys, time
from entrakit.connections import get_connection
from entrakit.errors import EntraError
from entrakit.http.transport import Transport
class Later:
    monotonic = staticmethod(time.monotonic)
    def time(self): return time.time() + 7200
    def sleep(self, seconds): pass
later = Later()
transport = Transport(ca_bundle=sys.argv[1], timeout_s=0.2, clock=later)
with get_connection("job", transport=transport, clock=later) as connection:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print(connection.token().access_token, flush=True)
    except EntraError as error:
        print(type(error).__name__, error.problem, flush=True)
"""


class TokenService:
    """A token service that answers at once, or with a header field that never ends.

    Args:
        context: TLS context with the server's certificate.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.is_dripping = False
        self.dripped = threading.Event()
        self.server = DripServer(self._answer, context)

    def _answer(self, connection: socket.socket) -> Iterator[bytes]:
        request = read_request(connection)
        if request.startswith(b"GET"):
            yield self._whole({
                "authorization_endpoint": f"{self.server.url}/{TENANT}/oauth2/v2.0/authorize",
                "token_endpoint": f"{self.server.url}/{TENANT}/oauth2/v2.0/token",
                "issuer": f"{self.server.url}/{TENANT}/v2.0",
            })  # fmt: skip
        elif not self.is_dripping:
            yield self._whole({"token_type": "Bearer", "access_token": "canary-token", "expires_in": 3600})
        else:
            self.dripped.set()
            yield b"HTTP/1.1 200 OK\r\nX-Slow: "
            while True:
                yield b"x"

    def _whole(self, value: dict[str, object]) -> bytes:
        body = json.dumps(value).encode()
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def say(process: subprocess.Popen[str]) -> None:
    """Send a line to a process."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line of a process."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_lock_is_free_after_the_deadline(test_ca: tuple[Path, ssl.SSLContext], private_home: Path) -> None:
    """
    A process that renews holds the lock no longer than its attempts may take; then the next process renews.
    """
    service = TokenService(test_ca[1])
    with ExitStack() as ends:
        ends.callback(service.server.close)
        connect(
            client_id=CLIENT, tenant_id=TENANT, client_secret="canary-secret", save_secret=True, name="job",
            authority_url=service.server.url, ca_bundle=test_ca[0],
        ).close()  # fmt: skip
        first, second = (
            ends.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, str(test_ca[0])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(2)
        )
        ends.callback(first.kill)
        ends.callback(second.kill)
        assert ["ready\n"] * 2 == [line_of(first), line_of(second)]
        service.is_dripping = True
        begun = time.monotonic()
        say(first)
        assert service.dripped.wait(10)
        say(second)
        with pytest.raises(VaultBusyError):
            Vault().lock("job", 0.0).__enter__()
        outcome = line_of(first)
        took = time.monotonic() - begun
        service.is_dripping = False

        assert f"NetworkError The answer of localhost:{service.server.port} arrives too slowly.\n" == outcome
        assert took < BOUND_S
        assert "canary-token\n" == line_of(second)
