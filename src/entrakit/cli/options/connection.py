"""Options that select a saved connection and a service, and those for previews and confirmations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.parser import Parser
    from entrakit.connection import Connection
    from entrakit.graph.client import Client

LONGEST_NAME = 64
SERVICES = ("graph", "graph-beta", "azure", "key-vault", "defender-endpoint", "defender-xdr")


def add_name(parser: Parser, help_text: str = "saved connection (default: the current one)") -> None:
    """Add the option that names a connection."""
    parser.add_argument("--name", metavar="CONNECTION", help=help_text)


def add_connection(parser: Parser, help_text: str = "saved connection (default: the current one)") -> None:
    """Add the argument of a command that acts on a connection, and the option that does the same."""
    parser.add_argument("connection", metavar="CONNECTION", nargs="?", help=help_text)
    add_name(parser, "the same, as an option")


def name_of(options: argparse.Namespace) -> str | None:
    """Return the connection that `add_connection` parsed; None if none was named. Raises ParameterError."""
    name: str | None = options.name if options.connection is None else options.connection
    if options.name is not None and name != options.name:
        raise ParameterError("Two connections are named.", remedy="Use the argument or --name, not both.")
    if name and len(name) > LONGEST_NAME:
        # It may be a token in the place of the name, and errors are logged.
        problem = f"A string of {len(name)} characters can't be the name of a connection."
        raise ParameterError(problem, remedy=f"A name has {LONGEST_NAME} characters at most.")
    return name


def add_target(parser: Parser) -> None:
    """Add the options for the connection and the service of a request."""
    add_name(parser)
    names = f"{', '.join(SERVICES[:-1])} or {SERVICES[-1]} (default: graph)"
    parser.add_argument("--service", type=_service_name, choices=SERVICES, metavar="NAME", default="graph", help=names)
    parser.add_argument("--service-url", default="", metavar="URL", help="address of another service")
    parser.add_argument("--resource", default="", metavar="ID", help="resource of its tokens: api://orders")
    # The second name is the older one.
    parser.add_argument("--key-vault", "--vault", default="", metavar="NAME", help="key vault, for --service key-vault")


def add_sending(parser: Parser | argparse._ArgumentGroup, *, writes: bool = True) -> None:
    """Add the options for the preview and the confirmation.

    Args:
        parser: Parser of the command, or a group of its options.
        writes: Whether the command can change something, so that it has a confirmation.
    """
    parser.add_argument("--what-if", action="store_true", help="print the exact requests, send nothing")
    if writes:
        parser.add_argument("-y", "--yes", action="store_true", help="send writes without confirmation")


def client_of(options: argparse.Namespace, connection: Connection) -> Client:
    """Return the client of the selected service. Raises ParameterError."""
    if options.key_vault and options.service != "key-vault":
        raise ParameterError("--key-vault requires --service key-vault.", remedy="Add it, or leave --key-vault out.")
    if options.service_url or options.resource:
        if not (options.service_url and options.resource) or options.service != "graph":
            raise ParameterError(
                "--service-url and --resource require each other, and can't be used with --service.",
                remedy="Example: --service-url https://api.contoso.com/v1 --resource api://orders.",
            )
        from entrakit.services.service import Service

        return connection.service(Service("service", options.service_url, options.resource))
    return connection.service(options.service, key_vault=options.key_vault)


def _service_name(text: str) -> str:
    """Return the name of a service, also for its older name."""
    return "key-vault" if text == "keyvault" else text
