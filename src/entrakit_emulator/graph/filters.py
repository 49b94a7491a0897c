"""`$filter` (OData 4.01, part 2, 5.1.1) as SQL; text of the client becomes bound values, never SQL.

or      and ("or" and)*
and     unary ("and" unary)*
unary   "not" unary | "(" or ")" | function "(" path "," literal ")" | path "/any(" x ":" or ")" | path operator literal
"""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, NamedTuple

from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph.errors import GraphError, bad_request, not_here, unsupported
from entrakit_emulator.graph.kind import KINDS, known_property
from entrakit_emulator.graph.schema import BOOLEAN, DATE, LIST, NUMBER, OBJECT, STRING

if TYPE_CHECKING:
    from collections.abc import Callable

TERMS = 15
DEPTH = 40
ENDS_WITH = frozenset({"mail", "otherMails", "userPrincipalName", "proxyAddresses"})
COLUMNS = {"displayName": "name", "userPrincipalName": "upn", "mailNickname": "nickname", "mail": "mail", "id": "id"}

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<date>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_$@][\w$@.]*)|(?P<sign>[(),:/]))"
)
_OPERATORS = {"eq": "=", "ne": "<>", "ge": ">=", "le": "<=", "gt": ">", "lt": "<"}
# Kinds of literals that a property of a type can be compared with.
_FITTING = {
    STRING: ("text", "guid", "null"),
    BOOLEAN: ("boolean", "null"),
    DATE: ("date", "null"),
    OBJECT: ("text", "guid", "boolean", "date", "number", "null"),
    NUMBER: ("number",),
}
_EDM = {
    STRING: "Edm.String", BOOLEAN: "Edm.Boolean", DATE: "Edm.DateTimeOffset", NUMBER: "Edm.Int32", "text": "Edm.String",
    LIST: "Collection(Edm.String)", "guid": "Edm.Guid", "null": "Edm.Null",
}  # fmt: skip
_ADVANCED = (
    "Operator '{0}' is not supported because the required parameters might be missing. Try adding $count=true query "
    "parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more "
    "information"
)


class Condition(NamedTuple):
    """A condition in SQL.

    Args:
        sql: SQL with question marks, never text of the client.
        values: Values for the question marks.
    """

    sql: str
    values: tuple[object, ...] = ()


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def condition(text: str, kind: str, *, is_advanced: bool) -> Condition:
    """Return the condition of a filter for a kind of object.

    Args:
        text: The filter.
        kind: Kind of the objects.
        is_advanced: Whether the request is an advanced query.

    Raises:
        GraphError: The filter is malformed or not supported; the messages are the service's.
    """
    return _Parser(text, kind, is_advanced).read()


def sql_of(kind: str, name: str, inner: str = "") -> str:
    """Return the SQL of a property; `name` and `inner` are names, never text of the client."""
    if not inner and name in COLUMNS:
        return COLUMNS[name]
    path = f"$.{name}.{inner}" if inner else f"$.{name}"
    collation = "" if KINDS[kind].properties.get(name) == BOOLEAN else " COLLATE NOCASE"
    return f"json_extract(doc, '{path}'){collation}"


