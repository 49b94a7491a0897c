"""Options of a request: query options, header fields, and the address."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.services.odata import Query

# Query options of OData that have their own option.
_ODATA = ("select", "filter", "expand", "search", "orderby", "top", "count")


def add_query(parser: Parser, *short: str) -> None:
    """Add the options for query options and header fields.

    Args:
        parser: Parser of the command.
        short: Query options of OData that get their own option.
    """
    group = parser.add_argument_group("query")
    options = {
        "select": ("NAMES", "properties to return, separated by commas"),
        "filter": ("EXPRESSION", "condition: startsWith(displayName,'A')"),
        "expand": ("NAMES", "related objects to include: manager"),
        "search": ("TEXT", "search expression: displayName:Ada"),
        "orderby": ("NAMES", "sort order: displayName desc"),
        "top": ("N", "number of objects per page"),
    }
    for name in short:
        if name == "count":
            group.add_argument("--count", action="store_true", help="request the total number too")
        else:
            metavar, words = options[name]
            group.add_argument(f"--{name}", metavar=metavar, type=int if name == "top" else str, help=words)
    group.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="other query parameter (repeatable)"
    )
    # The older name, until --query selects parts of the result.
    group.add_argument("--query", action="append", default=[], metavar="NAME=VALUE", help=argparse.SUPPRESS)
    group.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="header field (repeatable)")


def query_of(options: argparse.Namespace, path: str) -> Query:
    """Return the query of a command line.

    Args:
        options: Options of the command.
        path: The address, which may have its own query.

    Raises:
        ParameterError: A query parameter is invalid, or was given twice.
    """
    from urllib.parse import unquote

    query: dict[str, object] = {}
    for name in _ODATA:
        value = getattr(options, name, None)
        # Not `in (None, False, "")`, because 0 equals False.
        if value is not None and value is not False and value != "":
            query[name] = value
    if isinstance(query.get("search"), str) and '"' not in str(query["search"]):
        # Microsoft Graph requires each clause in quotes, which a shell would remove.
        query["search"] = f'"{query["search"]}"'
    seen = {f"${name}": f"--{name}" for name in query}
    for part in path.partition("?")[2].split("&"):
        name = unquote(part.partition("=")[0])
        if part and not name:
            raise ParameterError(
                "The address has a query parameter without a name.",
                remedy="Put it in single quotes. A shell may have replaced a $name.",
            )
        if part:
            _note(seen, name, "the address")
    more: dict[str, str] = {}
    for text in (*options.param, *options.query):
        name, equals, value = text.partition("=")
        option = "--param" if text in options.param else "--query"
        if not equals or not name.strip():
            raise ParameterError(f"A {option} is not NAME=VALUE.", remedy="Example: --param '$top=5'.")
        _note(seen, name.strip(), option)
        more[name.strip()] = value
    if more:
        query["options"] = more
    return query  # type: ignore[return-value] # the names are those of Query


def note_older_name(options: argparse.Namespace, context: Context) -> None:
    """Report that `--query` will mean something else."""
    if options.query:
        context.note("--query NAME=VALUE is now --param NAME=VALUE. The next release uses --query for JMESPath.")


def headers_of(options: argparse.Namespace) -> dict[str, str]:
    """Return the header fields, with the names as typed. Raises ParameterError, which never repeats a value."""
    headers: dict[str, str] = {}
    for text in options.header:
        name, colon, value = text.partition(":")
        name = name.strip()
        if not colon or not name:
            raise ParameterError("A --header is not NAME:VALUE.", remedy="Example: --header Prefer:return=minimal.")
        if name.lower() in (one.lower() for one in headers):
            raise ParameterError(f"The header {name} was given twice.", remedy="Join the values with a comma.")
        headers[name] = value.strip()
    return headers


def header(headers: Mapping[str, str], name: str) -> str:
    """Return the value of a header field, in any case; empty if it is missing."""
    return next((value for one, value in headers.items() if one.lower() == name), "")


def columns_of(options: argparse.Namespace) -> list[str]:
    """Return the properties that `--select` names, in their order."""
    return [name.strip() for name in (getattr(options, "select", None) or "").split(",") if name.strip()]


def for_columns(query: Query, *, is_graph: bool) -> Query:
    """Return a query for the properties that the columns show; a column may be a part of a property.

    Args:
        query: The query; its `select` names columns.
        is_graph: Whether the service is Microsoft Graph. Other services may not support `$select`, so all properties
            are requested.
    """
    names = str(query.get("select", "")).split(",")
    rest: Query = {**query}
    rest.pop("select", None)
    if not is_graph or not any(name.strip() for name in names):
        return rest
    return {**rest, "select": list(dict.fromkeys(name.strip().partition("/")[0] for name in names if name.strip()))}


def address_of(path: str) -> str:
    """Return an address with the spaces of its query escaped. Raises ParameterError if it is not an address."""
    if not path.strip():
        raise ParameterError("The path is empty.", remedy="Example: /users. A shell may have replaced a $name.")
    if path[1:3] in (":/", ":\\") and path[0].isalpha():
        raise ParameterError(
            "The path is a file path: Git Bash changes arguments that begin with a slash.",
            remedy="Omit the first slash, or set MSYS_NO_PATHCONV=1.",
        )
    if "#" in path:
        raise ParameterError(
            "The path contains #, where an address ends.",
            remedy="Use %23 instead, as in /users/ada_fabrikam.com%23EXT%23@contoso.com.",
        )
    before, mark, query = path.partition("?")
    if any(one <= " " or one in "\\\x7f" for one in before):
        raise ParameterError("The path contains a space or another invalid character.", remedy="Use %20 for a space.")
    return before + mark + query.replace(" ", "%20")


def _note(seen: dict[str, str], name: str, where: str) -> None:
    if name in seen:
        both = f"both in {where}" if seen[name] == where else f"by {seen[name]} and {where}"
        raise ParameterError(f"The query parameter {name} was given twice, {both}.", remedy="Remove one of them.")
    seen[name] = where
