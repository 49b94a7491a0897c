"""The one way to run a command."""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.cli.conftest import Terminal

from entrakit.cli import commands as command_files
from entrakit.cli.command_table import commands
from entrakit.cli.context import Context, Streams
from entrakit.cli.execute import execute
from entrakit.cli.options.request import sending
from entrakit.cli.output.single import Single
from entrakit.cli.parser import parser_of
from entrakit.cli.work import Caution, Note, Result, Rows, Work
from entrakit.errors import ExportError
from entrakit.http.message import Request
from entrakit.services.request import path_call

if TYPE_CHECKING:
    from tests.cli.conftest import Command as Entra
    from tests.cli.conftest import GraphCommand

    from entrakit.cli.command_table import Command
    from entrakit.cli.work import Output, Steps
    from entrakit.graph.client import Client

COMMANDS = Path(command_files.__path__[0])


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

    def on(self, client: Client, output: Output) -> Work:
        """Return the work on a service, one request."""
        request = Request(self.method, f"{client.service.url}/me")
        return sending([request], self._steps(output), note="Read the note.")

    def _steps(self, output: Output) -> Steps:
        self.runs.append(output)
        yield "It was done."
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
    Every command with a service also has a preview, output formats and a file. `connect` and `config` name services,
    but send them nothing.
    """
    for command in commands():
        known = set(parser_of(command).options())
        if "--service" in known and command.path not in ("connect", "config"):
            assert {"--name", "--what-if", "--output", "--out-file"} <= known, command.path


def local(
    answer: str = "", *, terminal: bool = True, as_json: bool = False, output: io.StringIO | None = None
) -> Context:
    """Return a context without a connection, whose user types an answer."""
    kind = Terminal if terminal else io.StringIO
    return Context(Streams(kind(answer), output or kind(), kind()), {}, as_json=as_json)


def printed(one: Context) -> tuple[str, str]:
    """Return the content of standard output and standard error."""
    assert isinstance(one.streams.output, io.StringIO)
    assert isinstance(one.streams.error, io.StringIO)
    return one.streams.output.getvalue(), one.streams.error.getvalue()


def counting(done: list[str]) -> Steps:
    """Count widgets, and record that it was done."""
    done.append("counted")
    yield Result([{"name": "a", "size": 1}], ("one widget",), Rows(("NAME",), [("a",)]))
    yield "Counted."
    yield Note("there could be more.")
    yield Caution("One is old.")
    return 3


def shown() -> Steps:
    """Preview the count."""
    yield Result({"count": "widgets"}, ("It would count widgets.",))
    return 0


def test_steps_are_printed_in_their_order() -> None:
    """
    Results go to standard output, messages with their labels to standard error, and the last value is the exit code.
    """
    one = local(terminal=False)

    assert 3 == execute(options(), one, Work(counting([])))
    assert ("one widget\n", "Counted.\nNote: there could be more.\nWarning: One is old.\n") == printed(one)


@pytest.mark.parametrize(
    ("more", "as_json", "expected"),
    [
        ({"output": "ndjson"}, False, '{"name":"a","size":1}\n'),
        ({}, True, '[\n  {\n    "name": "a",\n    "size": 1\n  }\n]\n'),
        ({"output": "tsv"}, False, "name\tsize\na\t1\n"),
        ({"output": "table"}, False, "NAME\na\n"),
    ],
)
def test_a_result_has_every_form(more: dict[str, object], as_json: bool, expected: str) -> None:
    """
    The same result is text for the user, objects for a program, or a table.
    """
    one = local(terminal=False, as_json=as_json)

    execute(options(**more), one, Work(counting([])))

    assert expected == printed(one)[0]


def test_a_preview_does_nothing() -> None:
    """
    `--what-if` prints the preview in place of the steps, and asks nothing; work without a preview is not done either.
    """
    done: list[str] = []
    one, program = local(), local(as_json=True)

    assert 0 == execute(options(what_if=True), one, Work(counting(done), preview=shown(), question="Count?"))
    assert 0 == execute(options(what_if=True), program, Work(counting(done), preview=shown()))
    assert 0 == execute(options(what_if=True), local(), Work(counting(done)))

    assert ("It would count widgets.\n", "") == printed(one)
    assert {"count": "widgets"} == json.loads(printed(program)[0])
    assert [] == done


@pytest.mark.parametrize(("answer", "yes", "code"), [("y\n", False, 3), ("n\n", False, 130), ("", True, 3)])
def test_a_question_comes_first(answer: str, yes: bool, code: int) -> None:
    """
    Work with a question is done only if the user agrees, or has agreed with `--yes`.
    """
    done: list[str] = []
    one = local(answer)

    assert code == execute(
        options(yes=yes), one, Work(counting(done), question="Count?", declined="Nothing was counted")
    )

    assert (code == 3) is (done == ["counted"])
    assert ("Count? [y/N]" in printed(one)[1]) is not yes
    assert ("Nothing was counted." in printed(one)[1]) is (code == 130)


def test_a_failure_to_print_is_raised_in_the_step(tmp_path: Path) -> None:
    """
    Steps that hold something, such as a server, end properly if their result can't be printed.
    """
    ended = []
    directory = tmp_path / "results"
    directory.mkdir()

    def serving() -> Steps:
        directory.rmdir()
        try:
            yield Result({"port": 1})
        finally:
            ended.append(True)
        return 0

    with pytest.raises(ExportError):
        execute(options(out=str(directory / "file")), local(), Work(serving()))
    assert [True] == ended


def test_steps_continue_without_a_reader() -> None:
    """
    A reader that closes the pipe, as `head` does, changes neither the steps nor their exit code.
    """

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    assert 3 == execute(options(), local(terminal=False, output=Closed()), Work(counting([])))


def test_text_can_not_control_a_terminal() -> None:
    """
    A terminal prints the text of a result, and does not obey it.
    """

    def hostile() -> Steps:
        yield Result(None, ("a\x1b[2Jb",))
        return 0

    one = local()
    execute(options(), one, Work(hostile()))

    assert "\x1b" not in printed(one)[0]


# One line for every row of the table. The named things do not exist; nothing is done before `execute` runs the work.
LINES = {
    "connect": "--client-id Graph --tenant-id contoso.com --device-code",
    "token": "--name a", "status": "", "inspect": "", "request": "GET /me", "batch": "-",
    "delta": "/users/delta --session s", "use": "a", "disconnect": "--all", "certificates": "", "vault path": "",
    "vault check": "", "vault rekey": "", "vault export": "f", "vault import": "f", "demo": "", "emulator": "",
    "completion": "bash", "config": "",
}  # fmt: skip


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.path)
def test_every_command_is_work_that_was_not_done(
    command: Command, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each row of the table turns its options into work; nothing is printed, asked or written before that is executed.
    """
    given = local('{"id": "1", "method": "GET", "url": "/me"}', terminal=False)
    environ = {"ENTRAKIT_HOME": str(private_home)}
    monkeypatch.chdir(private_home)
    parsed = parser_of(command).read(LINES[command.path].split())
    before = sorted(private_home.rglob("*"))

    work = getattr(import_module(command.module), command.function("work"))(parsed, given._replace(environ=environ))

    assert isinstance(work, Work) or callable(work.on)
    assert ("", "") == printed(given)
    assert before == sorted(private_home.rglob("*"))


