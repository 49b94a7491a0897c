"""The completion script of fish, with the meaning of commands and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.completion.tree import BODY_FILES, FILES, LISTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrakit.cli.completion.tree import Branch, Value


# Functions that print file names after @, and names.
_SOURCES = f"""function __entra_body_files
    string match -q -- '@*' "$__entra_current"; or return
    __fish_complete_path (string sub -s 2 -- "$__entra_current") | string replace -r -- '^' '@'
end
function __entra_connections
    {LISTS["connections"]} 2>/dev/null | tail -n +2 | cut -f 1
end
function __entra_profiles
    {LISTS["profiles"]} 2>/dev/null | tail -n +2 | cut -f 1
end
"""


def script(branches: Sequence[Branch]) -> str:
    """Return the script."""
    nodes = " ".join(f"'{branch.path}'" for branch in branches if branch.path)
    words = [(f"'{one.path}'", _print(one.words)) for one in branches if one.words]
    options = [(f"'{one.path}'", _print((option.long, option.help) for option in one.options)) for one in branches]
    values = [
        (" ".join(f"'{branch.path} {name}'" for name in option.names), _print_values(option.value))
        for branch in branches
        for option in branch.options
        if option.value is not None
    ]
    places = [
        (f"'{one.path} {'*' if one.is_open and place == len(one.arguments) - 1 else place}'", _print_values(value))
        for one in branches
        for place, value in enumerate(one.arguments)
    ]
    return f"""# fish completion for entra: entra completion fish | source
function __entra_words
{_switch('"$argv[1]"', words)}{_switch('"$argv[1] $argv[2]"', places)}end
function __entra_options
{_switch('"$argv[1]"', options)}end
function __entra_takes_value
    contains -- "$argv[1] $argv[2]" {" ".join(subject for subject, _ in values)}
end
function __entra_values
{_switch('"$argv[1] $argv[2]"', values)}end
{_SOURCES}function __entra
    set -l node ''
    set -l option ''
    set -l place 0
    for word in (commandline -opc)[2..-1]
        set -l longer (string trim -- "$node $word")
        if test -n "$option"
            set option ''
        else if string match -q -- '-*' $word
            __entra_takes_value "$node" "$word"; and set option $word
        else if contains -- "$longer" {nodes}
            set node $longer
        else if test "$word" != help; or test -n "$node"
            set place (math $place + 1)
        end
    end
    set -g __entra_current (commandline -ct)
    if test -n "$option"
        __entra_values "$node" "$option"
    else if string match -q -- '--*=*' "$__entra_current"
        set option (string split -m 1 -- = "$__entra_current")[1]
        set -g __entra_current (string split -m 1 -- = "$__entra_current")[2]
        __entra_values "$node" "$option" | string replace -r -- '^' "$option="
    else if string match -q -- '-*' "$__entra_current"
        __entra_options "$node"
    else
        set -l found (__entra_words "$node" "$place")
        test (count $found) -gt 0; or set found (__entra_options "$node")
        printf '%s\\n' $found
    end
end
complete -c entra -f -a '(__entra)'
"""


def _switch(subject: str, rows: Sequence[tuple[str, str]]) -> str:
    cases = "".join(f"        case {pattern}\n            {action}\n" for pattern, action in rows)
    return f"    switch {subject}\n{cases}    end\n"


def _print(pairs: Iterable[tuple[str, str]]) -> str:
    return "printf '%s\\t%s\\n' " + " ".join(f"'{name}' '{text}'" for name, text in pairs)


def _print_values(value: Value) -> str:
    if value.kind == FILES:
        return '__fish_complete_path "$__entra_current"'
    if value.kind == BODY_FILES:
        return "__entra_body_files"
    if value.kind in LISTS:
        return f"__entra_{value.kind}"
    return f"printf '%s\\n' {' '.join(value.words)}" if value.words else "true"
