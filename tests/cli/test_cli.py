"""The command as a whole: results on standard output, messages on standard error, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrakit_emulator import faults

if TYPE_CHECKING:
    from tests.cli.conftest import Command
ENTRA = Path(sys.executable).with_name("entra")


def test_without_a_connection_there_is_a_command_to_type(entra: Command) -> None:
    """
    A new user gets the command to begin with.
    """
    for words in (("token",), ("status",), ("inspect",), ("disconnect",)):
        result = entra(*words)

        assert 3 == result.code
        assert "entra" in result.error


def test_trouble_has_its_exit_code(connected: Command) -> None:
    """
    The exit codes distinguish network failures and throttling from refusals (checklist 54).
    """
    connected.tenant.faults.add(faults.Throttle(endpoint="token", retry_after=3600, times=None))
    assert 7 == connected("token", "--min-validity", "10h").code
    connected.tenant.faults.clear()
    connected.tenant.faults.add(faults.CaptivePortal(endpoint="token", times=None))
    assert 6 == connected("token", "--claims", "e30").code
    del connected.environ["AZURE_CLIENT_SECRET"]


def test_the_version(entra: Command) -> None:
    """
    `entra --version` prints the version.
    """
    from entrakit import __version__

    assert f"entra {__version__}\n" == entra("--version").output


def test_an_interrupt_ends_with_130(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Ctrl-C ends the command at once, without a traceback, and nothing is saved (checklist 22).
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("entrakit.cli.commands.connect.show_code", interrupt)

    result = entra.connect("--device-code")

    assert 130 == result.code
    assert "Traceback" not in result.error
    assert 3 == entra("token").code


def test_what_should_not_happen_is_told(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A defect exits with 1 and says how to report it; the traceback is printed with --debug only, with secrets masked.
    """

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("client_secret=canary-secret")

    monkeypatch.setattr("entrakit.connections.list_connections", fail)

    quiet, loud = entra("status"), entra("status", "--debug")

    assert (1, 1) == (quiet.code, loud.code)
    assert "--debug" in quiet.error
    assert "Traceback" in loud.error
    assert "canary" not in quiet.error + loud.error


def test_a_pipe_that_closes_is_no_error(private_home: Path) -> None:
    """
    `entra --help | head -1` ends quietly.
    """
    done = subprocess.run(
        ["bash", "-c", f"{ENTRA} --help | head -1"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )

    assert "usage: entra COMMAND [options]\n" == done.stdout
    assert "" == done.stderr


@pytest.mark.parametrize("ending", [">&-", ">/dev/full"])
def test_an_output_that_cannot_be_written(private_home: Path, ending: str) -> None:
    """
    A full disk and a closed stream are errors, because the result was lost.
    """
    done = subprocess.run(
        ["bash", "-c", f"{ENTRA} --version {ending}"], capture_output=True, text=True, check=False, env=dict(os.environ)
    )

    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    assert "can't be written" in done.stderr


def test_a_program_that_asked_for_json_gets_nothing_else(connected: Command) -> None:
    """
    With `--json` standard error has errors only, as JSON.
    """
    for words in (("status",), ("use", "default"), ("inspect",), ("disconnect",)):
        result = connected(*words, "--json")

        assert "" == result.error
        json.loads(result.output)
    error = connected("token", "--json").error
    assert "NotConnectedError" == json.loads(error)["error"]["kind"]
