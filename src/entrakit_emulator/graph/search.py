"""`$search` on directory objects as SQL: clauses `"property:text"`, joined by AND and OR."""

from __future__ import annotations

import re

from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.graph.filters import Condition, sql_of
from entrakit_emulator.graph.kind import KINDS, property_of
from entrakit_emulator.graph.schema import LIST

# Searched by words; all others by their beginning.
BY_WORD = frozenset({"displayName", "description"})
_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(AND|OR)\b|([()]))')
_HINT = (
    "Request with $search query parameter only works through MSGraph with a special request header: "
    "'ConsistencyLevel: eventual'"
)


def condition(text: str, kind: str, *, is_eventual: bool) -> Condition:
    """Return the condition of a search for a kind of object.

    Raises:
        GraphError: The header is missing, or the search is malformed.
    """
    if not is_eventual:
        raise GraphError(400, "Request_UnsupportedQuery", _HINT)
    parts: list[str] = []
    values: list[object] = []
    place, wants_clause, depth = 0, True, 0
    stripped = text.rstrip()
    while place < len(stripped):
        found = _TOKEN.match(stripped, place)
        if found is None:
            raise _wrong(text, place)
        place = found.end()
        clause, word, sign = found.groups()
        if sign:
            depth += 1 if sign == "(" else -1
            if depth < 0 or wants_clause != (sign == "("):
                raise _wrong(text, found.start())
            parts.append(sign)
        elif wants_clause == (clause is None):
            raise _wrong(text, found.start())
        elif word:
            parts.append(f" {word} ")
            wants_clause = True
        else:
            one = _clause(re.sub(r"\\(.)", r"\1", clause), kind)
            parts.append(one.sql)
            values += one.values
            wants_clause = False
    if wants_clause or depth:
        raise _wrong(text, place)
    return Condition(f"({''.join(parts)})", tuple(values))


def _clause(clause: str, kind: str) -> Condition:
    given, separator, looked_for = clause.partition(":")
    name = property_of(kind, given)
    if not separator or name not in KINDS[kind].searching:
        raise GraphError(400, "Request_BadRequest", f"Expect simple name=value query, but observe property '{given}'.")
    if name in BY_WORD:
        return _by_word(sql_of(kind, name), looked_for)
    escaped = looked_for.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    if KINDS[kind].properties[name] == LIST:
        return Condition(
            f"EXISTS (SELECT 1 FROM json_each(doc, '$.{name}') WHERE value LIKE ? ESCAPE '\\')",  # noqa: S608 - a name
            (escaped,),
        )
    return Condition(f"{sql_of(kind, name)} LIKE ? ESCAPE '\\'", (escaped,))


def _by_word(sql: str, looked_for: str) -> Condition:
    """Return the condition that each searched word begins a word; LIKE first sorts out values without them."""
    words = [word for word in re.findall(r"\w+", looked_for) if word.isascii()]
    near = "".join(f"{sql} LIKE ? ESCAPE '\\' AND " for _ in words)
    escaped = (word.replace("_", "\\_") for word in words)
    return Condition(f"({near}searched({sql}, ?))", (*(f"%{word}%" for word in escaped), looked_for))


def _wrong(text: str, place: int) -> GraphError:
    return GraphError(
        400,
        "BadRequest",
        f"Syntax error: character '{text[place : place + 1]}' is not valid at position {place} in '{text}'.",
    )
