"""The user at the other end of a loopback connection, as far as the system tells: Linux does, in /proc/net/tcp."""

from __future__ import annotations

import os
import sys
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
NOBODY = -1


def is_ours(connection: socket.socket, tables: Sequence[str] = TABLES) -> bool:
    """Return whether a connection comes from a process of this user or of root, or the system does not tell.

    Args:
        connection: An accepted connection on loopback.
        tables: Files with the connections of the system.
    """
    owner = owner_of(connection, tables)
    return owner is None or owner in (0, os.geteuid())


def owner_of(connection: socket.socket, tables: Sequence[str] = TABLES) -> int | None:
    """Return the user id of the other end; `NOBODY` if that end was closed, None if the system does not tell.

    Args:
        connection: As for `is_ours`.
        tables: As for `is_ours`.
    """
    if sys.platform != "linux":
        return None
    try:
        ends = (_end(*connection.getpeername()[:2]), _end(*connection.getsockname()[:2]))
    except OSError:
        return NOBODY
    for path in tables:
        try:
            with open(path, encoding="ascii") as table:
                rows = [line.split() for line in table][1:]
            for row in rows:
                if (_end(*_parsed(row[1])), _end(*_parsed(row[2]))) == ends:
                    # A closed end has no inode, and its user id is 0.
                    return int(row[7]) if row[9] != "0" else NOBODY
        except (OSError, ValueError, IndexError):
            continue
    return None


def _end(host: str | bytes, port: int) -> tuple[str, int]:
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address), port


def _parsed(text: str) -> tuple[bytes, int]:
    """Return the address and port of an end in a table: hexadecimal words in the order of this machine's bytes."""
    host, _, port = text.partition(":")
    words = (int(host[start : start + 8], 16) for start in range(0, len(host), 8))
    return b"".join(word.to_bytes(4, sys.byteorder) for word in words), int(port, 16)