def test_the_command_runs_all_work_here(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Every command line reaches `execute`, and its exit code is that of the command.
    """
    reached = []

    def record(options: argparse.Namespace, context: Context, work: object) -> int:
        reached.append(work)
        return 42

    monkeypatch.setattr("entrakit.cli.execute.execute", record)

    for path, line in LINES.items():
        assert 42 == entra(*path.split(), *line.split(), given='{"id": "1", "method": "GET", "url": "/me"}').code, path
    assert len(commands()) == len(reached)


# The attributes of its context that the file of a command may use, and the functions that print, ask or read an answer.
OF_CONTEXT = {"as_json", "can_ask", "environ", "open_vault", "is_terminal", "owns_process", "refuse_empty"}
BY_EXECUTE = {
    "print", "input", "getpass", "confirm", "require_confirmation", "ask_line", "ask_secret", "execute", "write_result",
    "write_table", "write_value", "open_destination",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.stem)
def test_commands_neither_print_nor_ask(path: Path) -> None:
    """
    No file of a command writes to a stream, asks a question or reads an answer: its work says what is printed.
    """
    # A stream may be looked at: whether it is a terminal.
    text = re.sub(
        r"is_terminal\(context\.streams\.\w+\)", "is_terminal", ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
    )
    nodes = list(ast.walk(ast.parse(text)))
    of_context = {one.attr for one in nodes if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "context"}
    called = {ast.unparse(one.func).rpartition(".")[2] for one in nodes if isinstance(one, ast.Call)}

    assert set() == of_context - OF_CONTEXT
    assert set() == called & BY_EXECUTE
    assert "sys.std" not in text
