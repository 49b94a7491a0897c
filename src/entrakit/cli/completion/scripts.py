"""The completion script of each shell."""

from __future__ import annotations

from entrakit.cli.completion import bash, fish, powershell, zsh
from entrakit.cli.completion.tree import branches

SHELLS = ("bash", "zsh", "fish", "powershell")


def script(shell: str) -> str:
    """Return the completion script of a shell.

    Args:
        shell: `bash`, `zsh`, `fish` or `powershell`.
    """
    make = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script, "powershell": powershell.script}[shell]
    return make(list(branches()))
