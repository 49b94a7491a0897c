"""`entra completion`: printed, installed and removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrakit.cli.completion.scripts import SHELLS, script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


def test_it_prints_scripts(entra: Command) -> None:
    """
    With a shell alone, the script is the result.
    """
    for shell in SHELLS:
        assert f"{script(shell).rstrip()}\n" == entra("completion", shell).output


def test_it_installs_and_removes(entra: Command, private_home: Path) -> None:
    """
    `--install` writes the files of the shell, by default that of SHELL; `--uninstall` removes them.
    """
    entra.environ["SHELL"] = "/bin/bash"
    (private_home / ".bashrc").write_text("true\n")

    result = entra("completion", "--install")

    assert (0, "") == (result.code, result.output)
    assert "in new shells" in result.error
    assert "entra" in (private_home / ".bashrc").read_text()
    assert "is removed" in entra("completion", "bash", "--uninstall").error
    assert "true\n" == (private_home / ".bashrc").read_text()
    assert "was not installed" in entra("completion", "--uninstall").error
    done = json.loads(entra("completion", "fish", "--install", "--json").output)
    assert ("fish", True, "") == (done["shell"], done["installed"], done["start_file"])


def test_mistakes(entra: Command) -> None:
    """
    A missing or unknown shell, and opposite options, are usage errors.
    """
    entra.environ["SHELL"] = "/bin/tcsh"
    for words in ((), ("tcsh",), ("--install",), ("bash", "--install", "--uninstall")):
        assert 2 == entra("completion", *words).code
