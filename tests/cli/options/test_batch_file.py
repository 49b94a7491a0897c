"""Files of requests: errors name the request, and repeat no body."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from tests.cli.commands.test_batch import lines
from tests.graph.conftest import Answer

from entrakit.cli import main
from entrakit.cli.context import Streams

if TYPE_CHECKING:
    from tests.cli.conftest import GraphCommand
GET = {"id": "g", "method": "GET", "url": "/users/id-0001"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "no requests"),
        ("{}", "Line 1 has no id"),
        ("[]", "is a JSON list"),
        ('{"requests": {}}', "requests must be a list"),
        ('{"requests": [], "extra": 1}', "unknown field 'extra' next to requests"),
        ('{"requests": ["x"]}', "Request 1 must be a JSON object"),
        (lines(GET) + "{canary", "Line 2 is not JSON"),
        (lines(GET | {"bdoy": {"canary": 1}}), "Request 'g': unknown field 'bdoy'"),
        (lines(GET, GET), "Two requests have the id 'g'"),
        (lines(GET | {"id": True}), "Line 1 has no id"),
        (lines(GET | {"dependsOn": ["x"]}), "depends on 'x', which is not in the file"),
        (lines(GET | {"dependsOn": ["g"]}), "depends on itself"),
        (lines(GET | {"dependsOn": "x"}), "dependsOn must be a list of ids"),
        (lines(GET | {"method": "TRACE"}), "the method must be one of GET"),
        (lines(GET | {"url": ""}), "has no url"),
        (lines(GET | {"url": "https://evil.example/x"}), "is not a host of the service graph"),
        (lines(GET | {"url": "/a#b"}), "Request 'g': The path contains #"),
        (lines(GET | {"body": {"canary": 1}}), "a GET has no body"),
        (lines(GET | {"method": "POST", "body": float("nan")}), "the body is not JSON"),
        (lines(GET | {"headers": {"a": 1}}), "headers must be an object whose values are strings"),
        (lines(GET | {"headers": {"Authorization": "canary"}}), "is set by entrakit"),
        (lines({"id": "p", "method": "PUT", "url": "/x", "body": "canary!", "headers": {"Content-Type": "image/png"}}),
         "the body is not base64"),
        (lines(GET | {"dependsOn": ["h"]}, GET | {"id": "h", "dependsOn": ["g"]}), "in a circle: 'g', 'h'"),
        ('{"id": "1", "method": "GET", "url": "/me", "method": "DELETE"}', "has the same name twice"),
        ("\ud800", "is not UTF-8"),
    ],
)  # fmt: skip
def test_what_can_not_be_right_is_refused_by_name(graph: GraphCommand, given: str, expected: str) -> None:
    """
    Invalid files are refused before anything is sent, without repeating values of bodies.
    """
    asked = len(graph.server.asked)
    raw = io.TextIOWrapper(io.BytesIO(given.encode("utf-8", "surrogatepass")), encoding="utf-8")
    streams = Streams(raw, io.StringIO(), io.StringIO())

    code = main(("batch", "-"), streams, graph.command.environ)

    assert isinstance(streams.error, io.StringIO)
    assert 2 == code
    assert expected in streams.error.getvalue()
    assert "canary" not in streams.error.getvalue()
    assert asked == len(graph.server.asked)


def test_bodies_in_base64(graph: GraphCommand) -> None:
    """
    With a content type other than JSON the body is base64, as in the batches of Microsoft Graph.
    """
    request = {"id": "p", "method": "PUT", "url": "/me/photo", "body": "/9g=", "headers": {"content-type": "image/png"}}
    bodies: list[bytes] = []
    graph.server.answer = lambda method, target, body: (bodies.append(body), Answer(204))[1]  # type: ignore[method-assign,func-returns-value]

    assert 0 == graph("batch", "-", given=lines(request)).code
    assert [b"\xff\xd8"] == bodies
