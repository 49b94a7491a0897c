"""Query options (OData 4.01, part 2, section 5; Microsoft Graph, "Use query parameters"), quoted in one place.

    literal("O'Neil")                               → 'O''Neil'
    fill("startsWith(displayName,{})", "O'N")       → startsWith(displayName,'O''N')
    options(filter={"displayName": "O'Neil"})       → $filter=displayName eq 'O''Neil'
    options(search={"displayName": "North sales"})  → $search="displayName:North sales"

Values from outside must go through `literal`, `fill` or a mapping; a filter that is a string is sent as it is.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from typing import TypeAlias, TypedDict

    Literal: TypeAlias = str | int | float | bool | datetime.datetime | datetime.date | uuid.UUID | None

    class Query(TypedDict, total=False):
        """Query options; each becomes the OData option of the same name.

        Args:
            select: Properties to return.
            filter: OData expression, or a mapping of properties to required values.
            expand: Relations to include, such as `manager($select=id)`.
            search: Search expression with its quotes, or a mapping of properties to the words to search for.
            orderby: Properties to sort by, such as `displayName desc`.
            top: Size of a page; 1 to 999 for directory objects.
            count: Whether to request the number of all results, too.
            options: Further query parameters, sent as they are, such as `{"api-version": "2022-12-01"}`.
        """

        select: Sequence[str] | str
        filter: str | Mapping[str, Literal]
        expand: Sequence[str] | str
        search: str | Mapping[str, str]
        orderby: Sequence[str] | str
        top: int
        count: bool
        options: Mapping[str, str | Sequence[str]]


_NAME = re.compile(r"[A-Za-z_@][\w@.]*(?:/[A-Za-z_][\w.]*)*", re.ASCII)
_TYPES = {
    "select": (str, list, tuple, set, frozenset), "filter": (str, Mapping), "expand": (str, list, tuple),
    "search": (str, Mapping), "orderby": (str, list, tuple), "top": (int,), "count": (bool,), "options": (Mapping,),
}  # fmt: skip
# Characters that need no escape in the value of a query parameter (RFC 3986, 3.4).
MAX_SHOWN = 100
_SAFE = "$'(),:;/@*!-._~="


def literal(value: Literal) -> str:
    """Return a value as a literal of an OData expression (OData 4.01 URL conventions, 5.1.1.14).

    Args:
        value: String (quoted, with its quotes doubled), number, bool, None, date, time with a time zone, or UUID
            (unquoted, for properties of type Edm.Guid).

    Raises:
        ParameterError: The value is a time without a time zone, not a finite number, or of another type.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, int) or ("uuid" in sys.modules and isinstance(value, sys.modules["uuid"].UUID)):
        return str(value)
    if isinstance(value, float) and value == value and abs(value) != float("inf"):  # noqa: PLR0124 - not a number
        return repr(value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ParameterError(f"The time {value} has no time zone.", remedy="Add one, such as datetime.UTC.")
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise ParameterError(
        f"A {type(value).__name__} can't be a value in a filter.", remedy="Use a string, number, bool, date or UUID."
    )


def fill(template: str, *values: Literal) -> str:
    """Return an expression in which each `{}` is replaced by the next literal: `fill("mail eq {}", mail)`.

    Raises:
        ParameterError: The number of values is not that of the places, or a value can't be a literal.
    """
    pieces = template.split("{}")
    if len(pieces) != len(values) + 1:
        raise ParameterError(
            f"The filter has {len(pieces) - 1} places for values, but there are {len(values)} values.",
            remedy="Pass one value for each {}.",
        )
    return "".join(piece + text for piece, text in zip(pieces, [*map(literal, values), ""], strict=True))


def segment(text: str) -> str:
    """Return an id or name as one segment of a path: `/`, and `#` in the names of guests, are escaped.

    Raises:
        ParameterError: It contains bytes that are not UTF-8 text.
    """
    return _quoted(text, "-._~!$&'()*+,;=:@")


def not_text(text: str) -> ParameterError:
    """Return the error for a string with bytes in another encoding than UTF-8, which Python keeps as half characters.

    Args:
        text: The string, or its part with such a byte.
    """
    return ParameterError(
        f"{text[:MAX_SHOWN]!a} is not UTF-8 text, so nothing was sent.",
        remedy="Use UTF-8 for the program and the terminal that wrote it.",
    )


def parameters(query: Query) -> dict[str, str]:
    """Return the parameters of a query, before they are escaped for an address.

    Raises:
        ParameterError: An option is unknown or of the wrong type, a name is invalid, or `top` is not positive.
    """
    found: dict[str, str] = {}
    for name, value in query.items():
        expected = _TYPES.get(name)
        if expected is None:
            raise ParameterError(f"Unknown query option {name!r}.", remedy=f"Use one of {', '.join(_TYPES)}.")
        if not isinstance(value, expected) or (name == "top" and isinstance(value, bool)):
            raise ParameterError(f"{name} can't be a {type(value).__name__}.")
    lists = {"select": query.get("select"), "orderby": query.get("orderby"), "expand": query.get("expand")}
    for name, listed in lists.items():
        if listed:
            found[f"${name}"] = listed if isinstance(listed, str) else ",".join(_strings(name, listed))
    if query.get("filter"):
        found["$filter"] = _filter(query["filter"])
    if query.get("search"):
        found["$search"] = _search(query["search"])
    if "top" in query:
        if query["top"] < 1:
            raise ParameterError(f"top is the size of a page and can't be {query['top']}.")
        found["$top"] = str(query["top"])
    if query.get("count"):
        found["$count"] = "true"
    for name, value in query.get("options", {}).items():
        found[name] = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return found


def encoded(parameters: Mapping[str, str]) -> str:
    """Return parameters as the query of an address (RFC 3986, 3.4). Spaces become %20; `+`, `#` and `&` are escaped.

    Raises:
        ParameterError: One of them contains bytes that are not UTF-8 text.
    """
    return "&".join(f"{_quoted(name, '$-._~')}={_quoted(value, _SAFE)}" for name, value in parameters.items())


def _quoted(text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise not_text(text) from None


def _filter(value: str | Mapping[str, Literal]) -> str:
    if isinstance(value, str):
        return value
    for name in value:
        if not _NAME.fullmatch(name):
            raise ParameterError(
                f"{name!r} is not the name of a property.",
                remedy="Use the property names of Microsoft Graph, such as displayName.",
            )
    return " and ".join(f"{name} eq {literal(one)}" for name, one in value.items())


def _search(value: str | Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    # A quote would end the clause, and a backslash would escape its end.
    clauses = [(name, text.replace("\\", "\\\\").replace('"', '\\"')) for name, text in value.items()]
    return " AND ".join(f'"{name}:{text}"' for name, text in clauses)


def _strings(option: str, names: Sequence[str]) -> list[str]:
    for name in names:
        if not str(name).strip():
            raise ParameterError(f"{option} must be a list of names, and {name!r} is not a name.")
    return list(names)
