"""HTTP/2 with a server of another project, and HTTP/1.1 with the same server."""

from __future__ import annotations

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async

from entrakit import Token, Transport
from entrakit.graph.client import Client
from entrakit.graph.client_async import AsyncClient
from entrakit.http.transport_async import AsyncTransport
from entrakit.services.runner import Runner
from entrakit.services.runner_async import AsyncRunner
from entrakit.services.service import Service

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

HERE = Path(__file__).parent / "node"


class Fixed:
    """The part of a connection that returns tokens, with one token."""

    tenant_id = "t"

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Return the token."""
        return Token("x", issued_at=0.0, expires_at=1e12)

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return the token."""
        return self.service_token(scope)


@pytest.fixture
def things(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[Service]:
    """A collection served over HTTP/2 by Node.js."""
    command = ["node", str(HERE / "http2.mjs"), str(test_ca[0].with_name("leaf.pem"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Service(
            "graph", f"https://localhost:{process.stdout.readline().strip()}/v1.0", "https://graph.microsoft.com"
        )
        assert process.stdin is not None
        process.stdin.close()


def test_the_blocking_client_speaks_http1(things: Service, test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    The blocking client offers HTTP/1.1 only; pages arrive complete, also with eight threads.
    """
    transport = Transport(ca_bundle=str(test_ca[0]))
    client = Client(Runner(Fixed(), things, transport))
    ids = [str(one["id"]) for one in client.items("/things")]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda page: client.response("GET", f"/things?page={page}"), range(40)))
    transport.close()

    assert 5000 == len(ids) == len(set(ids))
    assert {"1.1"} == {answer.headers["x-version"] for answer in answers}


def test_the_awaited_client_speaks_http2(things: Service, test_ca: tuple[Path, ssl.SSLContext]) -> None:
    """
    The awaited client does the same, with forty requests at once.
    """

    async def ask() -> tuple[int, set[str]]:
        transport = AsyncTransport(Transport(ca_bundle=str(test_ca[0])))
        client = AsyncClient(AsyncRunner(Fixed(), things, transport))
        count = len([one async for one in client.items("/things")])
        answers = await asyncio.gather(*(client.response("GET", f"/things?page={page % 10}") for page in range(40)))
        await transport.close()
        return count, {answer.headers["x-version"] for answer in answers}

    assert (5000, {"2.0"}) == run_async(ask())
