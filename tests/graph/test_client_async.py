"""The awaited client of Microsoft Graph."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from tests.heartbeat import run_async

from entrakit import connect
from entrakit.graph.client import Client
from entrakit.graph.client_async import AsyncClient
from entrakit.graph.delta_session import DeltaSession
from entrakit.http.transport_async import AsyncTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from entrakit import Connection, Transport
    from entrakit_emulator import Tenant


def public(kind: type) -> dict[str, list[str]]:
    """Return the public methods of a class, with the names of their parameters."""
    return {
        name: list(inspect.signature(method).parameters)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_faces_have_the_same_methods() -> None:
    """
    The awaited client has the methods of the blocking client, with the same parameters.
    """
    assert public(Client) == public(AsyncClient)


@pytest.fixture
def connection(entra_tenant: Tenant) -> Iterator[Connection]:
    """Return an app's connection to the embedded tenant."""
    made = connect(
        client_id=entra_tenant.confidential_client, tenant_id=entra_tenant.domain,
        client_secret=entra_tenant.client_secret, authority_url=entra_tenant.url, ca_bundle=entra_tenant.ca_path,
        graph_url=entra_tenant.url,
    )  # fmt: skip
    yield made
    made.close()


def test_the_awaited_face_asks_the_same(connection: Connection) -> None:
    """
    `connection.aio.graph` returns the same as `connection.graph`.
    """

    async def ask() -> object:
        async with connection.aio as awaited:
            return await awaited.graph.get("/organization")

    assert connection.graph.get("/organization") == run_async(ask())


def test_a_fresh_token_costs_no_thread(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While the token is fresh, the awaited client starts no thread for it.
    """
    connection.graph.get("/organization")

    async def ask() -> None:
        async with connection.aio as awaited:
            await awaited.graph.get("/organization")
            await awaited.get_token("https://graph.microsoft.com/.default", enable_cae=True)

    started: list[object] = []

    async def noted(function: Callable[..., object], *rest: object, **more: object) -> object:
        started.append(function)
        return function(*rest, **more)

    monkeypatch.setattr(asyncio, "to_thread", noted)
    run_async(ask())

    # The first request of a loop reads the trusted certificates in a thread.
    assert [AsyncTransport] == started


def test_a_delta_query_that_waits_for_another_process_does_not_block_the_loop(
    connection: Connection, tmp_path: Path
) -> None:
    """
    While another process holds the lock of the session, other tasks run; the position is saved once it is free.
    """
    path = tmp_path / "users"
    program = (
        f"import sys\nfrom entrakit.files.lock import LockFile\nlock = LockFile({f'{path}.lock'!r}, is_removed=True)\n"
        "lock.acquire(5)\nprint('held', flush=True)\nsys.stdin.read()\nlock.release()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        stdin = process.stdin
        assert "held\n" == process.stdout.readline()

        async def read(client: AsyncClient) -> int:
            return len([one async for one in client.delta("/users/delta", session=DeltaSession(path))])

        async def both() -> int:
            async with connection.aio as awaited:
                reading = asyncio.create_task(read(awaited.graph))
                # Longer than the heartbeat allows a block, while the lock is held.
                await asyncio.sleep(1.5)
                assert not reading.done()
                stdin.close()
                return await reading

        assert run_async(both()) > 0

    assert "deltatoken" in path.read_text()


class Noting(DeltaSession):
    """A session that notes the threads in which it is read and written."""

    threads: set[int]

    def link(self, key: str) -> str:
        """Return the link, and note the thread."""
        self.threads.add(threading.get_ident())
        return super().link(key)

    def keep(self, key: str, link: str) -> None:
        """Save the link, and note the thread."""
        self.threads.add(threading.get_ident())
        super().keep(key, link)


# Names of files that were opened in the thread of an event loop.
OPENED: list[str] = []
WATCHED: set[int] = set()


def note_opened(event: str, arguments: tuple[object, ...]) -> None:
    """Note files that a watched thread opens."""
    if event == "open" and threading.get_ident() in WATCHED:
        OPENED.append(str(arguments[0]))


def test_files_are_used_in_threads(connection: Connection, tmp_path: Path) -> None:
    """
    Neither the files of an export, also of one that continues another, nor those of a delta session are read or written
    in the thread of the loop.
    """
    sys.addaudithook(note_opened)
    session = Noting(tmp_path / "session")
    session.threads = set()
    target = tmp_path / "users.ndjson"

    def broken(count: int, total: int | None) -> None:
        raise ZeroDivisionError(f"{count} of {total}")

    async def use() -> int:
        WATCHED.add(threading.get_ident())
        try:
            async with connection.aio as awaited:
                with pytest.raises(ZeroDivisionError):
                    await awaited.graph.export("/users", target, top=3, on_page=broken)
                done = await awaited.graph.export("/users", target, top=3)
                await awaited.graph.export("/users", target, top=3, parallel=2)
                assert [one async for one in awaited.graph.delta("/users/delta", session=session)]
                return done.resumed
        finally:
            WATCHED.clear()

    assert run_async(use()) > 0
    assert [] == [one for one in OPENED if one.startswith(str(tmp_path))]
    assert session.threads
    assert threading.get_ident() not in session.threads


def test_certificates_are_read_in_a_thread_and_once(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Requests of several tasks that begin at the same time share one transport, whose trust is read in a thread.
    """
    made: list[int] = []

    class Noted(AsyncTransport):
        def __init__(self, like: Transport) -> None:
            made.append(threading.get_ident())
            super().__init__(like)

    monkeypatch.setattr("entrakit.connection.awaited.AsyncTransport", Noted)

    async def use() -> None:
        async with connection.aio as awaited:
            await asyncio.gather(*(awaited.graph.get("/organization") for _ in range(5)))

    run_async(use())

    assert 1 == len(made)
    assert threading.get_ident() not in made
