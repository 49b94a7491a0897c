"""The one way to run a command that sends requests."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli.command_table import commands
from entrakit.cli.context import Context, Streams
from entrakit.cli.execute import execute
from entrakit.cli.output.single import Single
from entrakit.cli.parser import parser_of
from entrakit.http.message import Request
from entrakit.services.request import path_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cli.conftest import GraphCommand

    from entrakit.cli.work import Output
    from entrakit.graph.client import Client


class Recorded(NamedTuple):
    """Work that records whether it was run.

    Args:
        method: Method of its request.
        runs: The output of each run.
        is_stream: Whether the objects stay one per line with `--json`.
    """

    method: str
    runs: list[Output]
    is_stream: bool = False
    default: str = "ndjson"
    is_many: bool = False
    note: str = "Read the note."

    def requests(self, client: Client, output: Output) -> Sequence[Request]:
        """Return one request."""
        return [Request(self.method, f"{client.service.url}/me")]

    def run(self, client: Client, output: Output) -> int:
        """Record the output."""
        self.runs.append(output)
        return 7


def options(**more: object) -> argparse.Namespace:
    """Return the options of a command that sends requests."""
    usual = {"name": None, "service": "graph", "service_url": "", "resource": "", "key_vault": "", "output": None}
    return argparse.Namespace(**{**usual, "out": None, "what_if": False, "yes": False, **more})


def context(graph: GraphCommand, answer: str = "", *, as_json: bool = False) -> Context:
    """Return a context on a terminal whose user types an answer."""
    return Context(Streams(Terminal(answer), Terminal(), Terminal()), graph.command.environ, as_json=as_json)


def test_reads_run_at_once(graph: GraphCommand) -> None:
    """
    Work that only reads is run without a question, and its exit code is that of the command.
    """
    work = Recorded("GET", [])

    assert 7 == execute(options(select="id, mail"), context(graph), work)
    assert [("ndjson", None, ("id", "mail"))] == [(one.format, one.out, one.columns) for one in work.runs]


@pytest.mark.parametrize(("answer", "code", "runs"), [("y\n", 7, 1), ("n\n", 130, 0), ("", 130, 0)])
def test_writes_are_confirmed(graph: GraphCommand, answer: str, code: int, runs: int) -> None:
    """
    Work that writes is run only if the user agrees, or has agreed with `--yes`.
    """
    work = Recorded("DELETE", [])

    assert code == execute(options(), context(graph, answer), work)
    assert runs == len(work.runs)
    assert 7 == execute(options(yes=True), context(graph), work)


def test_a_preview_sends_nothing(graph: GraphCommand) -> None:
    """
    `--what-if` prints the requests and the note of the work, for reads and writes.
    """
    for method in ("GET", "PATCH"):
        work, where = Recorded(method, []), context(graph)

        assert 0 == execute(options(what_if=True), where, work)

        assert [] == work.runs
        assert isinstance(where.streams.output, Terminal)
        assert isinstance(where.streams.error, Terminal)
        assert where.streams.output.getvalue().startswith(f"{method} https://")
        assert "Read the note." in where.streams.error.getvalue()


@pytest.mark.parametrize(("is_stream", "expected"), [(False, "json"), (True, "ndjson")])
def test_json_of_a_stream_is_one_object_per_line(graph: GraphCommand, is_stream: bool, expected: str) -> None:
    """
    `--json` selects JSON, except for work whose objects must be readable before the end.
    """
    work = Recorded("GET", [], is_stream)

    execute(options(), context(graph, as_json=True), work)
    execute(options(output="csv"), context(graph, as_json=True), work)

    assert [expected, "csv"] == [one.format for one in work.runs]


def test_a_call_without_a_service_is_work(graph: GraphCommand) -> None:
    """
    A command can make a call that knows neither connection nor service: it is previewed, confirmed, sent and printed.
    """
    read = Single(path_call("GET", "/users/id-0001"))
    write = Single(path_call("DELETE", "/users/id-0001"))
    first, second = context(graph), context(graph, "n\n")

    assert 0 == execute(options(output="tsv"), first, read)
    assert 130 == execute(options(), second, write)

    assert isinstance(first.streams.output, Terminal)
    assert "id-0001" in first.streams.output.getvalue()
    assert isinstance(second.streams.error, Terminal)
    assert f"DELETE {graph.server.url}/v1.0/users/id-0001" in second.streams.error.getvalue()


def test_commands_that_send_have_the_same_options() -> None:
    """
    Every command with a service also has a preview, output formats and a file.
    """
    for command in commands():
        known = set(parser_of(command).options())
        if "--service" in known:
            assert {"--name", "--what-if", "--output", "--out-file"} <= known, command.path
