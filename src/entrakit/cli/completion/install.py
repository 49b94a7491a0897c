"""Installing completion: the script in a file, and a few lines in the start file of the shell that load it.

fish loads its file without such lines. Installing twice is the same as once. `uninstall` removes the file and exactly
the lines between the two marks.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.completion.scripts import SHELLS, script
from entrakit.errors import ExportError, ParameterError
from entrakit.files.shared import read_shared, write_shared

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGIN = "# >>> entra completion >>>"
END = "# <<< entra completion <<<"
_LOADERS = {
    "bash": '[ -r "{path}" ] && . "{path}"',
    "zsh": '(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit -i; }}\n[ -r "{path}" ] && . "{path}"',
    "powershell": "if (Test-Path '{path}') {{ . '{path}' }}",
}


class Places(NamedTuple):
    """Files of an installation.

    Args:
        script: File of the completion script.
        start: File that the shell runs at its start; empty if it needs no change.
    """

    script: str
    start: str


def shell_of(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the shell of the user. Raises ParameterError if it is not known."""
    name = os.path.basename(environ.get("SHELL", "")) or ("powershell" if platform == "win32" else "")
    name = {"pwsh": "powershell"}.get(name, name)
    if name not in SHELLS:
        raise ParameterError(
            "The shell is not known.", remedy=f"Name it: {', '.join(SHELLS)}. Example: entra completion bash --install"
        )
    return name


def places(shell: str, environ: Mapping[str, str], platform: str = sys.platform) -> Places:
    """Return the files of an installation.

    Args:
        shell: `bash`, `zsh`, `fish` or `powershell`.
        environ: The environment, with the home directory.
        platform: The operating system, as in `sys.platform`.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    if shell == "fish":
        return Places(os.path.join(config, "fish", "completions", "entra.fish"), "")
    data = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    file = os.path.join(data, "entrakit", f"completion.{'ps1' if shell == 'powershell' else shell}")
    if shell == "powershell":
        directory = os.path.join(home, "Documents", "PowerShell") if platform == "win32" else f"{config}/powershell"
        return Places(file, os.path.join(directory, "profile.ps1"))
    return Places(file, os.path.join((environ.get("ZDOTDIR") if shell == "zsh" else "") or home, f".{shell}rc"))


def install(shell: str, at: Places) -> None:
    """Write the script, and have the shell load it. Raises ExportError if a file can't be written."""
    try:
        write_shared(at.script, script(shell))
        if not at.start or BEGIN in (text := read_shared(at.start)):
            return
        end = "" if not text or text.endswith("\n") else "\n"
        write_shared(at.start, f"{text}{end}{BEGIN}\n{_LOADERS[shell].format(path=at.script)}\n{END}\n")
    except OSError as error:
        raise _unwritable(error) from error


def uninstall(at: Places) -> bool:
    """Remove the script and the lines that load it. Return whether there was anything to remove.

    Raises:
        ExportError: A file can't be written.
    """
    try:
        was_there = os.path.exists(at.script)
        if was_there:
            write_shared(at.script, "")
        text = read_shared(at.start) if at.start else ""
        before, begin, rest = text.partition(f"{BEGIN}\n")
        _, end, after = rest.partition(f"{END}\n")
        if begin and end:
            write_shared(at.start, before + after)
        return was_there or bool(end)
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> ExportError:
    return ExportError(
        f"{error.filename} can't be written: {error.strerror}.",
        remedy="Correct its permissions, or load the output of `entra completion SHELL` yourself.",
    )
