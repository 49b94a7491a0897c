"""Text from outside (servers, files, other processes), made safe for terminals, errors, logs and pages.

One rule: a character is safe if `str.isprintable()` is true for it. So these are not: control characters and escape
sequences, marks that change the direction of text, invisible characters, halves of surrogate pairs, unassigned
characters, and every kind of white space except the space.

    one_line(text)      in errors and logs: unsafe characters are removed, white space becomes one space
    lines(text)         on pages: likewise, but line breaks stay
    on_terminal(text)   on a terminal: line breaks and tabs stay, unsafe characters become U+FFFD
    in_json(text)       JSON on a terminal: unsafe characters become JSON escapes, which have the same meaning
    escaped(text)       paths and names that the user must find again: as Python writes them
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Invisible, but Persian, the scripts of India, and emoji are wrong without them (Unicode, 23.2). They can't harm a
# terminal; in errors they are removed, because they can hide a secret from the masking.
JOINERS = "\u200c\u200d"


def one_line(text: str, longest: int | None = None) -> str:
    """Return text as one safe line, without white space at its ends.

    Args:
        text: Any string.
        longest: Maximum number of characters; None for no limit.
    """
    return " ".join(_replaced(text, "", lambda one: " " if one.isspace() else "").split())[:longest]


def lines(text: str, longest: int | None = None) -> str:
    """Return text as safe lines.

    Args:
        text: Any string.
        longest: Maximum number of characters; None for no limit.
    """
    return _replaced(text, "\n", _space_or(""))[:longest]


def on_terminal(text: str) -> str:
    """Return text that a terminal prints and does not obey."""
    return _replaced(text, "\n\t" + JOINERS, _space_or("\N{REPLACEMENT CHARACTER}"))


def in_json(text: str) -> str:
    """Return JSON that a terminal prints and does not obey; it has the same meaning.

    A carriage return stays before a line feed only: alone it would overwrite the line.
    """
    return "\r\n".join(_replaced(part, "\n\t" + JOINERS, _json_escape) for part in text.split("\r\n"))


def escaped(text: str) -> str:
    """Return a path or a name as it is if it is safe; else quoted and with escapes, as Python writes it."""
    return text if text.isprintable() else ascii(text)


def _replaced(text: str, allowed: str, replacement: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in allowed else replacement(one) for one in text)


def _space_or(other: str) -> Callable[[str], str]:
    # The no-break space and the ideographic space separate words; a vertical tab or a line separator moves the cursor.
    from unicodedata import category

    return lambda one: " " if category(one) == "Zs" else other


def _json_escape(character: str) -> str:
    import json

    return json.dumps(character)[1:-1]
