"""Prompts: never without a terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli.context import Context, Streams
from entrakit.cli.options.prompts import ask_line, ask_secret, confirm, read_secret
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Command

GUID = "aaaaaaaa-2222-3333-4444-555555555555"


def test_nothing_on_standard_input_is_told(entra: Command) -> None:
    """
    An empty secret on standard input, and an input that ends before a line was pasted, are errors.
    """
    assert "is empty" in entra.connect("--client-secret-stdin", app=True).error
    assert "standard input has ended" in entra.connect("--paste").error


def context(given: str = "", *, terminal: bool = True) -> Context:
    """Return a context with something on standard input."""
    kind = Terminal if terminal else io.StringIO
    return Context(Streams(kind(given), kind(), kind()), {})


def test_a_secret_is_typed_at_a_terminal(typed: Callable[[str], None]) -> None:
    """
    At a terminal a secret is typed without echo; without one the error says how else to give it.
    """
    typed("secret")

    assert "secret" == ask_secret(context(), "client secret", "Use a file.").reveal()
    with pytest.raises(ParameterError, match="no terminal to ask for it") as caught:
        ask_secret(context(terminal=False), "client secret", "Use a file.")
    assert "Use a file." == caught.value.remedy


@pytest.mark.parametrize(("keys", "problem"), [
    (b"\x04", "The client secret was not typed: the input has ended."),
    (b"canary\xff\n", "The client secret is not UTF-8 text."),
])  # fmt: skip
def test_a_prompt_that_ends_without_a_secret_is_told(keys: bytes, problem: str, tmp_path: Path) -> None:
    """
    The end of the input (Ctrl-D) and bytes of another encoding at the prompt of a secret are errors of the user, with
    what to do next. The typed characters are not shown.
    """
    pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    on_terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    words = ("connect", "--client-id", GUID, "--tenant-id", GUID, "--client-secret")
    environ = {**os.environ, "ENTRAKIT_HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", on_terminal, sys.executable, "-m", "entrakit", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert b"Client secret: " == process.stdout.read(len(b"Client secret: "))
        process.stdin.write(keys)
        process.stdin.flush()
        told = process.stdout.read().decode()

    assert f"Error: {problem}\r\n  Next: Type it again. Use --client-secret-stdin" in told
    assert "canary" not in told
    assert 2 == process.returncode


@pytest.mark.parametrize("given", ["secret", "secret\n", "secret\r\n"])
def test_a_secret_in_a_pipe_loses_its_line_break(given: str) -> None:
    """
    One line break at the end of standard input does not belong to the secret.
    """
    assert "secret" == read_secret(context(given, terminal=False), "client secret").reveal()


@pytest.mark.parametrize(
    "piped",
    [
        b"F\xc3\xbc\xc3\x9fe\r\n",
        b"\xef\xbb\xbfF\xc3\xbc\xc3\x9fe\r\n",
        b"\xff\xfe" + "Füße\r\n".encode("utf-16-le"),
        b"\xfe\xff" + "Füße\n".encode("utf-16-be"),
        "Füße\r\n".encode("utf-16-le"),
        "Füße".encode("utf-16-be"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_a_secret_is_read_as_powershell_pipes_it(piped: bytes, encoding: str) -> None:
    """
    PowerShell 5.1 pipes a byte order mark and Windows line ends, or UTF-16 with or without that mark. The encoding of
    the system does not matter.
    """
    stream = io.TextIOWrapper(io.BytesIO(piped), encoding=encoding)

    assert "Füße" == read_secret(Context(Streams(stream, io.StringIO(), io.StringIO()), {}), "password").reveal()


@pytest.mark.parametrize(("piped", "problem"), [
    (b"\xff\x00canary", "is not UTF-8 text"), (b"canary" * 20000, "is too large"), (b"\xef\xbb\xbf\r\n", "is empty"),
    ("canary€".encode("utf-16-le"), "not UTF-8 text: it contains null bytes, as UTF-16 without a byte order mark does"),
    (b"canary\0", "not UTF-8 text: it contains null bytes"), (b"can\0ary\0", "not UTF-8 text: it contains null bytes"),
    (b"\xffcanary", "is not UTF-8 text[.]"),
])  # fmt: skip
def test_a_pipe_without_a_secret_says_why(piped: bytes, problem: str) -> None:
    """
    Bytes that are not text, and more than any secret has, are not cut or guessed.
    """
    stream = io.TextIOWrapper(io.BytesIO(piped))

    with pytest.raises(ParameterError, match=problem) as caught:
        read_secret(Context(Streams(stream, io.StringIO(), io.StringIO()), {}), "password")

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("answer", "expected"), [("y", True), ("Yes\n", True), ("no\n", False), ("", False)])
def test_a_question_is_answered_with_yes(answer: str, expected: bool) -> None:
    """
    Only yes is a yes.
    """
    one = context(answer)

    assert expected == confirm(one, "Send it?")
    assert isinstance(one.streams.error, io.StringIO)
    assert "Send it? [y/N] " == one.streams.error.getvalue()


def test_a_line_is_pasted() -> None:
    """
    The line is returned as pasted; the error for an input that ends begins on a new line.
    """
    ended = context()

    assert "https://localhost\n" == ask_line(context("https://localhost\n"), "Paste it: ")
    with pytest.raises(ParameterError, match="standard input has ended"):
        ask_line(ended, "Paste it: ")
    assert isinstance(ended.streams.error, io.StringIO)
    assert "Paste it: \n" == ended.streams.error.getvalue()
