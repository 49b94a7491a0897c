"""Other programs: found on absolute folders of PATH only, run without a shell, without secrets, and within limits."""

from __future__ import annotations

import os
import sys
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from tests.processes import running

from entrakit.files.programs import ProgramError, find_program, run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_current_directory_is_never_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Empty and relative entries of PATH stand for the current directory, whose programs others may have put there. Files
    that can't be run are passed over, and a preferred name wins over an earlier folder.
    """
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    for path in (here / "tool", there / "second"):
        path.write_text("")
        path.chmod(0o755)
    (there / "first").write_text("not executable")
    monkeypatch.chdir(here)

    assert find_program(("tool",), {"PATH": os.pathsep.join(("", ".", "../here"))}) is None
    assert find_program(("tool",), {}) is None
    assert str(here / "tool") == find_program(("tool",), {"PATH": f".{os.pathsep}{here}"})
    assert str(there / "second") == find_program(("first", "second"), {"PATH": str(there)})
    assert str(here / "tool") == find_program(("tool", "second"), {"PATH": os.pathsep.join((str(there), str(here)))})


def test_a_program_gets_the_environment_without_secrets() -> None:
    """
    Variables are passed on, but those that hold a secret of entrakit.
    """
    show = [sys.executable, "-c", "import os; print(sorted(os.environ))"]
    environ = {**os.environ, "HARMLESS": "not a secret", "AZURE_CLIENT_SECRET": "canary"}

    output = run(show, timeout_s=30, environ=environ).output.decode()

    assert "HARMLESS" in output
    assert "AZURE_CLIENT_SECRET" not in output


def test_a_program_apart_is_ended_with_those_that_it_started() -> None:
    """
    Tools are often a script that starts the real program. If it takes too long, no process of it is left.
    """
    mark = str(uuid.uuid4())
    environ = {"PATH": os.environ["PATH"], "MARK": mark}
    with pytest.raises(ProgramError, match=r"took longer than 0\.3 seconds") as caught:
        run(["/bin/sh", "-c", "sleep 60 & sleep 60; true"], timeout_s=0.3, environ=environ, is_apart=True)

    assert "slow" == caught.value.kind
    # A killed process disappears a moment later; those that are left would run for a minute.
    until = time.monotonic() + 10
    while running(f"MARK={mark}") and time.monotonic() < until:
        time.sleep(0.01)
    assert {} == running(f"MARK={mark}")


def test_a_program_apart_has_its_own_folder_and_no_terminal() -> None:
    """
    It runs in the folder that it is in, and in a session without a terminal, where it can't ask the user.
    """
    found = run(["/bin/sh", "-c", "pwd; ps -o sid= -p $$; echo $$"], timeout_s=30, is_apart=True)
    directory, session, number = found.output.decode().split()

    assert "/bin" == directory or os.path.realpath("/bin") == directory
    assert number == session
