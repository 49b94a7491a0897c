"""`entra completion [SHELL]`: a script that completes commands, options and values; printed or installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.output import add_output
from entrakit.cli.work import Result, Work
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps

# Named here too, because the scripts themselves need every command.
SHELLS = ("bash", "zsh", "fish", "powershell")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "shell", nargs="?", choices=SHELLS, metavar="SHELL", help=f"{', '.join(SHELLS)} (default: env SHELL)"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--install", action="store_true", help="have new shells load the script")
    how.add_argument("--uninstall", action="store_true", help="undo --install")
    add_output(parser, default="none")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the printing of the script, or its installation or removal."""
    is_change = options.install or options.uninstall
    if not options.shell and not is_change:
        raise ParameterError("The shell is missing.", remedy="Example: entra completion bash, or add --install.")
    return Work(_change(options, context)) if is_change else Work(_print(options.shell), "raw")


def _print(shell: str) -> Steps:
    from entrakit.cli.completion.scripts import script

    text = script(shell).rstrip()
    yield Result({"shell": shell, "script": text}, (text,))
    return 0


def _change(options: argparse.Namespace, context: Context) -> Steps:
    from entrakit.cli.completion.install import install, places, shell_of, uninstall

    shell = options.shell or shell_of(context.environ)
    at = places(shell, context.environ)
    if options.install:
        install(shell, at)
        files = " and ".join(name for name in at if name)
        yield f"Completion for {shell} is installed in {files}. It works in new shells."
    elif uninstall(at):
        yield f"Completion for {shell} is removed."
    else:
        yield f"Completion for {shell} was not installed."
    yield Result({"shell": shell, "installed": options.install, "script": at.script, "start_file": at.start})
    return 0
