"""Writes that were done while something else failed: they are always reported."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.cli.commands.test_batch import ENTRA, creating, lines
from tests.cli.conftest import Terminal

from entrakit.cli import main
from entrakit.cli.context import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import GraphCommand
    from tests.graph.conftest import Answer

# No file grows beyond 2 KiB. Without the unset, files of the coverage measurement would be damaged.
# Python 3.11 stores bytecode that such a limit has truncated, and every later process fails to load it.
LIMIT = "unset COVERAGE_PROCESS_START COVERAGE_PROCESS_CONFIG; export PYTHONDONTWRITEBYTECODE=1; ulimit -f 2;"
CREATE = ("request", "POST", "/users", "--body", '{"displayName":"user 0"}')


def shell(graph: GraphCommand, words: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell."""
    return subprocess.run(
        ["bash", "-c", words], env={**os.environ, **graph.command.environ}, capture_output=True, text=True, check=False
    )


def told(text: str) -> list[str]:
    """Return the ids of the requests in lines of results."""
    return [json.loads(line)["id"] for line in text.splitlines() if line.startswith('{"id"') and line.endswith("}")]


@pytest.mark.parametrize(
    ("limit", "ending"), [(LIMIT, "--out {out}"), (LIMIT, "> {out}"), ("", "> /dev/full")], ids=["out", "file", "full"]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_results_that_can_not_be_written_are_told_elsewhere(
    graph: GraphCommand, tmp_path: Path, limit: str, ending: str, unbuffered: str
) -> None:
    """
    On a full disk a batch ends, and each sent request has its result in the file or on standard error.
    """
    file, out = tmp_path / "requests", tmp_path / "results.ndjson"
    file.write_text(lines(*creating(60)))

    words = f"{ENTRA} batch {file} --parallel 1 {ending.format(out=out)}"

    done = shell(graph, f"{limit} PYTHONUNBUFFERED={unbuffered} {words}")

    part = tmp_path / "results.ndjson.unfinished"
    kept = part.read_text() if part.exists() else out.read_text() if out.exists() else ""
    assert 1 == done.returncode
    assert "can't be written" in done.stderr
    assert "don't send them again" in done.stderr
    assert len(graph.server.effects) < 60
    assert f"{len(graph.server.effects)} of 60 requests had been sent" in done.stderr
    assert {f"n{number}" for number in range(len(graph.server.effects))} == {*told(kept), *told(done.stderr)}
    assert "not known" not in done.stderr


@contextmanager
def stuck(graph: GraphCommand, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a batch of three requests into results.ndjson; the second one never gets a response."""
    reached, over = threading.Event(), threading.Event()
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        if target.endswith("/slow"):
            reached.set()
            over.wait(10)
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    slow = {"id": "slow", "method": "DELETE", "url": "/users/slow", "dependsOn": ["n0"]}
    later = {"id": "later", "method": "GET", "url": "/me", "dependsOn": ["slow"]}
    file = tmp_path / "requests"
    file.write_text(lines(*creating(1), slow, later))
    words = [str(ENTRA), "batch", str(file), "--out", str(tmp_path / "results.ndjson"), "--parallel", "1"]
    environ = {**os.environ, **graph.command.environ}
    with subprocess.Popen(words, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert reached.wait(15)
        yield process
        over.set()


def test_what_an_interrupted_batch_left_is_not_written_over(graph: GraphCommand, tmp_path: Path) -> None:
    """
    The record of a killed run stays, the next run names it, and only its owner can read it.
    """
    out, part = tmp_path / "results.ndjson", tmp_path / "results.ndjson.unfinished"
    with stuck(graph, tmp_path) as process:
        process.kill()
        process.communicate(timeout=15)

    assert ["n0"] == told(part.read_text())
    assert 0o600 == part.stat().st_mode & 0o777
    asked = len(graph.server.asked)
    words = ("batch", str(tmp_path / "requests"), "--out", str(out))
    again = graph(*words)
    assert (1, asked) == (again.code, len(graph.server.asked))
    assert f"{part} exists" in again.error

    part.unlink()
    assert f"{part} exists" not in graph(*words).error
    assert (True, False) == (out.exists(), part.exists())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_results_say_what_is_not_known(graph: GraphCommand, tmp_path: Path, number: signal.Signals) -> None:
    """
    After Ctrl-C or a signal of a service manager, each request has a result: done, not sent, or unknown.
    """
    with stuck(graph, tmp_path) as process:
        process.send_signal(number)
        _, error = process.communicate(timeout=15)

    results = (tmp_path / "results.ndjson").read_text().splitlines()
    done, unknown, unsent = [json.loads(line) for line in results]
    assert 130 == process.returncode
    assert "Interrupted" in error
    assert ("n0", 201) == (done["id"], done["status"])
    assert ("slow", None, "It is not known whether this was done.") == (
        unknown["id"], unknown["status"], unknown["error"]["message"]
    )  # fmt: skip
    assert ("later", "This was not sent.") == (unsent["id"], unsent["error"]["message"])


@pytest.mark.parametrize("ending", ["> /dev/full", ">&-"])
def test_a_write_whose_answer_is_lost_is_told_to_be_done(graph: GraphCommand, ending: str) -> None:
    """
    The error says that the write was done, so that it is not sent again.
    """
    words = " ".join(f"'{word}'" for word in CREATE)

    done = shell(graph, f"{ENTRA} {words} {ending}")

    assert 1 == done.returncode
    assert "can't be written" in done.stderr
    assert "The request was done." in done.stderr
    assert 1 == len(graph.server.effects)


def test_a_question_that_nobody_sees_is_not_answered(graph: GraphCommand) -> None:
    """
    With `2> errors.log` a user is still at the terminal, so no write is sent without a confirmation.
    """
    for words, code in ((CREATE, 2), ((*CREATE, "--yes"), 0)):
        streams = Streams(Terminal(), Terminal(), io.StringIO())

        assert code == main(words, streams, graph.command.environ)

    assert 1 == len(graph.server.effects)


def test_a_changed_mind_sends_nothing(graph: GraphCommand, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Ctrl-C at the question means no.
    """

    class Interrupted(Terminal):
        def readline(self, size: int | None = -1) -> str:  # type: ignore[override] # as io has it
            raise KeyboardInterrupt

    streams = Streams(Interrupted(), Terminal(), Terminal())

    assert 130 == main(CREATE, streams, graph.command.environ)
    assert "Nothing was sent." in streams.error.getvalue()  # type: ignore[attr-defined] # it is one in memory
    assert {} == graph.server.effects


def test_files_of_killed_runs_do_not_pile_up(graph: GraphCommand, tmp_path: Path) -> None:
    """
    The next run reuses the unfinished file of a killed one.
    """
    out, left = tmp_path / "user.json", tmp_path / ".user.json.new"
    left.write_text("half of an ans")
    left.chmod(0o600)

    assert 0 == graph("request", "GET", "/users/id-0001", "--out", str(out)).code
    assert "id-0001" == json.loads(out.read_text())["id"]
    assert ["both.pem", "user.json"] == sorted(path.name for path in tmp_path.glob("[.bu]*"))


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_errors_of_output_are_json_too(graph: GraphCommand, unbuffered: str) -> None:
    """
    With `--json` standard error has exactly one object, even if a buffer fails again when Python ends.
    """
    for words in ("request GET /users/id-0001", "request GET /users --all", "status"):
        done = shell(graph, f"PYTHONUNBUFFERED={unbuffered} {ENTRA} {words} --json > /dev/full")

        assert 1 == done.returncode
        assert "can't be written" in json.loads(done.stderr)["error"]["problem"]


@pytest.mark.parametrize("words", [("use", ""), ("token", "--name", ""), ("disconnect", ""), (*CREATE, "--name", "")])
def test_an_empty_name_is_nobodys(graph: GraphCommand, words: tuple[str, ...]) -> None:
    """
    `--name "$UNSET"` does not act on the current connection.
    """
    assert graph(*words).code in (2, 3)
    assert {} == graph.server.effects
    assert 0 == graph("token").code
