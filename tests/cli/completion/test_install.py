"""Installing completion in the start files of shells."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.completion.install import BEGIN, install, places, shell_of, uninstall
from entrakit.cli.completion.scripts import SHELLS, script
from entrakit.errors import ExportError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.completion.conftest import Shell

# How each shell says that it completes `entra`, in a new shell of the user.
LOADED = {
    "bash": ["bash", "-i", "-c", "complete -p entra"],
    "zsh": ["zsh", "-i", "-c", "print $_comps[entra]"],
    "fish": ["fish", "-i", "-c", "complete -C 'entra vau'"],
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("before", ["", "alias ll='ls -l'\n", "# caf\udce9\r\n"])
def test_installing_and_removing_leaves_the_start_file_as_it_was(shell: str, before: str, tmp_path: Path) -> None:
    """
    Installing twice adds one block; removing it restores every byte, and removes files that were made for it.
    """
    at = places(shell, {"HOME": str(tmp_path)})
    start = tmp_path / "linked" if at.start else None
    if start and before:
        start.write_bytes(before.encode(errors="surrogateescape"))
        (tmp_path / at.start).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / at.start).symlink_to(start)

    install(shell, at)
    install(shell, at)

    with open(at.script, encoding="utf-8") as file:
        assert script(shell) == file.read()
    if at.start:
        assert 1 == (tmp_path / at.start).read_bytes().count(BEGIN.encode())
    assert uninstall(at)
    assert not uninstall(at)
    assert not (tmp_path / at.script).exists()
    if start and before:
        assert before.encode(errors="surrogateescape") == start.read_bytes()
        assert (tmp_path / at.start).is_symlink()
    elif at.start:
        assert not (tmp_path / at.start).exists()


def test_a_new_shell_loads_what_was_installed(shell: Shell) -> None:
    """
    A real shell that starts after the installation completes `entra`; after the removal it does not.
    """
    at = places(shell.name, shell.environ)

    def loaded() -> str:
        done = subprocess.run(
            LOADED[shell.name], capture_output=True, text=True, check=False, env={**shell.environ, "TERM": "dumb"},
            cwd=shell.directory, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        return done.stdout

    install(shell.name, at)
    assert {"bash": "_entra", "zsh": "_entra", "fish": "vault"}[shell.name] in loaded()
    uninstall(at)
    assert "entra" not in loaded()
    assert "vault" not in loaded()


def test_the_shell_of_the_user() -> None:
    """
    The shell is that of SHELL, and PowerShell on Windows; another one is an error that lists the shells.
    """
    assert "zsh" == shell_of({"SHELL": "/usr/bin/zsh"})
    assert "powershell" == shell_of({"SHELL": "/usr/bin/pwsh"})
    assert "powershell" == shell_of({}, "win32")
    with pytest.raises(ParameterError, match="not known"):
        shell_of({"SHELL": "/bin/tcsh"})


def test_places_follow_the_environment(tmp_path: Path) -> None:
    """
    The directories of the XDG specification and of zsh are used if they are set.
    """
    home = {"HOME": "/h"}

    assert "/h/.local/share/entrakit/completion.bash" == places("bash", home).script
    assert "/d/entrakit/completion.zsh" == places("zsh", {**home, "XDG_DATA_HOME": "/d"}).script
    assert "/z/.zshrc" == places("zsh", {**home, "ZDOTDIR": "/z"}).start
    assert "/h/.bashrc" == places("bash", {**home, "ZDOTDIR": "/z"}).start
    assert "/c/fish/completions/entra.fish" == places("fish", {**home, "XDG_CONFIG_HOME": "/c"}).script
    assert "/h/.config/powershell/profile.ps1" == places("powershell", home, "linux").start
    assert "PowerShell" in places("powershell", home, "win32").start


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """
    The error names the file.
    """
    (tmp_path / ".local").write_text("")

    with pytest.raises(ExportError, match=r"\.local"):
        install("bash", places("bash", {"HOME": str(tmp_path)}))
