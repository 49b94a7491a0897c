"""Listing with entrakit: `typed`, `dicts` or `export`, with a number of pages in parallel."""

from __future__ import annotations

# Loaded before the clock runs, as by the others: what a start costs is another group's.
import encodings.idna  # noqa: F401
import json
import os
import sys
import tempfile
import time
from itertools import islice

import filelock  # noqa: F401
import urllib3.response  # noqa: F401

import entrakit.graph.export
import entrakit.http.connection
import entrakit.services.advanced_query
import entrakit.services.fan_in  # noqa: F401
from bench.programs.user import User, report
from entrakit import Token, Transport
from entrakit.graph import Client
from entrakit.services.runner import Runner
from entrakit.services.service import Service


class Fixed:
    """The part of a connection that a client needs, with one token."""

    tenant_id = "bench"

    def __init__(self, token: str) -> None:
        self._token = Token(token, issued_at=time.time(), expires_at=time.time() + 3600)

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Return the token."""
        return self._token

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return the token."""
        return self._token


def client(origin: str, ca: str, token: str) -> Client:
    """Return a client for an origin."""
    service = Service("graph", f"{origin}/v1.0", "https://graph.microsoft.com", is_graph=True)
    return Client(Runner(Fixed(token), service, Transport(ca_bundle=ca)))


def run(what: str, parallel: int, graph: Client, directory: str, most: int) -> int:
    """List all objects, or at most `most`, and return their number."""
    if what == "export":
        return graph.export("/users", os.path.join(directory, "users.ndjson"), parallel=parallel, top=999).written
    if what == "typed":
        return sum(1 for _ in islice(graph.items("/users", type=User, parallel=parallel, top=999), most))
    return sum(1 for _ in graph.items("/users", parallel=parallel, top=999))


if __name__ == "__main__":
    what, parallel, origin, ca, *limit = sys.argv[1:]
    graph = client(origin, ca, os.environ["TOKEN"])
    with tempfile.TemporaryDirectory() as directory:
        begun = time.perf_counter()
        count = run(what, int(parallel), graph, directory, int(limit[0]) if limit else sys.maxsize)
        print(json.dumps(report(begun, count)))
