"""The log of the library on standard error: labelled, masked, and undone after the command."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.logs import configure, reset
from entrakit.files import waits
from entrakit.files.lock import report_wait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOG = logging.getLogger("entrakit")


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """Undo what a test configures."""
    yield
    reset()


def logged(*, quiet: bool = False, verbose: bool = False, debug: bool = False, color: bool = False) -> str:
    """Return the stream after one message of each level."""
    stream = io.StringIO()
    configure(stream, quiet=quiet, verbose=verbose, debug=debug, color=color)
    LOG.debug("details")
    LOG.info("a step")
    LOG.warning("be careful")
    LOG.error("it failed")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "Warning: be careful\nError: it failed\n"),
        ({"quiet": True}, "Error: it failed\n"),
        ({"verbose": True}, "entrakit: a step\nWarning: be careful\nError: it failed\n"),
        ({"debug": True}, "entrakit: details\nentrakit: a step\nWarning: be careful\nError: it failed\n"),
    ],
)
def test_options_choose_the_levels(options: dict[str, bool], expected: str) -> None:
    """
    Warnings and errors are labelled as those of the command; steps have the name of their logger.
    """
    assert expected == logged(**options)


def test_labels_have_colours() -> None:
    """
    A warning of the log has the colour of a warning.
    """
    assert "\x1b[33mWarning:\x1b[0m be careful\n\x1b[1;31mError:\x1b[0m it failed\n" == logged(color=True)


def test_parameters_become_options() -> None:
    """
    A parameter that a warning of the library names is shown as the option of the command.
    """
    stream = io.StringIO()
    configure(stream, quiet=False, verbose=False, debug=False)
    LOG.warning("Use `save_secret=True`.")

    assert "Warning: Use --save-secret.\n" == stream.getvalue()


def test_secrets_are_masked() -> None:
    """
    A token in a message of any level is masked.
    """
    stream = io.StringIO()
    configure(stream, quiet=False, verbose=False, debug=True)
    LOG.debug("Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.canary")

    assert "canary" not in stream.getvalue()


def test_a_slow_answer_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The command would seem to hang. With `--quiet` nothing measures it.
    """
    monkeypatch.setattr(waits, "_logged", {})
    stream = io.StringIO()
    configure(stream, quiet=False, verbose=False, debug=False)
    waits.report("login.microsoftonline.com")
    configure(io.StringIO(), quiet=True, verbose=False, debug=False)

    assert "Waiting for login.microsoftonline.com: no answer after 2 s.\n" == stream.getvalue()
    assert not waits.are_reported()


def test_a_program_gets_its_log_back() -> None:
    """
    After the command, level, handlers and propagation of the logger are those from before.
    """
    before = list(LOG.handlers)
    logged(debug=True)
    configure(io.StringIO(), quiet=False, verbose=False, debug=False)
    assert len(before) + 1 == len(LOG.handlers)
    reset()

    assert before == LOG.handlers
    assert (logging.NOTSET, True) == (LOG.level, LOG.propagate)


_NOISY = """
import logging, os, sys
from entrakit.certificates.stores import inventory

def noisy(*words, **more):
    os.write(2, b"CRITICAL **: a line of a library in C")
    logging.getLogger("entrakit").warning("a warning of entrakit")
    return []

inventory.list_certificates = noisy
sys.argv = ["entra", "certificates", *sys.argv[1:]]
from entrakit.cli import run
run()
"""


def test_what_libraries_in_c_write_is_not_printed(private_home: Path) -> None:
    """
    Standard error of `entra certificates` has the messages of `entra` and nothing else; with `-v` everything is shown.
    """
    for words, expected in (
        ([], "Warning: a warning of entrakit\nNo store of this machine contains a certificate.\n"),
        (["-v"], "CRITICAL **: a line of a library in C"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", _NOISY, *words], capture_output=True, text=True, check=True, env=dict(os.environ)
        )

        assert expected == done.stderr or (words and done.stderr.startswith(expected))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "Waiting 2.1 s: the service does not answer.\nWaiting up to 30.0 s: another process holds it.\n"),
        ({"quiet": True}, ""),
        (
            {"verbose": True},
            (
                "entrakit.waits: waiting 2.0 s: it is short\n"
                "entrakit.waits: waiting 2.1 s: the service does not answer\n"
                "entrakit.waits: waiting up to 30.0 s: another process holds it\n"
            ),
        ),
    ],
)
def test_long_waits_are_shown(options: dict[str, bool], expected: str) -> None:
    """
    A wait of more than two seconds, of any kind, is one line; shorter ones are steps.
    """
    waits = logging.getLogger("entrakit.waits")
    stream = io.StringIO()
    configure(stream, **{"quiet": False, "verbose": False, "debug": False, **options})
    waits.info("waiting %.1f s: %s", 2.0, "it is short")
    waits.info("waiting %.1f s: %s", 2.1, "the service does not answer")
    report_wait(30.0, "another process holds it")
    reset()

    assert expected == stream.getvalue()
    assert logging.NOTSET == waits.level
