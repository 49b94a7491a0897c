"""The floor of listing: a TLS socket, no HTTP client. `drain` only reads the bytes, `msgspec` also decodes objects."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

import msgspec

from bench.programs.user import Page, report

NEXT = re.compile(rb'"@odata\.nextLink":"([^"]+)"')


def run(what: str, origin: str, ca: str, token: str, path: str) -> int:
    """List all users, and return the number of bytes or objects."""
    decoder = msgspec.json.Decoder(Page)
    parts = urlsplit(origin)
    context = ssl.create_default_context(cafile=ca)
    plain = socket.create_connection((parts.hostname or "", parts.port or 443))
    total = 0
    with context.wrap_socket(plain, server_hostname=parts.hostname) as secured:
        while path:
            secured.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            body = _body(secured)
            if what == "drain":
                total += len(body)
                found = NEXT.search(body[:4096])
                link = found[1].decode().replace("\\u0026", "&") if found else ""
            else:
                page = decoder.decode(body)
                total += len(page.value)
                link = page.next_link or ""
            path = link.removeprefix(origin)
    return total


def _body(secured: ssl.SSLSocket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += secured.recv(262144)
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"Unexpected answer: {head[:200]!r}")
    length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index] # the emulator sends it
    parts, got = [rest], len(rest)
    while got < length:
        part = secured.recv(262144)
        parts.append(part)
        got += len(part)
    return b"".join(parts)


if __name__ == "__main__":
    what, origin, ca, path = sys.argv[1:]
    token = os.environ["TOKEN"]
    begun = time.perf_counter()
    count = run(what, origin, ca, token, path)
    print(json.dumps(report(begun, count)))
