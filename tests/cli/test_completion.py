"""Completion scripts: each shell knows every command and option."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import COMMANDS
from entrakit.cli.parser import parser_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_knows_every_command_and_option(entra: Command, shell: str) -> None:
    """
    The scripts have every command and option, because they are made from the table.
    """
    script = entra("completion", shell).output

    for command in COMMANDS:
        assert command.name in script
        for option in parser_of(command).options():
            assert option.removeprefix("--") in script
    assert not re.search(r"%\(", script)


def test_bash_completes(entra: Command, tmp_path: Path) -> None:
    """
    A real bash loads the script and completes commands, options and values.
    """
    script = tmp_path / "completion"
    script.write_text(entra("completion", "bash").output)

    def complete(*words: str) -> list[str]:
        program = (
            f". {script}; COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words)}; "
            'COMP_WORDS[COMP_CWORD]="$1"; _entra; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", program, "bash", ""], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert {command.name for command in COMMANDS} <= set(complete("entra"))
    assert "--device-code" in complete("entra", "connect")
    assert ["raw", "json", "header"] == complete("entra", "token", "--output")


@pytest.mark.parametrize(("shell", "check"), [("zsh", ["-n"]), ("fish", ["--no-execute"])])
def test_other_shells_parse_their_script(entra: Command, tmp_path: Path, shell: str, check: list[str]) -> None:
    """
    An installed shell parses its script without errors; otherwise the script is well-formed.
    """
    script = tmp_path / "completion"
    script.write_text(entra("completion", shell).output)
    if shutil.which(shell):
        subprocess.run([shell, *check, str(script)], check=True, capture_output=True)

    assert "entra" in script.read_text()
