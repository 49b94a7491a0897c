"""`entra status`: list saved connections, without network and without the vault key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from entrakit.errors import NotConnectedError, VaultError

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps, Work
    from entrakit.connection.settings import Settings
    from entrakit.connections import Status


HEADINGS = ("", "NAME", "FLOW", "ACCOUNT", "TENANT", "TOKEN", "CLOUD")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    from entrakit.cli.options.connection import add_connection
    from entrakit.cli.options.output import add_output

    add_connection(parser, "list only this connection")
    add_output(parser, default="text")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the list of connections."""
    from entrakit.cli.options.connection import name_of
    from entrakit.cli.work import Work

    return Work(_list(options, context, name_of(options)))


def _list(options: argparse.Namespace, context: Context, name: str | None) -> Steps:
    from entrakit.cli.work import Caution, Note, Result, Rows
    from entrakit.connections import list_connections

    vault = context.open_vault()
    kept = list_connections(vault=vault)
    found = [one for one in kept if name is None or name.lower() == one.name]
    if not found:
        named = f" named {name!r}" if name else ""
        remedy = f"Saved: {', '.join(one.name for one in kept)}." if kept else "Connect with `entra connect`."
        raise NotConnectedError(f"There is no saved connection{named}.", remedy=remedy)
    now = time.time()
    kept_in = {"kept_in": vault.place, "key_from": vault.key_source()}
    rows = Rows(HEADINGS, [_row(one, now, context) for one in found])
    yield Result([_as_json(one, now) | kept_in for one in found], table=rows)
    code = VaultError.exit_code if any(one.problem for one in found) else 0
    if options.output or context.as_json:
        return code
    # A directory that can't be used is the problem of all its entries, and reported once.
    for problem, remedy in dict.fromkeys((one.problem, _in_shell(one.remedy)) for one in found if one.problem):
        yield Caution(f"{problem}\n  Next: {remedy}" if remedy else problem)
    for one in found:
        if one.settings is not None and "@" in one.settings.cloud.name:
            yield Note(f"{one.name} trusts the authority {one.settings.cloud.authority}.")
        if one.settings is not None and (source := one.settings.next_token_from):
            yield Note(f"{one.name} gets its next token from {source}.")
        if one.settings is not None and one.settings.cloud.graph_url:
            yield Note(f"{one.name} sends requests to Microsoft Graph to {one.settings.cloud.graph_url}.")
    yield f"Saved in {vault.place}, encrypted; key: {vault.describe_key()}."
    for variable in (
        *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
        *("AZURE_AUTHORITY_HOST", "ENTRAKIT_GRAPH_URL"),
    ):
        if context.environ.get(variable):
            yield Note(f"{variable} is set, and new connections use it.")
    return code


def _in_shell(remedy: str) -> str:
    # Loaded for a problem only, because it takes a tenth of the time of this command.
    from entrakit.cli.words import in_shell

    return in_shell(remedy)


def _row(one: Status, now: float, context: Context) -> tuple[str, ...]:
    from entrakit.cli.options.durations import describe_duration
    from entrakit.cli.output.tables import short

    settings = one.settings
    mark = "*" if one.is_current else ""
    if settings is None:
        return (mark, one.name, "", "", "", one.state(now), "")
    state = f"{one.state(now)} ({describe_duration(settings.expires_at - now)})"
    account = short(settings.account.username or settings.client_id, context)
    # An asterisk marks another authority. Programs get its address with --json.
    cloud = settings.cloud.name.partition("@")[0] + ("*" if "@" in settings.cloud.name else "")
    return (mark, one.name, settings.flow, account, short(_tenant_of(settings), context), state, cloud)


def _tenant_of(settings: Settings) -> str:
    """Return the tenant as the caller named it; its id if nobody named one."""
    from entrakit.authority.tenants import MANY_TENANTS

    known = settings.directory_id or settings.account.tenant_id
    return known if settings.tenant_id in MANY_TENANTS and known else settings.tenant_id


def _as_json(one: Status, now: float) -> dict[str, object]:
    base: dict[str, object] = {
        "name": one.name,
        "current": one.is_current,
        "state": one.state(now),
    }
    settings = one.settings
    if settings is None:
        return {**base, "problem": one.problem, "next": _in_shell(one.remedy)}
    return {
        **base,
        "flow": settings.flow,
        "client_id": settings.client_id,
        "tenant_id": settings.tenant_id,
        "directory_id": settings.directory_id or settings.account.tenant_id,
        "account": {"username": settings.account.username, "name": settings.account.name},
        "scopes": list(settings.scopes),
        "cloud": settings.cloud.name,
        "authority": settings.cloud.authority,
        "graph_url": settings.cloud.graph_url,
        "expires_on": int(settings.expires_at),
        "expires_in_s": int(settings.expires_at - now),
        "next_token_from": settings.next_token_from,
        "secret_kept": settings.save_secret,
        "proxy": settings.proxy,
        "ca_bundle": settings.ca_bundle,
    }
