"""`entra delta`: changes, line by line, and a position that advances only after them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.graph.conftest import USERS, Answer, Fault, refusal

if TYPE_CHECKING:
    from tests.cli.conftest import GraphCommand

ENTRA = Path(sys.executable).with_name("entra")


@pytest.fixture
def session(tmp_path: Path) -> str:
    """Return the path of a session file in its own directory."""
    (tmp_path / "delta").mkdir()
    return str(tmp_path / "delta" / "users.session")


def ids(text: str) -> list[str]:
    """Return the ids of objects, line by line."""
    return [json.loads(line)["id"] for line in text.splitlines()]


def test_first_everything_then_what_changed(graph: GraphCommand, session: str) -> None:
    """
    The first run prints all objects, the next one the changes since then, with removed objects.
    """
    first = graph("delta", "/users/delta", "--session", session)
    usual = graph.server.answer
    changes = [{"id": "new", "displayName": "Ö"}, {"id": "id-0001", "@removed": {"reason": "deleted"}}]

    def answer(method: str, target: str, body: bytes) -> Answer:
        if "$deltatoken=done" in target:
            return Answer(200, {"value": changes, "@odata.deltaLink": f"{graph.server.url}{target}2"})
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    second = graph("delta", "/users/delta", "--session", session)

    assert (0, USERS) == (first.code, len(set(ids(first.output))))
    assert "230 changed, 0 removed.\n" == first.error
    assert changes == [json.loads(line) for line in second.output.splitlines()]
    assert "1 changed, 1 removed.\n" == second.error


def test_nothing_new_is_nothing(graph: GraphCommand, session: str) -> None:
    """
    A run without changes prints nothing, and with `--out` leaves an empty file.
    """
    out = Path(session).with_name("changes.ndjson")
    words = ("delta", "/users/delta", "--session", session)

    assert 0 == graph(*words, "--out", str(out)).code
    assert USERS == len(out.read_text().splitlines())
    assert "" == graph(*words).output
    assert 0 == graph(*words, "--out", str(out)).code
    assert b"" == out.read_bytes()


def test_latest_skips_what_is_there(graph: GraphCommand, session: str) -> None:
    """
    With `--latest` a new session begins now, without the existing objects.
    """
    assert "" == graph("delta", "/users/delta", "--session", session, "--latest").output
    assert "" == graph("delta", "/users/delta", "--session", session).output
    assert any("deltatoken=latest" in path for path in graph.server.paths("delta"))


def test_options_reach_the_service(graph: GraphCommand, session: str) -> None:
    """
    Another query has its own position in the same session file.
    """
    words = ("delta", "/users/delta", "--session", session)
    assert 0 == graph(*words, "--select", "id", "--minimal", "--header", "Prefer:a=b", "--query", "x=1").code

    path, headers = next((path, headers) for _, path, headers in graph.server.asked if "/delta" in path)
    assert ("return=minimal" in headers["prefer"], "a=b" in headers["prefer"]) == (True, True)
    assert "$select=id" in path
    assert "x=1" in path
    assert USERS == len(ids(graph(*words).output))


@pytest.mark.parametrize("to_file", [False, True])
@pytest.mark.parametrize("page", [1, 2, 3, 5])
def test_nothing_is_lost_when_it_is_killed(graph: GraphCommand, session: str, page: int, to_file: bool) -> None:
    """
    If a run is killed at any page, its output and that of the next run together have all changes.
    """
    reached, killed = threading.Event(), threading.Event()
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        if len(graph.server.paths("delta")) == page and not killed.is_set():
            reached.set()
            killed.wait(10)
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    out = Path(session).with_name("changes.ndjson")
    words = ["delta", "/users/delta", "--session", session, *(["--out", str(out)] if to_file else [])]
    process = subprocess.Popen(
        [str(ENTRA), *words], env={**os.environ, **graph.command.environ}, stdout=subprocess.PIPE, text=True
    )
    assert reached.wait(15)
    process.send_signal(signal.SIGKILL)
    handed_on, _ = process.communicate(timeout=10)
    killed.set()

    assert not out.exists()
    again = graph(*words)

    assert 0 == again.code, again.error
    rest = out.read_text() if to_file else again.output
    assert {user["id"] for user in graph.server.users} == set(ids(handed_on)) | set(ids(rest))
    assert (50 * (page - 1) if not to_file else 0) == len(ids(handed_on))
    assert (USERS if to_file else USERS - 50 * (page - 1)) == len(ids(rest))


def test_the_place_moves_after_the_file_is_there(graph: GraphCommand, tmp_path: Path) -> None:
    """
    If the session file can't be written, the result file is complete, and the next run repeats the same changes.
    """
    gone, out = tmp_path / "gone", tmp_path / "changes.ndjson"
    words = ("delta", "/users/delta", "--session", str(gone / "users.session"), "--out", str(out))

    gone.mkdir()
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        if gone.exists():
            gone.rmdir()
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    failed = graph(*words)
    assert 1 == failed.code
    assert USERS == len(out.read_text().splitlines())
    out.unlink()
    gone.mkdir()
    graph.server.answer = usual  # type: ignore[method-assign] # as above

    assert 0 == graph(*words).code
    assert USERS == len(out.read_text().splitlines())


def test_a_failure_leaves_file_and_place(graph: GraphCommand, session: str) -> None:
    """
    With `--out`, a failure changes neither the file nor the session. Without it, the pages before it count.
    """
    out = Path(session).with_name("changes.ndjson")
    out.write_text("old")
    graph.server.faults = [Fault("delta", "400", skip=2)]
    failed = graph("delta", "/users/delta", "--session", session, "--out", str(out))
    graph.server.faults = [Fault("delta", "400", skip=2)]
    printed = graph("delta", "/users/delta", "--session", session)
    rest = graph("delta", "/users/delta", "--session", session)

    assert (10, "old") == (failed.code, out.read_text())
    assert ["changes.ndjson", "users.session"] == sorted(one.name for one in out.parent.iterdir())
    assert (10, 100, 130) == (printed.code, len(ids(printed.output)), len(ids(rest.output)))


@pytest.mark.parametrize("words", [(), ("--quiet",), ("--json",)])
def test_a_new_beginning_is_told(graph: GraphCommand, session: str, words: tuple[str, ...]) -> None:
    """
    When the service no longer knows the session, all objects are returned, and the user is warned even with `--quiet`
    or `--json`. The file has none of the earlier changes.
    """
    out = Path(session).with_name("changes.ndjson")
    command = ("delta", "/users/delta", "--session", session, "--out", str(out), *words)
    assert 0 == graph(*command).code
    usual, seen = graph.server.answer, len(graph.server.paths("delta"))

    def answer(method: str, target: str, body: bytes) -> Answer:
        if len(graph.server.paths("delta")) == seen + 1:
            return refusal(410, "resyncRequired", "Too old.")
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    result = graph(*command)

    assert 0 == result.code, result.error
    assert "The service started over" in result.error
    assert USERS == len(ids(out.read_text()))
    if "--json" in words:
        assert "resync" == json.loads(result.error)["note"]["kind"]


def test_a_new_beginning_with_nothing_is_told(graph: GraphCommand, session: str) -> None:
    """
    A new, empty collection is reported too: all known objects no longer exist.
    """
    assert 0 == graph("delta", "/users/delta", "--session", session, "--quiet").code
    usual, seen = graph.server.answer, len(graph.server.paths("delta"))
    empty = {"value": [], "@odata.deltaLink": f"{graph.server.url}/v1.0/users/delta?$deltatoken=done0"}

    def answer(method: str, target: str, body: bytes) -> Answer:
        if not target.startswith("/v1.0/users/delta"):
            return usual(method, target, body)
        first = len(graph.server.paths("delta")) == seen + 1
        return refusal(410, "resyncRequired", "Too old.") if first else Answer(200, empty)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    result = graph("delta", "/users/delta", "--session", session)

    assert (0, "") == (result.code, result.output)
    assert "The service started over" in result.error


def test_what_came_before_a_new_beginning_is_not_in_the_file(graph: GraphCommand, session: str) -> None:
    """
    If the service starts over during a run, a file has each object once, and a reader of the lines is warned.
    """
    out = Path(session).with_name("changes.ndjson")
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        if len(graph.server.paths("delta")) in (3, 12):
            return refusal(410, "resyncRequired", "Too old.")
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    to_file = graph("delta", "/users/delta", "--session", session, "--out", str(out))
    Path(session).unlink()
    printed = graph("delta", "/users/delta", "--session", session)

    assert [0, 0] == [to_file.code, printed.code]
    assert USERS == len(ids(out.read_text()))
    assert f"{out}: 230 changed" in to_file.error
    assert USERS == len(set(ids(printed.output)))
    assert "The service started over" in printed.error


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("/users",), 2, "not a delta query"),
        (("/users/delta", "--top", "5"), 2, "Unknown option --top"),
        (("/users/delta", "--session", "/no/such/directory/s"), 1, "directory /no/such/directory does not exist"),
        (("/users/delta", "--out", "{session}"), 2, "same file"),
        (("/users/delta", "--out-file", "changes.txt", "--output", "table"), 2, "a terminal"),
        (("/users/delta", "--session", ""), 2, "names no file"),
    ],
)
def test_what_can_not_be_right_is_refused(
    graph: GraphCommand, session: str, words: tuple[str, ...], code: int, expected: str
) -> None:
    """
    Invalid options are refused before anything is sent.
    """
    result = graph("delta", "--session", session, *(word.format(session=session) for word in words))

    assert code == result.code
    assert expected in result.error


@pytest.mark.parametrize("form", ["json", "csv", "tsv", "table"])
def test_changes_in_other_formats(graph: GraphCommand, session: str, form: str) -> None:
    """
    Changes can be one array, or rows; all of them reach the destination.
    """
    result = graph("delta", "/users/delta", "--session", session, "--select", "id,displayName", "--output", form)

    assert 0 == result.code
    if form == "json":
        assert USERS == len(json.loads(result.output))
    else:
        assert USERS + 1 == len(result.output.splitlines())
        assert ["id", "displayName"] == result.output.splitlines()[0].replace(",", " ").replace('"', "").split()


def test_changes_in_a_csv_file(graph: GraphCommand, session: str) -> None:
    """
    The ending of the file selects the format; a resync discards the rows from before it.
    """
    out = Path(session).with_name("changes.csv")
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        if len(graph.server.paths("delta")) == 3:
            return refusal(410, "resyncRequired", "Too old.")
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server

    assert 0 == graph("delta", "/users/delta", "--session", session, "--out-file", str(out)).code
    assert USERS + 1 == len(out.read_text().splitlines())
    assert 1 == out.read_text().count('"id"\n')


def test_a_preview_of_a_delta_query(graph: GraphCommand, session: str) -> None:
    """
    `--what-if` prints the request that begins the query, and sends nothing.
    """
    result = graph("delta", "/users/delta", "--session", session, "--what-if")

    assert result.output.startswith("GET https://")
    assert "continues from there" in result.error
    assert not Path(session).exists()
    assert [] == graph.server.paths("delta")


def test_a_session_has_to_be_named(graph: GraphCommand) -> None:
    """
    `--session` is required.
    """
    result = graph("delta", "/users/delta")

    assert 2 == result.code
    assert "--session" in result.error


def test_a_file_that_is_no_session_stays(graph: GraphCommand, session: str) -> None:
    """
    A file that is not a session file is not overwritten.
    """
    Path(session).write_text("my notes")

    assert 2 == graph("delta", "/users/delta", "--session", session).code
    assert "my notes" == Path(session).read_text()
