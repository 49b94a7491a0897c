"""Completion scripts, made from the command table. The shell completes without starting Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.command_table import COMMANDS
from entrakit.cli.parser import parser_of

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.command_table import Command


def script(shell: str) -> str:
    """Return the completion script of a shell.

    Args:
        shell: `bash`, `zsh`, `fish` or `powershell`.
    """
    return {"bash": _bash, "zsh": _zsh, "fish": _fish, "powershell": _powershell}[shell]()


def _actions(command: Command) -> list[argparse.Action]:
    return [action for action in parser_of(command)._actions if action.option_strings]  # noqa: SLF001 - no public way


def _long(action: argparse.Action) -> str:
    return next(text for text in action.option_strings if text.startswith("--"))


def _bash() -> str:
    cases = []
    values = []
    for command in COMMANDS:
        words = " ".join(sorted(_long(action) for action in _actions(command)))
        cases.append(f"        {command.name}) words='{words}' ;;")
        for action in _actions(command):
            if action.choices:
                choices = " ".join(str(choice) for choice in action.choices)
                values.append(f"        {command.name}:{_long(action)}) words='{choices}' ;;")
    names = " ".join(command.name for command in COMMANDS)
    return f"""# bash completion for entra: eval "$(entra completion bash)"
_entra() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words=''
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W '{names} --help --version' -- "$current"))
        return
    fi
    case "${{COMP_WORDS[1]}}" in
{chr(10).join(cases)}
        completion) words='bash zsh fish powershell' ;;
    esac
    case "${{COMP_WORDS[1]}}:$previous" in
{chr(10).join(values)}
        *:--certificate-path|*:--ca-bundle|*:--client-secret-file|*:--out|*:--session)
            COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _entra entra
"""


def _zsh() -> str:
    commands = "\n".join(f"        '{one.name}:{_quoted(one.summary)}'" for one in COMMANDS)
    cases = []
    for command in COMMANDS:
        lines = []
        for action in _actions(command):
            takes = "" if action.nargs == 0 else f":{(action.metavar or 'value')}:{_zsh_values(action)}"
            lines.append(f"                '*{_long(action)}[{_quoted(action.help or '')}]{takes}'")
        if command.name == "completion":
            lines.append("                '1:shell:(bash zsh fish powershell)'")
        joined = " \\\n".join(lines)
        cases.append(f"            {command.name})\n                _arguments \\\n{joined} ;;")
    return f"""#compdef entra
# zsh completion for entra: eval "$(entra completion zsh)"
_entra() {{
    local -a commands
    commands=(
{commands}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
    else
        local command=$words[2]
        shift words
        (( CURRENT-- ))
        case $command in
{chr(10).join(cases)}
        esac
    fi
}}
compdef _entra entra
"""


def _zsh_values(action: argparse.Action) -> str:
    if action.choices:
        return f"({' '.join(str(choice) for choice in action.choices)})"
    return "_files" if action.metavar == "FILE" else " "


def _fish() -> str:
    lines = ["# fish completion for entra: entra completion fish | source", "complete -c entra -f"]
    for command in COMMANDS:
        alone = "-n __fish_use_subcommand"
        lines.append(f"complete -c entra {alone} -a {command.name} -d '{_quoted(command.summary)}'")
        seen = f"-n '__fish_seen_subcommand_from {command.name}'"
        for action in _actions(command):
            takes = "" if action.nargs == 0 else " -r"
            if action.choices:
                takes = f" -x -a '{' '.join(str(choice) for choice in action.choices)}'"
            elif action.metavar == "FILE":
                takes = " -r -F"
            lines.append(f"complete -c entra {seen} -l {_long(action)[2:]}{takes} -d '{_quoted(action.help or '')}'")
    lines.append("complete -c entra -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish powershell'")
    return "\n".join(lines)


def _powershell() -> str:
    table = []
    for command in COMMANDS:
        words = [_long(action) for action in _actions(command)]
        if command.name == "completion":
            words += ["bash", "zsh", "fish", "powershell"]
        quoted = ", ".join(f"'{word}'" for word in words)
        table.append(f"        '{command.name}' = @({quoted})")
    return f"""# PowerShell completion for entra: entra completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName entra -ScriptBlock {{
    param($word, $ast, $position)
    $commands = [ordered]@{{
{chr(10).join(table)}
    }}
    $typed = @($ast.CommandElements | ForEach-Object {{ $_.ToString() }})
    $command = if ($typed.Count -gt 1) {{ $typed[1] }} else {{ '' }}
    $choices = if ($commands.Contains($command)) {{ $commands[$command] }} else {{ $commands.Keys }}
    $choices | Where-Object {{ $_ -like "$word*" }} | ForEach-Object {{
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }}
}}
"""


def _quoted(text: str) -> str:
    """Return a string without the characters that end quotes or brackets in one of the shells."""
    return text.replace("'", "").replace("[", "(").replace("]", ")").replace(":", " -").replace("%%", "%")
