"""Previews and confirmations: nothing is sent by a preview, and no write without an answer at a terminal."""

from __future__ import annotations

import io
import json

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli.context import Context, Streams
from entrakit.cli.options.confirm import may_send, preview
from entrakit.errors import ParameterError
from entrakit.services.operation import Request

READ = Request("GET", "https://localhost/v1.0/me")
WRITE = Request("PATCH", "https://localhost/v1.0/me", {"content-type": "application/json"}, b'{"city":"London"}')
DELETE = Request("DELETE", "https://localhost/v1.0/users/1")


def context(
    answer: str = "", *, terminal: bool = True, error: io.StringIO | None = None, as_json: bool = False
) -> Context:
    """Return a context whose user types an answer."""
    kind = Terminal if terminal else io.StringIO
    return Context(Streams(kind(answer), kind(), error or kind()), {}, as_json=as_json)


def output(one: Context) -> str:
    """Return the content of standard output."""
    assert isinstance(one.streams.output, io.StringIO)
    return one.streams.output.getvalue()


def asked(one: Context) -> str:
    """Return the content of standard error."""
    assert isinstance(one.streams.error, io.StringIO)
    return one.streams.error.getvalue()


def test_a_preview_is_exact() -> None:
    """
    Method, address, header fields and body are printed as they would be sent; a message says that nothing was.
    """
    one = context(terminal=False)

    assert 0 == preview(one, [READ, WRITE])
    assert (
        "GET https://localhost/v1.0/me\n\nPATCH https://localhost/v1.0/me\ncontent-type: application/json\n\n"
        '{"city":"London"}\n'
    ) == output(one)
    assert asked(one).startswith("Nothing was sent.")


@pytest.mark.parametrize("as_list", [False, True])
def test_a_preview_as_json(as_list: bool) -> None:
    """
    For a program the preview of one request is an object, or a list if the command always has a list.
    """
    one = context(as_json=True)
    preview(one, [WRITE], as_list=as_list)
    expected = {
        "method": "PATCH",
        "url": "https://localhost/v1.0/me",
        "headers": {"content-type": "application/json"},
        "body": {"city": "London"},
    }

    assert ([expected] if as_list else expected) == json.loads(output(one))


@pytest.mark.parametrize(
    ("answer", "expected"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_a_write_needs_a_yes(answer: str, expected: bool) -> None:
    """
    Only yes sends a write; any other answer, and the end of the input, does not.
    """
    one = context(answer)

    assert expected == may_send(one, [WRITE], yes=False)
    assert "PATCH https://localhost/v1.0/me\nbody: 17 bytes\nSend it? [y/N] " in asked(one)
    assert expected == ("Nothing was sent." not in asked(one))


def test_many_writes_are_confirmed_once() -> None:
    """
    The question for several requests counts them by method.
    """
    one = context("y\n")

    assert may_send(one, [READ, WRITE, DELETE], yes=False)
    assert "3 requests to localhost: 1 DELETE, 1 GET, 1 PATCH\nSend them? [y/N] " == asked(one)


@pytest.mark.parametrize(
    ("requests", "yes", "terminal"), [([READ], False, True), ([WRITE], True, True), ([WRITE], False, False)]
)
def test_what_needs_no_confirmation(requests: list[Request], yes: bool, terminal: bool) -> None:
    """
    A read, a write with --yes, and a command without a terminal are sent without a question.
    """
    one = context(terminal=terminal)

    assert may_send(one, requests, yes=yes)
    assert "" == asked(one)


def test_a_question_must_be_visible() -> None:
    """
    If the user is at a terminal but standard error is not, a write is refused instead of waiting for an answer.
    """
    with pytest.raises(ParameterError, match="standard error is not a terminal"):
        may_send(context("y\n", error=io.StringIO()), [WRITE], yes=False)
