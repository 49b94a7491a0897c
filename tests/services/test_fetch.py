"""Values made from responses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from entrakit.errors import UnexpectedAnswerError
from entrakit.services.decoding import Entity
from entrakit.services.fetch import as_json, as_type
from entrakit.services.operation import Request, Response

GET = Request("GET", "https://graph.microsoft.com/v1.0/users/x")


class User(msgspec.Struct):
    """A user with a field whose name differs from that in JSON."""

    id: str
    display_name: str | None = msgspec.field(name="displayName", default=None)


class Whole(Entity):
    """A user that stores unknown members."""

    id: str
    display_name: str | None = msgspec.field(name="displayName", default=None)


def answer(body: bytes, kind: str = "application/json", request: Request = GET) -> Response:
    """Return a response."""
    return Response(request, 200, {"content-type": kind}, body)


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        (b'{"id":"x"}', "application/json", {"id": "x"}),
        (b"", "application/json", None),
        (b'\xef\xbb\xbf{"id":"x"}', "application/json", {"id": "x"}),
        (b'{"id":"\\ud83d \\ud83d\\ude00"}', "application/json", {"id": "\ufffd \U0001f600"}),
        (b"007", "text/plain", "007"),
        (b"words", "text/plain", "words"),
    ],
)
def test_what_json_says(body: bytes, kind: str, value: object) -> None:
    """
    Without a type the result has the values of the JSON, with or without the decoder; half of a surrogate pair
    becomes U+FFFD.
    """
    assert value == as_json(answer(body, kind))
    assert value == (as_type(answer(body, kind), object) if "json" in kind and body else value)


def test_a_count_is_a_number() -> None:
    """
    The response of `/$count`, often after a byte order mark, becomes a number.
    """
    request = GET._replace(url="https://graph.microsoft.com/v1.0/users/$count")

    assert as_json(answer(b"\xef\xbb\xbf42", "text/plain; charset=utf-8", request)) == 42


def test_a_type_is_made_and_checked() -> None:
    """
    With a type the result is a value of that type.
    """
    assert User("x", "Ada") == as_type(answer(b'{"id":"x","displayName":"Ada","more":1}'), User)


def test_an_entity_keeps_what_it_does_not_know() -> None:
    """
    An `Entity` stores unknown members in addition to its fields.
    """
    user = as_type(answer(b'{"id":"x","displayName":null,"more":{"a":1},"@odata.type":"#t"}'), Whole)

    assert Whole(id="x", additional={"more": {"a": 1}, "@odata.type": "#t"}) == user


def test_an_answer_of_another_type_is_an_error_that_nobody_repeats() -> None:
    """
    The error for a complete response of another type names the invalid member, and the request is not repeated.
    """
    with pytest.raises(UnexpectedAnswerError, match="not of the requested type") as caught:
        as_type(answer(b'{"id":5}'), User)

    assert not caught.value.retryable


@pytest.mark.parametrize("body", [b"{", b'{"a":', b"<html>", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_an_error(body: bytes) -> None:
    """
    Invalid or incomplete JSON is an error after which the request can be repeated.
    """
    with pytest.raises(UnexpectedAnswerError) as caught:
        as_json(answer(body))

    assert caught.value.retryable


def test_a_write_that_worked_says_so_even_if_its_answer_can_not_be_read() -> None:
    """
    A POST with an incomplete response must not be repeated if it succeeded: the error says that it did.
    """
    with pytest.raises(UnexpectedAnswerError, match=r"By its status, the request was done\."):
        as_json(answer(b"{", request=GET._replace(method="POST")))


def test_a_short_answer_loads_no_msgspec() -> None:
    """
    A short answer without a type is read without loading msgspec.
    """
    program = (
        "import sys\nfrom entrakit.services.operation import Request, Response\n"
        "from entrakit.services.fetch import as_json\n"
        "assert as_json(Response(Request('GET', 'https://x/'), 200, {}, b'{\"a\":1}')) == {'a': 1}\n"
        "print(sorted({'msgspec', 'asyncio', 'concurrent.futures', 'rich', 'httpx2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_types_of_all_kinds_are_taken() -> None:
    """
    Any type of msgspec can be used.
    """
    assert [1, 2] == as_type(answer(b"[1,2]"), list[int])
    assert {"a": 1} == as_type(answer(b'{"a":1}'), dict[str, Any])
