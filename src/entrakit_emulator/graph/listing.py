"""Collections: `$filter $search $orderby $select $expand $count $top` and pages, in one query of the database."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from entrakit_emulator.graph import filters, page_tokens, search
from entrakit_emulator.graph.call import Reply
from entrakit_emulator.graph.errors import GraphError, bad_request, unsupported
from entrakit_emulator.graph.expansion import Expansion, expand, expansion_of
from entrakit_emulator.graph.filters import Condition
from entrakit_emulator.graph.kind import KINDS, property_of, unknown_property
from entrakit_emulator.graph.permissions import all_visible
from entrakit_emulator.graph.schema import LIST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from entrakit_emulator.graph.call import Call

PAGE, LARGEST = 100, 999
# Seconds that a rendered page may be reused, since its next link expires.
RENEWED_S = 600.0


class Source(NamedTuple):
    """The objects of a collection.

    Args:
        kinds: Kinds of the objects; several in a mixed collection.
        context: Name in `@odata.context`.
        where: SQL with question marks, never text of the client; empty for all objects.
        values: Values for the question marks.
    """

    kinds: tuple[str, ...]
    context: str
    where: str = ""
    values: tuple[object, ...] = ()

    @property
    def is_mixed(self) -> bool:
        """Whether each item has its type."""
        return self.context == "directoryObjects"


class _Place(NamedTuple):
    """Position of a page: digest of the query, state in the token, and the visible properties of each kind."""

    mark: str
    state: dict[str, object] | None
    seen: Mapping[str, frozenset[str] | None]


class _Query(NamedTuple):
    where: str
    values: tuple[object, ...]
    order: str
    is_descending: bool


def page(call: Call, source: Source) -> Reply:
    """Return a page of a collection.

    Raises:
        GraphError: The query is not supported; the messages are the service's.
    """
    size = size_of(call)
    options = tuple(sorted(call.options.items()))
    seen = all_visible(call)
    mark = page_tokens.digest(call, without=("$skiptoken",))
    token = call.options.get("$skiptoken")
    place = _Place(mark, None if token is None else page_tokens.read(call, token, mark), seen)
    store = call.listed
    at = (store.version, call.now // RENEWED_S, call.tenant, call.root, call.segments)
    key = (*at, options, call.is_eventual, source, size, tuple(seen.values()))
    known = store.rendered.get(key)
    if known is None:
        known = store.rendered[key] = _page(call, source, size, place)
    return Reply(200, known)


def count(call: Call, source: Source) -> Reply:
    """Return the number of objects, as plain text.

    Raises:
        GraphError: The header of advanced queries is missing, or the query is not supported.
    """
    if not call.is_eventual:
        raise bad_request("$count is not currently supported.")
    query = _query(call, source, is_advanced=True)
    return Reply(200, str(call.listed.count(query.where, query.values)))


def selected(call: Call, kinds: Sequence[str], *, of_one: bool = False) -> list[str] | None:
    """Return the selected properties, spelled as in the schema; None for the default ones.

    Raises:
        GraphError: A property does not exist. In a mixed collection it is ignored.
    """
    text = call.options.get("$select")
    if text is None:
        return None
    names: list[str] = []
    for given in (part.strip() for part in text.split(",")):
        found = next((name for kind in kinds if (name := property_of(kind, given))), None)
        single = {name.lower() for kind in kinds for name in KINDS[kind].single_only}
        if found is None and not of_one and given.lower() in single:
            raise GraphError(501, "NotImplemented", "This operation target is not yet supported.")
        if found is None and len(kinds) == 1 and given != "*" and KINDS[kinds[0]].relation(given) is None:
            raise unknown_property(kinds[0], given)
        if found is not None and found not in names:
            names.append(found)
    return names


def context_of(name: str, names: Sequence[str] | None, expansion: Expansion | None = None) -> str:
    """Return the name in `@odata.context`, including the selection."""
    inside = [*(names or ()), *([f"{expansion.relation.name}()"] if expansion else [])]
    return f"{name}({','.join(inside)})" if inside else name


def size_of(call: Call) -> int:
    """Return the number of objects on a page. Raises GraphError if the size is out of range."""
    for option in ("$skip", "$apply", "$compute"):
        if option in call.options:
            raise GraphError(400, "BadRequest", f"The query parameter '{option}' is not supported.")
    text = call.options.get("$top")
    if text is None:
        for one in call.headers.get("prefer", "").split(","):
            name, _, value = one.strip().partition("=")
            if name.lower() == "odata.maxpagesize" and value.isascii() and value.isdigit():
                return max(1, min(int(value[:6]), LARGEST))
        return PAGE
    if not text.isascii() or not text.isdigit():
        raise GraphError(400, "BadRequest", f"Invalid value '{text}' for $top query option found.")
    if not 1 <= int(text[:9]) <= LARGEST:
        raise unsupported(f"Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive.")
    return int(text)


def _query(call: Call, source: Source, *, is_advanced: bool) -> _Query:
    marks = ",".join("?" * len(source.kinds))
    # The plus signs make SQLite find the objects of a list by their ids, not among all of their kind.
    parts = [f"{'+tenant' if source.where else 'tenant'}=? AND {'+kind' if source.where else 'kind'} IN ({marks})"]
    values: list[object] = [call.tenant, *source.kinds]
    parts.append("deleted IS NULL")
    if source.where:
        parts.append(source.where)
        values += source.values
    expression, looked_for = call.options.get("$filter"), call.options.get("$search")
    if expression is not None:
        found = _for_kinds(source, partial(filters.condition, expression, is_advanced=is_advanced))
        if source.is_mixed and not is_advanced:
            raise unsupported("Unsupported Query.")
        parts.append(found.sql)
        values += found.values
    if looked_for is not None:
        wanted = _for_kinds(source, partial(search.condition, looked_for, is_eventual=call.is_eventual))
        parts.append(wanted.sql)
        values += wanted.values
    order, is_descending = _order(call, source, is_advanced=is_advanced)
    return _Query(" AND ".join(parts), tuple(values), order, is_descending)


def _for_kinds(source: Source, condition_of: Callable[[str], Condition]) -> Condition:
    """Return the condition of a collection. A mixed one has a condition for each kind that has the properties.

    Raises:
        GraphError: The condition fits no kind.
    """
    if not source.is_mixed:
        return condition_of(source.kinds[0])
    fitting: dict[str, Condition] = {}
    refused: list[GraphError] = []
    for kind in source.kinds:
        try:
            fitting[kind] = condition_of(kind)
        except GraphError as error:
            refused.append(error)
    if not fitting:
        raise refused[-1]
    sql = " OR ".join(f"(kind = ? AND {one.sql})" for one in fitting.values())
    return Condition(f"({sql})", tuple(value for kind, one in fitting.items() for value in (kind, *one.values)))


def _order(call: Call, source: Source, *, is_advanced: bool) -> tuple[str, bool]:
    text = call.options.get("$orderby")
    if text is None:
        return "", False
    words = text.split()
    kind = source.kinds[0]
    name = property_of(kind, words[0]) if 1 <= len(words) <= 2 else None
    direction = words[1].lower() if len(words) == 2 else "asc"
    allowed = KINDS[kind].sorting | (KINDS[kind].sorting_advanced if is_advanced else frozenset())
    if source.is_mixed:
        # Objects of all kinds have a name.
        allowed = frozenset({"displayName"} if is_advanced else ())
    has_filter = "$filter" in call.options or "$search" in call.options
    if name not in allowed or direction not in ("asc", "desc") or (has_filter and not is_advanced):
        raise unsupported("Sorting not supported for current query.")
    sql = filters.sql_of(kind, str(name))
    # Names are never null, and an index has them in order.
    return sql if sql in ("name", "upn") else f"COALESCE({sql}, '')", direction == "desc"


def _page(call: Call, source: Source, size: int, place: _Place) -> bytes:
    is_advanced = call.is_advanced
    expansion = expansion_of(call, source.kinds)
    if expansion and is_advanced:
        raise unsupported("$expand is not supported with advanced queries.")
    names = selected(call, source.kinds)
    query = _query(call, source, is_advanced=is_advanced)
    where, values = query.where, query.values
    if place.state is not None:
        where, values = _after(where, values, query, place.state)
    order = (
        f"ORDER BY {query.order} COLLATE NOCASE {'DESC' if query.is_descending else 'ASC'}, key"
        if query.order
        else "ORDER BY key"
    )
    columns = f"key, {query.order or 'NULL'}, kind, id, {_shown(source, names, place)}"
    rows = list(call.listed.select(columns, where, values, f"{order} LIMIT {size + 1}"))
    shown, more = rows[:size], len(rows) > size
    head = {"@odata.context": f"{call.root}/$metadata#{context_of(source.context, names, expansion)}"}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))[:-1]
    if call.wants_count and call.is_eventual and place.state is None:
        text += f',"@odata.count":{call.listed.count(query.where, query.values)}'
    if more:
        text += f',"@odata.nextLink":{json.dumps(next_link(call, shown[-1], place.mark))}'
    items = [str(row[4]) for row in shown]
    if source.is_mixed:
        items = [_typed(row, place, names) for row in shown]
    if expansion:
        items = [expand(call, expansion, str(row[3]), item) for row, item in zip(shown, items, strict=True)]
    return f'{text},"value":[{",".join(items)}]}}'.encode()


def _shown(source: Source, names: Sequence[str] | None, place: _Place) -> str:
    """Return the SQL of the properties to show: the stored default text, or an object of selected properties."""
    seen = None if source.is_mixed else place.seen[source.kinds[0]]
    if seen is not None:
        names = names or KINDS[source.kinds[0]].default
    if names is None:
        return "face"
    parts = []
    for name in names:
        value = f"json(doc -> '$.{name}')"
        if any(KINDS[kind].properties.get(name) == LIST for kind in source.kinds):
            value = f"json(COALESCE(doc -> '$.{name}', '[]'))"
        if seen is not None and name not in seen:
            value = "NULL"
        parts.append(f"'{name}', {value}")
    return f"json_object({', '.join(parts)})"


def _typed(row: tuple[object, ...], place: _Place, names: Sequence[str] | None) -> str:
    """Return an item of a mixed collection: its type, its id, and those of the properties that its kind has."""
    kind, object_id, text = str(row[2]), str(row[3]), str(row[4])
    head = f'{{"@odata.type":"#microsoft.graph.{kind}","id":"{object_id}"'
    own = f'"id":"{object_id}"'
    seen = place.seen[kind]
    if names is None and seen is None:
        # The id is the first or the last default property.
        rest = text[1 : -len(own) - 2] if text.endswith(f",{own}}}") else text[len(own) + 2 : -1]
        return f"{head},{rest}}}"
    item = json.loads(text)
    shown = {
        name: value if seen is None or name in seen else None
        for name, value in item.items()
        if name != "id" and property_of(kind, name)
    }
    return f"{head}{',' if shown else ''}{json.dumps(shown, ensure_ascii=False, separators=(',', ':'))[1:]}"


def _after(
    where: str, values: tuple[object, ...], query: _Query, state: dict[str, object]
) -> tuple[str, tuple[object, ...]]:
    if not query.order:
        return f"{where} AND key > ?", (*values, state["k"])
    sign = "<" if query.is_descending else ">"
    order = f"{query.order} COLLATE NOCASE"
    after = f"{order} {sign}= ? AND ({order} {sign} ? OR key > ?)"
    return f"{where} AND {after}", (*values, state["v"], state["v"], state["k"])


def next_link(call: Call, last: tuple[object, ...], mark: str) -> str:
    """Return the URL of the page after an object, from its key and its value of the sorted property."""
    token = page_tokens.make(call, {"k": last[0], "v": last[1], "q": mark})
    options = {name: value for name, value in call.options.items() if name != "$skiptoken"} | {"$skiptoken": token}
    query = "&".join(f"{name}={quote(value, safe=chr(39) + '$(),:;/@*!-._~')}" for name, value in options.items())
    path = "/".join(quote(one, safe="@$,=-._~'()") for one in call.segments)
    return f"{call.root}/{path}?{query}"
