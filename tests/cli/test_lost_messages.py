"""Commands whose messages nobody reads: each failure keeps its exit code."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.commands.test_batch import ENTRA, creating, lines

from entrakit.cli.context import Messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Command, GraphCommand

WAYS = ("pipe", "closed", "full")


def ended(environ: dict[str, str], way: str, *words: str, stdin: int = subprocess.DEVNULL, both: bool = True) -> int:
    """Run the command while nobody reads its messages, and return its exit code.

    Args:
        environ: Variables of the command.
        way: `pipe`: the reader of standard error, and with `both` of standard output, has gone; `closed`: standard
            error is closed; `full`: it is on a full disk.
        words: Arguments.
        stdin: Standard input.
        both: Whether standard output goes the same way if it is a pipe; else it is ignored.
    """
    # With a buffer, a failure shows only when the buffer is flushed, for the last time as the process ends.
    environ = {**os.environ, **environ, "PYTHONUNBUFFERED": ""}
    if way == "pipe":
        reader, writer = os.pipe()
        os.close(reader)
        run: Callable[..., subprocess.CompletedProcess[bytes]] = subprocess.run
        try:
            done = run(
                [str(ENTRA), *words], env=environ, stdin=stdin, stderr=writer, timeout=60,
                stdout=writer if both else subprocess.DEVNULL, check=False,
            )  # fmt: skip
        finally:
            os.close(writer)
        return done.returncode
    ending = {"closed": "2>&-", "full": "2>/dev/full"}[way]
    shell = ["bash", "-c", f'exec "$@" >/dev/null {ending}', "bash", str(ENTRA), *words]
    return subprocess.run(shell, env=environ, stdin=stdin, timeout=60, check=False).returncode


def connecting(entra: Command, *words: str, app: bool = False) -> list[str]:
    """Return the arguments of `entra connect` to the embedded tenant."""
    tenant = entra.tenant
    client = tenant.confidential_client if app else tenant.public_client
    where = ["--authority-url", tenant.url, "--graph-url", tenant.url, "--ca-bundle", tenant.ca_path]
    return ["connect", *where, "--client-id", client, "--tenant-id", tenant.tenant_id, *words]


@pytest.mark.parametrize("way", WAYS)
def test_a_failed_sign_in_keeps_its_exit_code(entra: Command, way: str) -> None:
    """
    A wrong secret ends with 5, a password that is not enough with 4, a place that can't be used with 8.
    """
    wrong = {**entra.environ, "AZURE_CLIENT_SECRET": "wrong-secret"}
    user = entra.tenant.users.mfa
    password = {**entra.environ, "AZURE_PASSWORD": user.password}
    unusable = {**entra.environ, "AZURE_CLIENT_SECRET": entra.tenant.client_secret, "ENTRAKIT_HOME": "/dev/null/home"}

    assert 5 == ended(wrong, way, *connecting(entra, app=True))
    assert 4 == ended(password, way, *connecting(entra, "--username", user.upn))
    assert 8 == ended(unusable, way, *connecting(entra, app=True))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("flow", ["--device-code", "--no-browser", "--paste"])
def test_a_sign_in_whose_instructions_nobody_sees_ends_at_once(entra: Command, way: str, flow: str) -> None:
    """
    If the code or the link can't be shown, nobody can sign in: the exit code is 4, without a wait.
    """
    assert 4 == ended(entra.environ, way, *connecting(entra, flow))


def test_a_replacement_whose_question_nobody_could_see_is_done(connected: Command) -> None:
    """
    If standard error is not a terminal, nobody is asked, as without any terminal: the connection is replaced.
    """
    user = connected.tenant.users.normal
    environ = {**connected.environ, "AZURE_PASSWORD": user.password}
    del environ["AZURE_CLIENT_SECRET"]
    main, terminal = pty.openpty()
    try:
        for way in WAYS:
            words = connecting(connected, "--username", user.upn)
            assert 0 == ended(environ, way, *words, stdin=terminal)
    finally:
        os.close(main)
        os.close(terminal)
    assert user.upn in connected("status", "--json").output


@pytest.mark.parametrize("way", WAYS)
def test_every_failure_keeps_its_exit_code(graph: GraphCommand, tmp_path: Path, way: str) -> None:
    """
    Usage errors, missing connections, refused requests, failed batches and findings are reported by the exit code.
    """
    environ = graph.command.environ
    file = tmp_path / "requests"
    file.write_text(lines(*creating(1), {"id": "gone", "method": "GET", "url": "/users/nobody"}))
    home = Path(graph.command.environ["ENTRAKIT_HOME"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases: list[tuple[int, tuple[str, ...]]] = [
            (2, ("token", "--nonsense")),
            (2, ("nonsense",)),
            (2, ("emulator", "--port", port)),
            (1, ("emulator", "--snapshot", str(tmp_path))),
            (3, ("token", "--name", "nobody")),
            (9, ("inspect", "--require", "Nothing.At.All")),
            (11, ("request", "GET", "/users/nobody")),
            (11, ("batch", str(file), "--yes")),
            (11, ("batch", str(file), "--yes", "--json")),
            (11, ("batch", str(file), "--yes", "--output", "table")),
        ]
        assert cases == [(ended(environ, way, *words), words) for _, words in cases]
    (home / "connections" / "default.json").write_bytes(b"not an entry")
    assert 8 == ended(environ, way, "vault", "check")


def test_what_succeeded_is_a_success(connected: Command) -> None:
    """
    Without a reader of its messages, or of its result, a command that succeeded ends with 0.
    """
    for words in (("status",), ("token",), ("inspect",), ("--version",), ("vault", "path"), ("use", "default")):
        for way in WAYS:
            assert (0, words) == (ended(connected.environ, way, *words), words)


def test_a_lost_message_is_noted() -> None:
    """
    A stream whose reader has gone drops what is written to it, and knows that it did.
    """
    reader, writer = os.pipe()
    os.close(reader)
    stream = Messages(os.fdopen(writer, "wb"), encoding="utf-8", write_through=True)

    assert 5 == stream.write("lost\n")
    stream.flush()

    assert stream.is_lost
    with pytest.raises(BrokenPipeError):
        stream.detach().close()
