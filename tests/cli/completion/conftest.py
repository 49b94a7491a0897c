"""Real shells that load a completion script and complete a command line."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from entrakit.cli.completion.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BASH = """
. "$1"
line=$2
read -ra COMP_WORDS <<< "${line//=/ = }"
[ "${line: -1}" = ' ' ] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_entra
printf '%s\\n' "${COMPREPLY[@]}"
"""
# The widget runs the completion with a `compadd` that writes down what it would offer.
ZSH = """
PS1='ready> '
autoload -Uz compinit && compinit -u -D
source $SCRIPT
compadd() {
    local -a offered
    builtin compadd -O offered "$@"
    print -rl -- $offered >> $OFFERED
}
offer() { _main_complete; print -r -- end-of-offers >> $OFFERED }
zle -C offer complete-word offer
bindkey '^T' offer
"""
END = "end-of-offers"
# The line editor of zsh switches bracketed paste on when it begins to read.
EDITING = "\x1b[?2004h"


class Shell(NamedTuple):
    """A shell with the completion script.

    Args:
        name: Name of the shell.
        directory: Directory where the commands are typed.
        environ: Environment of the shell.
    """

    name: str
    directory: Path
    environ: Mapping[str, str]

    def complete(self, line: str) -> set[str]:
        """Return the words that the shell offers for the end of a command line."""
        path = self.directory.parent / "script"
        path.write_text(script(self.name), encoding="utf-8")
        if self.name == "bash":
            return self._run("bash", "-c", BASH, "bash", str(path), line)
        if self.name == "fish":
            lines = self._run("fish", "-c", f"source {path}; complete -C (cat)", given=line)
            return {one.partition("\t")[0] for one in lines}
        return self._complete_in_zsh(path, line)

    def _run(self, *words: str, given: str = "") -> set[str]:
        done = subprocess.run(
            words, input=given, capture_output=True, text=True, check=True, env=self.environ, cwd=self.directory
        )
        assert "" == done.stderr
        return set(done.stdout.split("\n")) - {""}

    def _complete_in_zsh(self, path: Path, line: str) -> set[str]:
        offered = self.directory.parent / "offered"
        offered.write_text("")
        start = self.directory.parent / "start.zsh"
        start.write_text(ZSH)
        master, slave = pty.openpty()
        shell = subprocess.Popen(
            ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=self.directory, start_new_session=True,
            env={**self.environ, "SCRIPT": str(path), "OFFERED": str(offered), "TERM": "vt100"},
        )  # fmt: skip
        os.close(slave)
        try:
            os.write(master, f"source {start}\n".encode())
            _read_until(master, lambda text: EDITING in text.partition("ready>")[2])
            os.write(master, f"{line}\x14".encode())
            _read_until(master, lambda _: END in offered.read_text())
        finally:
            shell.kill()
            shell.wait()
            os.close(master)
        return {one.partition(":")[0] for one in offered.read_text().split("\n")} - {"", END}


def _read_until(terminal: int, is_done: Callable[[str], bool], limit_s: float = 20) -> None:
    """Read the output of a shell until a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + limit_s
    text = ""
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.02)[0]:
            text += os.read(terminal, 65536).decode("utf-8", "replace")
        if is_done(text):
            return
    raise TimeoutError(text)


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, private_home: Path, tmp_path: Path) -> Shell:
    """Return a shell in a directory with the file `notes.txt`."""
    directory = tmp_path / "typed"
    directory.mkdir()
    (directory / "notes.txt").touch()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(tmp_path), "ENTRAKIT_HOME": str(private_home), "LC_ALL": "C.UTF-8"}
    return Shell(request.param, directory, environ)
