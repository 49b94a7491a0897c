"""The completion script of PowerShell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.completion.tree import CONNECTIONS, FILES, PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrakit.cli.completion.tree import Branch, Value


def script(branches: Sequence[Branch]) -> str:
    """Return the script."""
    words = _table((one.path, _list(word for word, _ in one.words)) for one in branches if one.words)
    options = _table((one.path, _list(option.long for option in one.options)) for one in branches)
    values = _table(
        (f"{branch.path} {name}", _value(option.value))
        for branch in branches
        for option in branch.options
        if option.value is not None
        for name in option.names
    )
    places = _table(
        (f"{branch.path} {place}", _value(value)) for branch in branches for place, value in enumerate(branch.arguments)
    )
    return f"""# PowerShell completion for entra: entra completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName entra -ScriptBlock {{
    param($current, $ast, $position)
    $words = @{{
{words}
    }}
    $options = @{{
{options}
    }}
    $values = @{{
{values}
    }}
    $places = @{{
{places}
    }}
    $node = ''; $option = ''; $place = 0
    $typed = @($ast.CommandElements | Where-Object {{ $_.Extent.EndOffset -lt $position }} |
        ForEach-Object {{ $_.ToString() }})
    foreach ($word in @($typed | Select-Object -Skip 1)) {{
        $longer = "$node $word".Trim()
        if ($option) {{ $option = '' }}
        elseif ($word.StartsWith('-')) {{ if ($values.ContainsKey("$node $word")) {{ $option = $word }} }}
        elseif ($options.ContainsKey($longer)) {{ $node = $longer }}
        elseif ($word -ne 'help' -or $node) {{ $place++ }}
    }}
    $choices = @()
    if ($option) {{ $choices = $values["$node $option"] }}
    elseif (-not $current.StartsWith('-')) {{
        $choices = @($words[$node]) + @($places["$node $place"]) | Where-Object {{ $_ }}
    }}
    if (-not $option -and -not $choices) {{ $choices = $options[$node] }}
    if ($choices -contains '<files>') {{ return }}
    if ($choices -contains '<connections>') {{
        $choices = @(entra status --output json 2>$null | ConvertFrom-Json | ForEach-Object {{ $_.name }})
    }}
    if ($choices -contains '<profiles>') {{
        $choices = @(entra config --profiles --output json 2>$null | ConvertFrom-Json | ForEach-Object {{ $_.profile }})
    }}
    $choices | Where-Object {{ $_ -like "$current*" }} | ForEach-Object {{
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }}
}}
"""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"        '{name}' = {value}" for name, value in rows)


def _value(value: Value) -> str:
    # PowerShell itself completes file names if a completer returns nothing.
    return _list([f"<{value.kind}>"] if value.kind in (FILES, CONNECTIONS, PROFILES) else value.words)


def _list(words: Iterable[str]) -> str:
    quoted = ", ".join(f"'{word}'" for word in words)
    return f"@({quoted})"
