"""Previews and confirmations: nothing is sent by a preview, and no write without an answer at a terminal."""

from __future__ import annotations

import io
from contextlib import nullcontext

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli.context import Context, Streams
from entrakit.cli.options.confirm import preview, question_for, require_confirmation
from entrakit.cli.work import DeclinedError
from entrakit.errors import ParameterError
from entrakit.services.operation import Request

READ = Request("GET", "https://localhost/v1.0/me")
WRITE = Request("PATCH", "https://localhost/v1.0/me", {"content-type": "application/json"}, b'{"city":"London"}')
DELETE = Request("DELETE", "https://localhost/v1.0/users/1")


def context(answer: str = "", *, terminal: bool = True, error: io.StringIO | None = None) -> Context:
    """Return a context whose user types an answer."""
    kind = Terminal if terminal else io.StringIO
    return Context(Streams(kind(answer), kind(), error or kind()), {})


def asked(one: Context) -> str:
    """Return the content of standard error."""
    assert isinstance(one.streams.error, io.StringIO)
    return one.streams.error.getvalue()


def test_a_preview_is_exact() -> None:
    """
    Method, address, header fields and body are shown as they would be sent.
    """
    (text,) = preview([READ, WRITE]).text

    assert (
        "GET https://localhost/v1.0/me\n\nPATCH https://localhost/v1.0/me\ncontent-type: application/json\n\n"
        '{"city":"London"}'
    ) == text


@pytest.mark.parametrize("is_many", [False, True])
def test_a_preview_for_a_program(is_many: bool) -> None:
    """
    For a program the preview of one request is an object, or a list if the command always has a list.
    """
    expected = {
        "method": "PATCH",
        "url": "https://localhost/v1.0/me",
        "headers": {"content-type": "application/json"},
        "body": {"city": "London"},
    }

    assert ([expected] if is_many else expected) == preview([WRITE], is_many=is_many).value


@pytest.mark.parametrize(
    ("answer", "expected"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_only_a_yes_confirms(answer: str, expected: bool) -> None:
    """
    Only yes confirms; any other answer, and the end of the input, does not.
    """
    one = context(answer)

    with nullcontext() if expected else pytest.raises(DeclinedError, match="Nothing was sent"):
        require_confirmation(one, "Send it?", "Nothing was sent")
    assert "Send it? [y/N] " == asked(one)


def test_the_question_names_a_request_or_counts_many() -> None:
    """
    The question for one request has its address and the size of its body; that for several counts them by method.
    """
    assert "PATCH https://localhost/v1.0/me\nbody: 17 bytes\nSend it?" == question_for([WRITE])
    assert "DELETE https://localhost/v1.0/users/1\nno body\nSend it?" == question_for([DELETE])
    assert "3 requests to localhost: 1 DELETE, 1 GET, 1 PATCH\nSend them?" == question_for([READ, WRITE, DELETE])


def test_without_a_terminal_there_is_no_question() -> None:
    """
    A command without a terminal continues without a question, since nobody could answer it.
    """
    one = context(terminal=False)

    require_confirmation(one, "Send it?", "Nothing was sent")

    assert "" == asked(one)


def test_a_question_must_be_visible() -> None:
    """
    If the user is at a terminal but standard error is not, a write is refused instead of waiting for an answer.
    """
    with pytest.raises(ParameterError, match="standard error is not a terminal"):
        require_confirmation(context("y\n", error=io.StringIO()), "Send it?", "Nothing was sent")
