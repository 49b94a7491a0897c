"""What a request asks for, as it is typed: connection and service, query options, header fields, address."""

from __future__ import annotations

from entrakit.errors import ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit.cli.options.connection import Parser
    from entrakit.connection import Connection
    from entrakit.graph.client import Client
    from entrakit.services.odata import Query

SERVICES = ("graph", "graph-beta", "azure", "key-vault", "defender-endpoint", "defender-xdr")
_SHORT = ("select", "filter", "expand", "search", "orderby", "top", "count")


def add_target(parser: Parser) -> None:
    """Add the options that say who asks which service."""
    from entrakit.cli.options.connection import add_name

    add_name(parser, "a kept connection (default: the current one)")
    known = f"{', '.join(SERVICES[:-1])} or {SERVICES[-1]} (default: graph)"
    parser.add_argument("--service", type=_service_name, choices=SERVICES, metavar="NAME", default="graph", help=known)
    parser.add_argument("--service-url", default="", metavar="URL", help="address of a service of your own")
    parser.add_argument("--resource", default="", metavar="ID", help="what its tokens are for: api://orders")
    # The second name is the older one.
    parser.add_argument(
        "--key-vault", "--vault", default="", metavar="NAME", help="name of the key vault, for --service key-vault"
    )


def add_query(parser: Parser, *short: str) -> None:
    """Add the options for query and header.

    Args:
        parser: The command's.
        short: Which options of OData have an option of their own.
    """
    group = parser.add_argument_group("query")
    texts = {
        "select": ("NAMES", "properties to return, with commas"),
        "filter": ("EXPRESSION", "which objects: startsWith(displayName,'A')"),
        "expand": ("NAMES", "relations to include: manager"),
        "search": ("TEXT", "what to look for: displayName:Ada"),
        "orderby": ("NAMES", "properties to sort by: displayName desc"),
        "top": ("N", "size of a page"),
    }
    for name in short:
        if name == "count":
            group.add_argument("--count", action="store_true", help="ask how many there are in all, too")
        else:
            metavar, words = texts[name]
            group.add_argument(f"--{name}", metavar=metavar, type=int if name == "top" else str, help=words)
    group.add_argument(
        "--query", action="append", default=[], metavar="NAME=VALUE", help="any query parameter (repeatable)"
    )
    group.add_argument(
        "--header", action="append", default=[], metavar="NAME:VALUE", help="a header field (repeatable)"
    )


def client_of(options: argparse.Namespace, connection: Connection) -> Client:
    """Return the service that was asked for. Raises ParameterError."""
    if options.key_vault and options.service != "key-vault":
        raise ParameterError("--key-vault goes with --service key-vault.", remedy="Add that, or leave --key-vault out.")
    if options.service_url or options.resource:
        if not (options.service_url and options.resource) or options.service != "graph":
            raise ParameterError(
                "--service-url and --resource go together, and not with --service.",
                remedy="Write it like --service-url https://api.contoso.com/v1 --resource api://orders.",
            )
        from entrakit.services.service import Service

        return connection.service(Service("service", options.service_url, options.resource))
    return connection.service(options.service, key_vault=options.key_vault)


def _service_name(text: str) -> str:
    """Return the name of a service, also for its older name."""
    return "key-vault" if text == "keyvault" else text


def query_of(options: argparse.Namespace, path: str) -> Query:
    """Return the query that was typed.

    Args:
        options: What was typed.
        path: The address, which may have a query of its own.

    Raises:
        ParameterError: A parameter was given twice, or is none.
    """
    from urllib.parse import unquote

    query: dict[str, object] = {}
    for name in _SHORT:
        value = getattr(options, name, None)
        # Not `in`: to Python, 0 and False are the same.
        if value is not None and value is not False and value != "":
            query[name] = value
    if isinstance(query.get("search"), str) and '"' not in str(query["search"]):
        # Microsoft Graph wants each clause in quotes, which a shell would eat.
        query["search"] = f'"{query["search"]}"'
    seen = {f"${name}": f"--{name}" for name in query}
    for part in path.partition("?")[2].split("&"):
        name = unquote(part.partition("=")[0])
        if part and not name:
            raise ParameterError(
                "The address has a query parameter without a name.",
                remedy="Put it in single quotes; a shell may have replaced a $name.",
            )
        if part:
            _see(seen, name, "the address")
    more: dict[str, str] = {}
    for text in options.query:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ParameterError("A --query is not NAME=VALUE.", remedy="Write it like --query '$top=5'.")
        _see(seen, name.strip(), "--query")
        more[name.strip()] = value
    if more:
        query["options"] = more
    return query  # type: ignore[return-value] # the names are those of Query


def headers_of(options: argparse.Namespace) -> dict[str, str]:
    """Return the header fields that were typed, names as they were. Raises ParameterError; no value is repeated."""
    headers: dict[str, str] = {}
    for text in options.header:
        name, colon, value = text.partition(":")
        name = name.strip()
        if not colon or not name:
            raise ParameterError(
                "A --header is not NAME:VALUE.", remedy="Write it like --header Prefer:return=minimal."
            )
        if name.lower() in (one.lower() for one in headers):
            raise ParameterError(f"The header {name} was given twice.", remedy="Join the values with a comma.")
        headers[name] = value.strip()
    return headers


def header(headers: dict[str, str], name: str) -> str:
    """Return the value of a header field, whatever its case; empty if there is none."""
    return next((value for one, value in headers.items() if one.lower() == name), "")


def columns_of(options: argparse.Namespace) -> list[str]:
    """Return the properties that were chosen with `--select`, in their order."""
    return [name.strip() for name in (options.select or "").split(",") if name.strip()]


def for_columns(query: Query, *, is_graph: bool) -> Query:
    """Return a query that brings what the columns show: whole properties of which a column is a part.

    Args:
        query: The query; its `select` names columns.
        is_graph: Whether the service is Microsoft Graph; another one need not know `$select`, and is asked for all.
    """
    names = str(query.get("select", "")).split(",")
    rest: Query = {**query}
    rest.pop("select", None)
    if not is_graph or not any(name.strip() for name in names):
        return rest
    return {**rest, "select": list(dict.fromkeys(name.strip().partition("/")[0] for name in names if name.strip()))}


def address_of(path: str) -> str:
    """Return an address as it was typed, its query's spaces escaped. Raises ParameterError for what can be none."""
    if not path.strip():
        raise ParameterError("The path is empty.", remedy="Give it like /users; a shell may have replaced a $name.")
    if path[1:3] in (":/", ":\\") and path[0].isalpha():
        raise ParameterError(
            "The path is one of a disk: Git Bash makes them of what begins with a slash.",
            remedy="Leave its first slash out, or set MSYS_NO_PATHCONV=1.",
        )
    if "#" in path:
        raise ParameterError(
            "The path has a #, at which an address ends.",
            remedy="Write %23 instead, as in /users/ada_fabrikam.com%23EXT%23@contoso.com.",
        )
    before, mark, query = path.partition("?")
    if any(one <= " " or one in "\\\x7f" for one in before):
        raise ParameterError(
            "The path has a space, or another character that no address has.", remedy="Write %20 for a space."
        )
    return before + mark + query.replace(" ", "%20")


def _see(seen: dict[str, str], name: str, where: str) -> None:
    if name in seen:
        both = f"both in {where}" if seen[name] == where else f"by {seen[name]} and {where}"
        raise ParameterError(f"The query parameter {name} was given twice, {both}.", remedy="Leave one of them out.")
    seen[name] = where
