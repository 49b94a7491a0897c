"""The completion script of bash. Only names of connections and profiles start a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.completion.posix import WALK, tables
from entrakit.cli.completion.tree import LISTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.cli.completion.tree import Branch


def script(branches: Sequence[Branch]) -> str:
    """Return the script."""
    return f"""# bash completion for entra: eval "$(entra completion bash)"
{tables(branches)}_entra() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} node='' option='' place=0 index word kind='' choices=''
    for ((index = 1; index < COMP_CWORD; index++)); do
        word=${{COMP_WORDS[index]}}
{WALK}    done
    [ "$current" = '=' ] && current=''
    if [ -n "$option" ]; then
        _entra_value "$node" "$option"
    else
        [ "${{current:0:1}}" = '-' ] || _entra_words "$node" "$place"
        [ -n "$kind$choices" ] || _entra_options "$node"
    fi
    local IFS=$' \\t\\n'
    if [ "$kind" = connections ]; then
        choices=$({LISTS["connections"]} 2>/dev/null | tail -n +2 | cut -f 1)
    elif [ "$kind" = profiles ]; then
        choices=$({LISTS["profiles"]} 2>/dev/null | tail -n +2 | cut -f 1)
    elif [ "$kind" = files ]; then
        compopt -o filenames 2>/dev/null
        IFS=$'\\n'
        COMPREPLY=($(compgen -f -- "$current"))
        return
    elif [ "$kind" = body_files ]; then
        compopt -o filenames 2>/dev/null
        IFS=$'\\n'
        # In most shells @ separates words.
        if [ "$current" = '@' ] || [ "${{COMP_WORDS[COMP_CWORD - 1]}}" = '@' ]; then
            COMPREPLY=($(compgen -f -- "${{current#@}}"))
        elif [ "${{current:0:1}}" = '@' ]; then
            COMPREPLY=($(compgen -f -P @ -- "${{current#@}}"))
        fi
        return
    fi
    COMPREPLY=($(compgen -W "$choices" -- "$current"))
}}
complete -F _entra entra
"""
