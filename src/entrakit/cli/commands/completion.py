"""`entra completion [SHELL]`: a script that completes commands, options and values; printed or installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.options.output import add_output
from entrakit.cli.output.show import show
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser

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


def run(options: argparse.Namespace, context: Context) -> int:
    """Print, install or remove the script."""
    from entrakit.cli.completion.install import install, places, shell_of, uninstall
    from entrakit.cli.completion.scripts import script

    changes = options.install or options.uninstall
    if not options.shell and not changes:
        raise ParameterError("The shell is missing.", remedy="Example: entra completion bash, or add --install.")
    shell = options.shell or shell_of(context.environ)
    if not changes:
        context.write(script(shell).rstrip())
        return 0
    at = places(shell, context.environ)
    if options.install:
        install(shell, at)
        files = " and ".join(name for name in at if name)
        context.info(f"Completion for {shell} is installed in {files}. It works in new shells.")
    elif uninstall(at):
        context.info(f"Completion for {shell} is removed.")
    else:
        context.info(f"Completion for {shell} was not installed.")
    done = {"shell": shell, "installed": options.install, "script": at.script, "start_file": at.start}
    show(context, options, done)
    return 0
