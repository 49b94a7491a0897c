"""`entra inspect`: explain a token, and check that it has the required permissions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Rows, Steps, Work
    from entrakit.tokens.inspection import Inspection


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    from entrakit.cli.options.connection import add_connection
    from entrakit.cli.options.output import add_output

    add_connection(parser)
    parser.add_argument("--scope", action="append", default=[], metavar="SCOPE", help="scope of the token")
    parser.add_argument("--token-stdin", action="store_true", help="read the token from standard input")
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="PERMISSION",
        help="exit with 9 without this permission (repeatable)",
    )
    add_output(parser, default="text")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the explanation of the token."""
    from entrakit.cli.work import Work

    return Work(_explain(options, context))


def _explain(options: argparse.Namespace, context: Context) -> Steps:
    from entrakit.cli.work import Caution, Result
    from entrakit.tokens.inspection import inspect, require

    found = inspect(_token(options, context), time.time())
    yield from (Caution(warning) for warning in found.warnings)
    yield Result(_as_json(found), _parts(found))
    needed = [name for text in options.require for name in text.replace(",", " ").split()]
    require(found, needed)
    if needed:
        yield f"The token has {', '.join(needed)}."
    return 0


def _token(options: argparse.Namespace, context: Context) -> str:
    if options.token_stdin:
        from entrakit.cli.options.prompts import read_secret

        return read_secret(context, "token").reveal().strip().removeprefix("Bearer ")
    from entrakit.cli.options.connection import name_of
    from entrakit.connections import get_connection

    with get_connection(name_of(options), vault=context.open_vault()) as connection:
        return connection.token(*options.scope).access_token


def _parts(found: Inspection) -> list[str | Rows]:
    """Return the explanation for the user: lines, and a table of permissions."""
    from entrakit.cli.options.durations import describe_duration, utc
    from entrakit.cli.work import Rows

    facts = [
        ("For", f"{found.resource} ({found.audience})" if found.resource else found.audience),
        ("On behalf of", found.account if found.kind == "user" else "the app itself" if found.kind == "app" else ""),
        ("App", " ".join(part for part in (found.app_name, found.client_id) if part)),
        ("Tenant", found.tenant_id),
        ("Signed in with", ", ".join(found.methods)),
    ]
    if found.expires_on is not None and found.remaining_s is not None:
        end = found.expires_on.timestamp()
        facts.append(
            ("Ends", f"{utc(end)}, in {describe_duration(found.remaining_s)}" if found.remaining_s else utc(end))
        )
    lines: list[str | Rows] = [f"{label + ':':<16}{value}" for label, value in facts if value]
    if found.permissions:
        rows = [(one.name, one.kind, one.words) for one in found.permissions]
        return [*lines, "", Rows(("PERMISSION", "KIND", "ALLOWS TO"), rows)]
    return lines if found.kind == "unreadable" else [*lines, f"{'Permissions:':<16}none"]


def _as_json(found: Inspection) -> dict[str, object]:
    values = found._asdict()
    values["permissions"] = [one._asdict() for one in found.permissions]
    for moment in ("issued_at", "expires_on"):
        values[moment] = None if values[moment] is None else int(values[moment].timestamp())
    return values