class _Parser:
    def __init__(self, text: str, kind: str, is_advanced: bool) -> None:
        self._text = text
        self._kind = kind
        self._is_advanced = is_advanced
        self._tokens = self._split()
        self._place = 0
        self._depth = 0
        self._terms = 1
        self._range = ""
        self._element = "", ""

    def read(self) -> Condition:
        found = self._or()
        if self._place < len(self._tokens):
            raise self._wrong()
        if self._terms > TERMS:
            raise unsupported(
                "Too many child clauses specified in search filter expression containing 'OR' operators: "
                f"{self._terms}. Max allowed: {TERMS}."
            )
        return found

    def _split(self) -> list[_Token]:
        tokens, place = [], 0
        stripped = self._text.rstrip()
        while place < len(stripped):
            found = _TOKEN.match(stripped, place)
            if found is None or found.lastgroup is None:
                raise self._wrong(place)
            tokens.append(_Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            place = found.end()
        return tokens

    def _wrong(self, place: int | None = None) -> GraphError:
        at = place
        if at is None:
            at = self._tokens[self._place].at if self._place < len(self._tokens) else len(self._text)
        return bad_request(f"Invalid filter clause: Syntax error at position {at} in '{self._text}'.")

    def _peek(self, *texts: str) -> bool:
        return self._place < len(self._tokens) and self._tokens[self._place].text.lower() in texts

    def _next(self) -> _Token:
        if self._place >= len(self._tokens):
            raise self._wrong()
        self._place += 1
        return self._tokens[self._place - 1]

    def _expect(self, text: str) -> None:
        if not self._peek(text):
            raise self._wrong()
        self._place += 1

    def _or(self) -> Condition:
        return self._joined("or", self._and)

    def _and(self) -> Condition:
        return self._joined("and", self._unary)

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._peek(word):
            self._place += 1
            parts.append(part())
            self._terms += word == "or"
        if len(parts) == 1:
            return parts[0]
        return Condition(
            "(" + f" {word.upper()} ".join(one.sql for one in parts) + ")",
            tuple(v for one in parts for v in one.values),
        )

    def _unary(self) -> Condition:
        self._depth += 1
        if self._depth > DEPTH:
            raise unsupported("Unsupported Query.")
        try:
            if self._peek("not"):
                self._place += 1
                self._need_advanced("not")
                inner = self._unary()
                return Condition(f"NOT COALESCE({inner.sql}, 0)", inner.values)
            if self._peek("("):
                self._place += 1
                inner = self._or()
                self._expect(")")
                return inner
            return self._term()
        finally:
            self._depth -= 1

    def _term(self) -> Condition:
        name = self._next()
        if name.kind != "name":
            self._place -= 1
            raise self._wrong()
        if self._peek("(") and name.text.lower() in ("startswith", "endswith", "contains"):
            return self._function(name.text.lower())
        path = self._path(name)
        if self._peek("("):
            if path[-1].lower() in ("any", "all"):
                return self._lambda(path[:-1], path[-1].lower())
            raise not_here(NotImplementedHereError(f"Microsoft Graph's function {path[-1]} in a filter"))
        return self._comparison(path)

    def _path(self, first: _Token) -> list[str]:
        names = [first.text]
        while self._peek("/"):
            self._place += 1
            names.append(self._next().text)
        return names

    def _resolve(self, path: list[str]) -> tuple[str, str, str]:
        """Return the SQL of a path, the name of the property, and its type."""
        if self._range and path[0] == self._range:
            return self._element_of(path)
        name = known_property(self._kind, path[0])
        type_ = KINDS[self._kind].properties[name]
        if len(path) > 2 or (len(path) == 2 and (type_ != OBJECT or not re.fullmatch(r"[A-Za-z]\w*", path[1]))):
            raise self._unsupported(name)
        return sql_of(self._kind, name, path[1] if len(path) == 2 else ""), name, type_

    def _element_of(self, path: list[str]) -> tuple[str, str, str]:
        """Return the same for an element of a list, or for a property of the element."""
        outer, column = self._element
        types = KINDS[self._kind].elements.get(outer, {})
        members = {member.lower(): member for member in types}
        if len(path) == 1 and not members:
            return f"{column} COLLATE NOCASE", outer, STRING
        if len(path) != 2 or path[1].lower() not in members:
            raise self._unsupported(outer)
        member = members[path[1].lower()]
        return f"json_extract({column}, '$.{member}') COLLATE NOCASE", outer, types[member]

    def _allow(self, name: str, letter: str) -> None:
        """Check that this query may filter by a property in this way."""
        letters = KINDS[self._kind].letters.get(name, "")
        if letter in letters or (letter.upper() in letters and self._is_advanced):
            return
        raise self._unsupported(name)

    def _unsupported(self, name: str) -> GraphError:
        return unsupported(
            f"Unsupported or invalid query filter clause specified for property '{name}' of resource "
            f"'{KINDS[self._kind].title}'."
        )

    def _need_advanced(self, operator: str) -> None:
        if not self._is_advanced:
            raise unsupported(_ADVANCED.format(operator))

    def _function(self, function: str) -> Condition:
        self._expect("(")
        sql, name, type_ = self._resolve(self._path(self._next()))
        self._expect(",")
        literal = self._literal(type_)
        self._expect(")")
        if function == "contains" or not isinstance(literal, str):
            raise self._unsupported(name)
        escaped = literal.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        if function == "endswith":
            self._need_advanced("endsWith")
            if name not in ENDS_WITH:
                raise self._unsupported(name)
            return Condition(f"fold({sql}) LIKE ? ESCAPE '\\'", (f"%{escaped.casefold()}",))
        self._allow(name, "s")
        if not literal.isascii():
            return Condition(f"substr(fold({sql}), 1, {len(literal.casefold())}) = ?", (literal.casefold(),))
        if sql in COLUMNS.values():
            # A range can use an index; no name continues with the last character of Unicode.
            return Condition(f"({sql} >= ? AND {sql} < ?)", (literal, literal + "\U0010ffff"))
        return Condition(f"{sql} LIKE ? ESCAPE '\\'", (f"{escaped}%",))

    def _lambda(self, path: list[str], quantifier: str) -> Condition:
        _, name, type_ = self._resolve(path)
        is_inner = type_ == OBJECT and len(path) == 2
        if (type_ != LIST and not is_inner) or self._range:
            raise self._unsupported(name)
        place = f"$.{name}.{path[1]}" if is_inner else f"$.{name}"
        if quantifier == "all":
            self._need_advanced("all")
        self._expect("(")
        if quantifier == "any" and self._peek(")"):
            # Without a condition, any element is enough (OData 4.01, part 2, 5.1.1.13.1).
            self._place += 1
            self._allow(name, "e")
            return Condition(f"COALESCE(json_array_length(doc, '{place}'), 0) > 0")
        self._range = self._next().text
        self._element = name, "element.value"
        self._expect(":")
        inner = self._or()
        self._expect(")")
        self._range = ""
        source = f"json_each(doc, '{place}') AS element"
        if quantifier == "any":
            return Condition(f"EXISTS (SELECT 1 FROM {source} WHERE {inner.sql})", inner.values)  # noqa: S608 - names only
        return Condition(f"NOT EXISTS (SELECT 1 FROM {source} WHERE NOT {inner.sql})", inner.values)  # noqa: S608

    def _comparison(self, path: list[str]) -> Condition:
        if path[-1].lower() == "$count" and len(path) == 2:
            return self._counted(path[0])
        sql, name, type_ = self._resolve(path)
        operator = self._next().text.lower()
        if operator == "in":
            return self._in(sql, name, type_)
        if operator not in _OPERATORS:
            self._place -= 1
            raise self._wrong()
        literal = self._literal(type_)
        sql, literal = _as_compared(sql, literal)
        if operator == "ne":
            self._need_advanced("ne")
            if literal is None:
                return Condition(f"{sql} IS NOT NULL")
            return Condition(f"COALESCE({sql} <> ?, 1)", (literal,))
        if literal is None and operator == "eq":
            self._allow(name, "n")
            return Condition(f"{sql} IS NULL")
        self._allow(name, {"eq": "e", "ge": "g", "le": "g"}.get(operator, "-"))
        return Condition(f"{sql} {_OPERATORS[operator]} ?", (literal,))

    def _in(self, sql: str, name: str, type_: str) -> Condition:
        self._allow(name, "e")
        self._expect("(")
        values = [self._literal(type_)]
        while self._peek(","):
            self._place += 1
            values.append(self._literal(type_))
        self._expect(")")
        self._terms += len(values) - 1
        if sql == COLUMNS["id"]:
            values = [str(value).lower() for value in values]
        elif not all(str(value).isascii() for value in values):
            sql, values = f"fold({sql})", [value.casefold() if isinstance(value, str) else value for value in values]
        return Condition(f"{sql} IN ({','.join('?' * len(values))})", tuple(values))

    def _counted(self, path: str) -> Condition:
        relation = KINDS[self._kind].relation(path)
        name = relation.name if relation else known_property(self._kind, path)
        self._need_advanced("$count")
        self._allow(name, "c")
        operator, number = self._next().text.lower(), self._literal(NUMBER)
        if operator not in ("eq", "ne") or number not in (0, 1):
            raise self._unsupported(name)
        if relation is None:
            return Condition(f"COALESCE(json_array_length(doc, '$.{name}'), 0) {_OPERATORS[operator]} ?", (number,))
        near, far = ("source", "target") if relation.is_forward else ("target", "source")
        related = (
            f"SELECT COUNT(*) FROM links JOIN objects AS other ON other.id = links.{far} AND other.deleted IS NULL "  # noqa: S608 - names only
            f"WHERE links.kind = ? AND links.{near} = objects.id"
        )
        return Condition(f"({related}) {_OPERATORS[operator]} ?", (relation.link, number))

    def _literal(self, type_: str) -> object:
        token = self._next()
        lowered = token.text.lower()
        kind = "boolean" if lowered in ("true", "false") else "null" if lowered == "null" else token.kind
        if kind not in _FITTING.get(type_, ()):
            self._place -= 1
            raise self._wrong() if kind in ("name", "sign") else self._incompatible(type_, kind)
        if token.kind == "text":
            return token.text[1:-1].replace("''", "'")
        if lowered in ("true", "false", "null"):
            return {"true": 1, "false": 0, "null": None}[lowered]
        if token.kind == "guid":
            return lowered
        if token.kind == "date":
            return self._date(token.text)
        return float(token.text) if "." in token.text else int(token.text[:18])

    def _date(self, text: str) -> str:
        try:
            at = datetime.datetime.fromisoformat(text)
            zoned = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
            return zoned.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        except (ValueError, OverflowError):
            self._place -= 1
            raise self._wrong() from None

    def _incompatible(self, type_: str, kind: str) -> GraphError:
        return GraphError(
            400,
            "BadRequest",
            "Invalid filter clause: A binary operator with incompatible types was detected. Found operand types "
            f"'{_EDM.get(type_, type_)}' and '{_EDM.get(kind, kind)}'.",
        )


def _as_compared(sql: str, literal: object) -> tuple[str, object]:
    """Return both sides of a comparison so that case does not matter; the database handles ASCII only."""
    if isinstance(literal, str) and sql == COLUMNS["id"]:
        return sql, literal.lower()
    if isinstance(literal, str) and not literal.isascii():
        return f"fold({sql})", literal.casefold()
    return sql, literal
