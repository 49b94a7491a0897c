"""Strings from elsewhere on a terminal: answers, header fields, tokens, programs and arguments never drive it."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING

import pytest
from tests.cli.commands.test_request import answering
from tests.graph.conftest import Answer, refusal

from entrakit.cli.logs import configure, reset

if TYPE_CHECKING:
    from tests.cli.conftest import Command, GraphCommand, Result

# A title, a cleared screen, a colour in C1, text from right to left, a line separator, an overwritten line.
HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202eFDP\u2066X\u061c\u200f\u2028Y\r\x7f"
ARGUMENT = "/a\x1b[31m\u202e\x9b"


def obeyed(result: Result) -> set[str]:
    """Return the characters of a result that a terminal would obey."""
    text = (result.output + result.error).replace("\r\n", "\n")
    return {letter for letter in text if not letter.isprintable() and letter not in "\n\t"}


@pytest.mark.parametrize("form", ["json", "ndjson", "csv", "tsv", "table"])
@pytest.mark.parametrize("words", [(), ("--all",)])
def test_an_object_is_printed_and_not_obeyed(graph: GraphCommand, form: str, words: tuple[str, ...]) -> None:
    """
    Every output format makes control characters harmless.
    """
    answering(graph.server, "/v1.0/x", Answer(200, {"value": [{"id": "1", "displayName": HOSTILE}]}))

    result = graph("request", "GET", "/x", "--output", form, *words, terminal=True)

    assert 0 == result.code, result.error
    assert "pwned" in result.output
    assert set() == obeyed(result)


@pytest.mark.parametrize("words", [(), ("--json",), ("--debug",)])
def test_an_error_is_printed_and_not_obeyed(graph: GraphCommand, words: tuple[str, ...]) -> None:
    """
    Message, code, details and header fields of a refusal: in text, JSON and debug output.
    """
    body = {
        "error": {
            "code": HOSTILE,
            "message": HOSTILE,
            "details": [{"code": HOSTILE, "target": HOSTILE, "message": HOSTILE}],
            "innerError": {"request-id": HOSTILE},
        }
    }
    answering(graph.server, "/v1.0/x", Answer(400, body, {"request-id": "\x9b31m\x1b[2J"}))

    result = graph("request", "GET", "/x", *words, terminal=True)

    assert 10 == result.code
    assert "pwned" in result.error
    assert set() == obeyed(result)


def test_ids_of_batch_items_are_printed_and_not_obeyed(graph: GraphCommand) -> None:
    """
    Header fields of batch items are JSON strings, which may contain anything.
    """
    item = {"status": 400, "headers": {"request-id": HOSTILE}, "body": refusal(400, HOSTILE, HOSTILE).body}
    answering(graph.server, "/v1.0/$batch", Answer(200, {"responses": [{"id": "1", **item}, {"id": "2", **item}]}))
    lines = "".join(json.dumps({"id": name, "method": "GET", "url": f"/users/{name}"}) + "\n" for name in "ab")

    result = graph("batch", "-", given=lines, terminal=True)

    assert "pwned" in result.output
    assert set() == obeyed(result)


@pytest.mark.parametrize("words", [(), ("--json",), ("--output", "table"), ("--require", HOSTILE)])
def test_a_token_is_explained_and_not_obeyed(entra: Command, words: tuple[str, ...]) -> None:
    """
    Claims of a token, their names included, come from its maker.
    """
    names = ("aud", "iss", "tid", "upn", "scp", "name", "appid", "ver", HOSTILE)
    claims = dict.fromkeys(names, HOSTILE) | {"roles": [HOSTILE], "exp": 2e9}
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    result = entra("inspect", "--token-stdin", *words, given=f"e30.{part}.x", terminal=True)

    assert "pwned" in result.output
    assert set() == obeyed(result)


@pytest.mark.parametrize(
    "words",
    [
        ("request", "GET", ARGUMENT), ("request", ARGUMENT, "/x"), ("status", ARGUMENT), ("use", ARGUMENT), (ARGUMENT,),
        ("help", ARGUMENT), ("token", f"--{ARGUMENT}"), ("use", "a", ARGUMENT), ("batch", ARGUMENT),
        ("delta", "/users/delta", "--session", ARGUMENT), ("request", "GET", "/x", "--output", ARGUMENT),
        ("request", "GET", "/x", "--out-file", f"/none{ARGUMENT}"), ("vault", "import", ARGUMENT),
        ("connect", "--client-id", "Graph", "--tenant-id", ARGUMENT),
        ("connect", "--client-id", "Graph", "--tenant-id", "contoso.com", "--certificate-path", ARGUMENT),
        ("connect", "--client-id", "Graph", "--tenant-id", "contoso.com", "--certificate-name", ARGUMENT),
        ("emulator", "--restore", ARGUMENT),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [(), ("--json",), ("--debug",)])
def test_an_argument_is_repeated_and_not_obeyed(
    connected: Command, words: tuple[str, ...], form: tuple[str, ...]
) -> None:
    """
    Scripts pass arguments on from elsewhere.
    """
    result = connected(*words, *form, terminal=True)

    assert 0 != result.code
    assert set() == obeyed(result)


def test_the_log_is_printed_and_not_obeyed() -> None:
    """
    Lines of the log, with -v and --debug, name addresses and answers.
    """
    import io

    stream = io.StringIO()
    configure(stream, quiet=False, verbose=True, debug=False)
    try:
        logging.getLogger("entrakit.graph").info("answered %s", HOSTILE)
        logging.getLogger("entrakit").warning("answered %s", HOSTILE)
    finally:
        reset()

    assert 2 == stream.getvalue().count("pwned")
    assert all(letter.isprintable() or letter in "\n\t" for letter in stream.getvalue())
