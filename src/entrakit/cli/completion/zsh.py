"""The completion script of zsh, with the meaning of commands and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.completion.posix import WALK, tables
from entrakit.cli.completion.tree import LISTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrakit.cli.completion.tree import Branch


def script(branches: Sequence[Branch]) -> str:
    """Return the script."""
    commands = "".join(_case(f"{one.path}:words", one.words) for one in branches if one.words)
    options = "".join(
        _case(f"{one.path}:options", ((option.long, option.help) for option in one.options)) for one in branches
    )
    return f"""#compdef entra
# zsh completion for entra: eval "$(entra completion zsh)"
{tables(branches)}_entra_described() {{
    case "$1:$2" in
{commands}{options}    esac
}}
_entra() {{
    local node='' option='' place=0 index word kind='' choices=''
    local -a described names
    for ((index = 2; index < CURRENT; index++)); do
        word=${{(Q)words[index]}}
{WALK}    done
    if [[ $words[CURRENT] == --*=* ]]; then
        option=${{words[CURRENT]%%=*}}
        compset -P '*='
    fi
    if [ -n "$option" ]; then
        _entra_value "$node" "$option"
    else
        [[ $words[CURRENT] == -* ]] || _entra_words "$node" "$place"
        if [ -z "$kind$choices" ]; then
            _entra_described "$node" options
            _describe -o option described
            return
        fi
        _entra_described "$node" words
    fi
    if [ "$kind" = files ]; then
        _files
    elif [ "$kind" = body_files ]; then
        compset -P '@' && _files
    elif [ "$kind" = connections ]; then
        names=(${{(f)"$({LISTS["connections"]} 2>/dev/null | tail -n +2 | cut -f 1)"}})
        compadd -a names
    elif [ "$kind" = profiles ]; then
        names=(${{(f)"$({LISTS["profiles"]} 2>/dev/null | tail -n +2 | cut -f 1)"}})
        compadd -a names
    elif (( $#described )); then
        _describe command described
    else
        names=(${{=choices}})
        compadd -a names
    fi
}}
compdef _entra entra
"""


def _case(pattern: str, pairs: Iterable[tuple[str, str]]) -> str:
    described = " ".join(f"'{name}:{text}'" for name, text in pairs)
    return f"        '{pattern}') described=({described}) ;;\n"
