"""Progress: one line on standard error if that is a terminal, else nothing."""

from __future__ import annotations

import io
import logging
import re
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import Terminal
from tests.graph.conftest import Fault

from entrakit.cli.context import Context, Streams
from entrakit.cli.output.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import GraphCommand


class Watched(Terminal):
    """A terminal that signals writes."""

    def __init__(self) -> None:
        super().__init__()
        self._written = threading.Condition()

    def write(self, text: str) -> int:
        """Write, and signal it."""
        with self._written:
            size = super().write(text)
            self._written.notify_all()
        return size

    def wait_for(self, words: str) -> None:
        """Wait until the text was written."""
        with self._written:
            assert self._written.wait_for(lambda: words in self.getvalue(), 10), self.getvalue()


def context_of(output: io.StringIO, error: io.StringIO, *, quiet: bool = False, as_json: bool = False) -> Context:
    """Return a context with these streams."""
    return Context(Streams(io.StringIO(), output, error), {}, quiet=quiet, as_json=as_json)


def test_the_line_says_how_far_it_is() -> None:
    """
    The line has count, total, rate and remaining time, and waits with their reason.
    """
    progress = Progress(context_of(io.StringIO(), Terminal()), "objects")
    progress.reached(1000, 100_000)
    progress._samples[0] = (time.monotonic() - 10, 1000)  # ten seconds ago
    progress.reached(11_000)
    progress.waits(30, "the service is throttling")
    progress.waits(5, "a shorter one")

    form = r"11,000 of 100,000 objects · (999|1,000)/s · 1 min left · waiting 30 s: the service is throttling"

    assert re.fullmatch(form, progress.text())


def test_what_is_not_known_is_not_said() -> None:
    """
    An unknown total, a rate of one page and a past wait are not shown; a slow rate is per minute.
    """
    progress = Progress(context_of(io.StringIO(), Terminal()), "changes")
    progress.waits(0, "over")
    progress.reached(3)

    assert "3 changes" == progress.text()
    progress._samples[0] = (time.monotonic() - 60, 0)
    progress.reached(30)
    assert progress.text().startswith("30 changes · 30/min")


@pytest.mark.parametrize(
    ("make", "to_file", "expected"),
    [
        (lambda: context_of(io.StringIO(), Terminal()), False, True),
        (lambda: context_of(Terminal(), Terminal()), True, True),
        (lambda: context_of(Terminal(), Terminal()), False, False),
        (lambda: context_of(io.StringIO(), io.StringIO()), True, False),
        (lambda: context_of(io.StringIO(), Terminal(), quiet=True), True, False),
        (lambda: context_of(io.StringIO(), Terminal(), as_json=True), True, False),
    ],
)
def test_it_is_shown_to_people_only(make: Callable[[], Context], to_file: bool, expected: bool) -> None:
    """
    There is no line in pipes, with --quiet or --json, or if the result is on the same terminal.
    """
    assert expected is Progress(make(), "objects", to_file=to_file).is_active


def test_the_log_takes_its_place() -> None:
    """
    With --verbose each wait is a line of the log, which a moving line would spoil.
    """
    logger = logging.getLogger("entrakit")
    logger.setLevel(logging.INFO)
    try:
        assert not Progress(context_of(io.StringIO(), Terminal()), "objects").is_active
    finally:
        logger.setLevel(logging.NOTSET)


def test_it_appears_after_a_while_and_is_gone_at_the_end() -> None:
    """
    The line appears after the delay, fits the terminal, and is removed at the end.
    """
    error = Watched()
    with Progress(context_of(io.StringIO(), error), "objects " * 40, delay_s=0.0) as progress:
        progress.reached(12)
        error.wait_for("12 objects")

    text = error.getvalue()
    assert max(map(len, re.split(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n", text))) <= 80
    assert text.endswith("\x1b[2K")


def test_it_does_not_appear_after_the_end() -> None:
    """
    A run that ends just when the line would appear leaves none.
    """
    error = Terminal()
    with Progress(context_of(io.StringIO(), error), "objects") as progress:
        progress.vanish()
        progress._appear()

    assert "" == error.getvalue()


def test_a_short_run_shows_nothing() -> None:
    """
    A run of less than a second shows no line.
    """
    error = Terminal()
    with Progress(context_of(io.StringIO(), error), "objects") as progress:
        progress.reached(12)

    assert "" == error.getvalue()


def test_a_command_in_a_pipe_is_silent_while_it_waits(graph: GraphCommand) -> None:
    """
    A throttled command in a pipe prints only its result.
    """
    graph.server.faults = [Fault("list", "429", seconds=1.0)]

    result = graph("request", "GET", "/users", "--all", "--output", "ndjson")

    assert (0, "", 230) == (result.code, result.error, len(result.output.splitlines()))


@pytest.mark.parametrize(("terminal", "words"), [(True, "Waiting 1 s: the service is throttling.\n"), (False, "")])
def test_a_single_request_tells_of_a_wait(graph: GraphCommand, terminal: bool, words: str) -> None:
    """
    A wait is reported to a user at a terminal only.
    """
    graph.server.faults = [Fault("get", "429", seconds=1.0)]

    assert (0, words) == graph("request", "GET", "/users/id-0001", terminal=terminal)[::2]


def test_a_wait_is_shown_with_its_reason(graph: GraphCommand, tmp_path: object) -> None:
    """
    On a terminal, the progress of a throttled export has the reason for the wait.
    """
    from entrakit.cli import main

    graph.server.faults = [Fault("list", "429", seconds=2.0)]
    error = Terminal()

    code = main(
        ("request", "GET", "/users", "--all", "--out", f"{tmp_path}/users.ndjson"),
        Streams(Terminal(), Terminal(), error),
        graph.command.environ,
    )

    assert 0 == code
    assert "waiting" in error.getvalue()
    assert "the service is throttling" in error.getvalue()


def test_without_the_line_a_long_wait_is_reported_once() -> None:
    """
    In a pipe, a wait of more than two seconds is a line on standard error. Workers that wait at the same time, each a
    little longer, are not reported again; a later wait is. With `--quiet` and `--json` nothing is.
    """
    for options in ({}, {"quiet": True}, {"as_json": True}):
        error = io.StringIO()
        progress = Progress(context_of(io.StringIO(), error, **options), "objects")
        progress.waits(2.0, "the service is throttling")
        progress.waits(3.0, "the service is throttling")
        progress.waits(3.5, "the service is throttling")
        progress.waits(30.0, "The connection to graph.microsoft.com broke.")
        lines = [
            "Waiting 3 s: the service is throttling.",
            "Waiting 30 s: The connection to graph.microsoft.com broke.",
        ]

        assert ([] if options else lines) == error.getvalue().splitlines()


def test_the_line_stands_for_slow_answers() -> None:
    """
    It shows that nothing arrives; another line would be written over it. Without it, slow answers are reported.
    """
    log = logging.getLogger("entrakit.waits.answers")
    seen: list[bool] = []
    for error in (Terminal(), io.StringIO()):
        with Progress(context_of(io.StringIO(), error), "objects"):
            seen.append(log.disabled)
        seen.append(log.disabled)

    assert [True, False, False, False] == seen
