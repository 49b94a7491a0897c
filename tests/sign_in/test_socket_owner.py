"""The user at the other end of a connection, from the tables of the system."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrakit.sign_in.socket_owner import NOBODY, is_ours, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    Pair = tuple[socket.socket, socket.socket]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these tables")


@pytest.fixture(params=["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Return both ends of a connection: of the browser, and of the listener."""
    family = socket.AF_INET if request.param.count(".") == 3 and ":" not in request.param else socket.AF_INET6
    host = "::1" if request.param == "::1" else "127.0.0.1"
    kind = socket.AF_INET6 if host == "::1" else socket.AF_INET
    with socket.create_server((host, 0), family=kind) as listener, socket.socket(family) as browser:
        browser.connect((request.param, listener.getsockname()[1]))
        accepted, _ = listener.accept()
        with accepted:
            yield browser, accepted


def test_the_owner_of_the_other_end_is_found(pair: Pair) -> None:
    """
    A connection of this process belongs to this user, over IPv4, IPv6, and IPv4 in a socket of IPv6.
    """
    assert os.geteuid() == owner_of(pair[1])
    assert is_ours(pair[1])


def test_a_closed_end_belongs_to_nobody(pair: Pair) -> None:
    """
    A process that has closed its end can't read the answer, so that end has no owner.
    """
    pair[0].close()

    assert NOBODY == owner_of(pair[1])
    assert not is_ours(pair[1])


def test_another_user_is_a_stranger(pair: Pair, tmp_path: Path) -> None:
    """
    The table decides: another user is refused, root is not, and a table without the connection tells nothing.
    """
    here = f"/proc/net/tcp{'6' if pair[0].family == socket.AF_INET6 else ''}"
    rows = Path(here).read_text(encoding="ascii").splitlines()
    port = f":{pair[0].getsockname()[1]:04X} "
    table = tmp_path / "tcp"

    def with_user(user: str) -> list[str]:
        found = [row.split() for row in rows if port in row]
        table.write_text("\n".join(["head", *(" ".join([*row[:7], user, *row[8:]]) for row in found)]))
        return [str(table)]

    assert not is_ours(pair[1], with_user("4242"))
    assert is_ours(pair[1], with_user("0"))
    assert is_ours(pair[1], [str(tmp_path / "missing")])
    table.write_text("head\nbroken\n")
    assert owner_of(pair[1], [str(table)]) is None
