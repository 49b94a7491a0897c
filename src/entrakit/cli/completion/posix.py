"""The tables of the completion scripts for bash and zsh: functions that both shells understand.

Each sets `kind` (`files`, `body_files`, `connections`, `profiles` or empty) and `choices` (words, separated by spaces).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from entrakit.cli.completion.tree import Branch, Value

# Sets node, option and place: the command so far, the option whose value is being typed, and the number of arguments.
WALK = """        if [ -n "$option" ]; then
            [ "$word" = '=' ] || [ "$word" = '@' ] || option=''
        elif [ "${word:0:1}" = '-' ]; then
            if _entra_value "$node" "$word"; then option=$word; fi
        elif _entra_is_node "${node:+$node }$word"; then
            node="${node:+$node }$word"
        elif [ "$word" != help ] || [ -n "$node" ]; then
            place=$((place + 1))
        fi
"""


def tables(branches: Sequence[Branch]) -> str:
    """Return the functions: which nodes exist, what follows a node, what the values of an option are."""
    nodes = _case("$1", [((branch.path,), "return 0") for branch in branches if branch.path])
    words = [((branch.path,), f"choices='{' '.join(word for word, _ in branch.words)}'") for branch in branches]
    options = [((one.path,), f"choices='{' '.join(option.long for option in one.options)}'") for one in branches]
    values = [
        ((branch.path,), "\n" + _indented(_case("$2", _values(branch))) + "    ")
        for branch in branches
        if any(option.value is not None for option in branch.options)
    ]
    places = [
        ((f"{branch.path}:{'*' if branch.is_open and place == len(branch.arguments) - 1 else place}",), _set(value))
        for branch in branches
        for place, value in enumerate(branch.arguments)
    ]
    return (
        f"_entra_is_node() {{\n{nodes}    return 1\n}}\n"
        f"_entra_words() {{\n    kind='' choices=''\n{_case('$1', [one for one in words if one[1] != _EMPTY])}"
        f"{_case('$1:$2', places)}}}\n"
        f"_entra_options() {{\n    kind=''\n{_case('$1', options)}}}\n"
        f"_entra_value() {{\n    kind='' choices=''\n{_case('$1', values)}    return 1\n}}\n"
    )


_EMPTY = "choices=''"


def _values(branch: Branch) -> list[tuple[tuple[str, ...], str]]:
    return [(option.names, f"{_set(option.value)}; return 0") for option in branch.options if option.value is not None]


def _set(value: Value) -> str:
    return f"kind={value.kind}" if value.kind else f"choices='{' '.join(value.words)}'"


def _case(subject: str, rows: Iterable[tuple[tuple[str, ...], str]]) -> str:
    lines = [f"        {'|'.join(_pattern(name) for name in names)}) {action} ;;" for names, action in rows]
    return "\n".join([f'    case "{subject}" in', *lines, "    esac", ""])


def _pattern(name: str) -> str:
    return f"'{name[:-1]}'*" if name.endswith("*") else f"'{name}'"


def _indented(text: str) -> str:
    return "".join(f"        {line}\n" for line in text.splitlines())
