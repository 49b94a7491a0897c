"""Servers of the HTTP tests."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from tests.http.drip import DripServer
from tests.http.keep_alive import KeepAliveServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.http.drip import Answer


@pytest.fixture
def drip_server(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[Callable[..., DripServer]]:
    """Return a function that starts a DripServer with an answer: `is_http2=True`, or `is_plain=True` without TLS."""
    servers: list[DripServer] = []

    def start(answer: Answer, *, is_http2: bool = False, is_plain: bool = False, **more: bool) -> DripServer:
        context = None if is_plain else ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if context is not None:
            context.load_cert_chain(test_ca[0].with_name("leaf.pem"))
            context.set_alpn_protocols(["h2"] if is_http2 else ["http/1.1"])
        servers.append(DripServer(answer, context, **more))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def keep_alive_server(test_ca: tuple[Path, ssl.SSLContext]) -> Iterator[KeepAliveServer]:
    """Return a server whose connections stay open."""
    server = KeepAliveServer(test_ca[1])
    yield server
    server.close()
