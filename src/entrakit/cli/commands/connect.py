"""`entra connect`: sign in, and save the connection."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from entrakit.cli.configuration import PROFILE_VARIABLE
from entrakit.cli.options.confirm import confirm_replacement, confirm_user
from entrakit.cli.options.credentials import (
    CREDENTIALS,
    addresses,
    certificate_password,
    client_secret,
    from_environment,
    has_source,
    login_hint,
    missing_password,
    other_secrets,
    other_sources,
    required,
    username_password,
    variable,
    words_of,
)
from entrakit.cli.options.durations import describe_duration, parse_duration, utc
from entrakit.cli.options.output import add_output
from entrakit.cli.options.prompts import offer_code, read_address, report_passed_over, show_code, show_link
from entrakit.cli.options.questions import ask_missing
from entrakit.cli.options.services import check_services, resources_of
from entrakit.cli.options.sign_in import add_sign_in
from entrakit.cli.work import Caution, Note, Result, Work
from entrakit.errors import (
    CertificatePasswordError,
    InteractionRequiredError,
    NetworkError,
    VaultError,
)
from entrakit.sign_in.flows import find
from entrakit.sign_in.parameter_table import APPS, SETS
from entrakit.sign_in.parameters import choose_set
from entrakit.tokens.scopes import DEFAULT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from entrakit import Connection
    from entrakit.authority.clouds import Cloud
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps
    from entrakit.connections import Status
    from entrakit.sign_in.flow import Flow
    from entrakit.sign_in.parameter_table import ParameterSet

# Parameters that only add to the browser sign-in.
_HINTS = ("port", "login_hint", "domain_hint", "prompt", "redirect_uri")
_OF_APPS = tuple(name for one in SETS if one.name in (*APPS, "Like") for name in one.chosen_by)


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    add_output(add_sign_in(parser), default="none")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the sign-in, which saves the connection."""
    return Work(_sign_in(options, context))


def _sign_in(options: argparse.Namespace, context: Context) -> Steps:
    from contextlib import closing

    from entrakit.http.transport import Transport

    if not options.profile and PROFILE_VARIABLE in context.environ:
        yield Note(f"{PROFILE_VARIABLE} selects the profile {context.environ[PROFILE_VARIABLE]!r}.")
    way = find(_refuse_mixture(options).flow)
    if way.needs_ids and not way.tenant_id:
        ask_missing(options, context, has_way=any(value not in (None, 0) for value in _of_way(options).values()))
    timeout_s = parse_duration(options.timeout) if options.timeout else None
    silence_s = min(timeout_s or 30.0, 30.0)
    with closing(Transport(ca_bundle=options.ca_bundle, proxy=options.proxy, timeout_s=silence_s)) as transport:
        cloud, graph_url = addresses(options, context)
        transport.check(cloud.authority)
        parameters = _parameters(options, context) | {"cloud": cloud, "graph_url": graph_url, "timeout": timeout_s}
        if options.like:
            # The other connection has cloud, trust and proxy; variables do not replace them.
            is_named = options.cloud or options.authority_url or options.graph_url
            parameters |= {} if is_named else {"cloud": "global", "graph_url": ""}
        resources = resources_of(options.service, _cloud_of(options, cloud, context))
        options.resource = options.resource or next(iter(resources.values()), None)
        before = _saved(options.name, context)
        if before is not None and before.problem:
            yield Caution(before.problem)
        if context.can_ask and not options.yes:
            parameters["on_replace"] = lambda old, new: confirm_replacement(old, new, context)
            if not parameters["credential"]:
                named = str(parameters.get("login_hint") or context.environ.get("AZURE_USERNAME") or "")
                parameters["on_sign_in"] = lambda new: confirm_user(new, named, context)
        is_hopeless = parameters.get("open_browser") is _refuse_to_wait and not options.ensure
        parameters["transport"] = transport.impatient() if is_hopeless else transport
        if options.like and not (options.ca_bundle or options.proxy):
            parameters["transport"] = None
        try:
            connection = _connect_with_password(options, context, parameters)
        except NetworkError:
            if is_hopeless:
                _refuse_to_wait("")
            raise
        if options.pass_thru:
            token = connection.token().to_json()
            yield Result(token, (json.dumps(token, indent=2, ensure_ascii=False),))
            checked = check_services(connection, resources)
        else:
            checked = check_services(connection, resources)
            services: dict[str, object] = {"services": [one.to_json() for one in checked]} if checked else {}
            yield Result(_summary(connection) | services)
        known = before.settings if before is not None else None
        is_unchanged = known is not None and known.connected_at == connection.info.connected_at
        yield from _report(connection, context, verb="Already connected" if is_unchanged else "Connected")
        for one in checked:
            yield one.describe()
    return next((one.error.exit_code for one in checked if one.error), 0)


def _cloud_of(options: argparse.Namespace, cloud: Cloud, context: Context) -> Cloud:
    """Return the cloud of the connection that is made: that of the other one with `--like`."""
    other = _saved(options.like, context) if options.like else None
    return other.settings.cloud if other and other.settings else cloud


def _connect_with_password(options: argparse.Namespace, context: Context, parameters: dict[str, object]) -> Connection:
    """Connect; if the certificate turns out to have a password, with one that the user types."""
    try:
        return _connect(options, context, parameters)
    except CertificatePasswordError as error:
        parameters["certificate_password"] = missing_password(error, context)
        return _connect(options, context, parameters)


def _saved(name: str, context: Context) -> Status | None:
    """Return the saved connection with this name; None if it does not exist."""
    from entrakit.connections import list_connections

    saved = list_connections(vault=context.open_vault())
    return next((one for one in saved if one.name == name.lower()), None)


def _connect(options: argparse.Namespace, context: Context, parameters: dict[str, Any]) -> Connection:
    from entrakit.connecting import connect

    way = find(choose_set(parameters).flow)
    is_like, scopes = "like" in parameters, options.scope
    if options.service and not (scopes or is_like or way.is_app or options.resource == parameters["cloud"].graph):
        scopes = [DEFAULT]
    return connect(  # connect() finds out which parameter set it is
        client_id=options.client_id or "" if is_like else _app(options, way, context),
        tenant_id=options.tenant_id or "" if is_like else _tenant(options, way, context),
        scopes=scopes,
        resource=options.resource or "",
        fallback=(options.fallback or "").replace("-", "_"),
        name=options.name,
        ensure=options.ensure,
        save_secret=options.save_secret,
        vault=context.open_vault(),
        **parameters,
    )


def _parameters(options: argparse.Namespace, context: Context) -> dict[str, object]:
    """Return the parameters of the flow. Secrets are read from where the options say."""
    elsewhere = options.certificate_uri or options.certificate_thumbprint or options.certificate_name
    if has_source(options, "certificate_password") and not options.certificate_path and not elsewhere:
        options.certificate_path = variable("AZURE_CLIENT_CERTIFICATE_PATH", context)
    _refuse_mixture(options)
    names = _of_sets() - {"paste", "certificate_command", "client_secret"}
    given = {name: value for name, value in vars(options).items() if name in names and value is not None}
    parameters: dict[str, object] = (
        given
        | other_secrets(options, context)
        | other_sources(options)
        | {
            "certificate_command": words_of(options.certificate_command or "", "--certificate-command"),
            "client_secret": client_secret(options, context),
            "credential": username_password(options, context),
        }
    )
    if options.device_code or options.browser_or_device_code:
        parameters["on_device_code"] = lambda code: show_code(code, context)
    if options.automatic:
        parameters["on_passed_over"] = lambda place, reason: report_passed_over(place, reason, context)
    if options.paste:
        parameters["paste"] = lambda url: read_address(url, context)
    if options.no_browser:
        parameters["open_browser"] = lambda _: False
    is_chosen = any(value for name, value in parameters.items() if name not in _HINTS)
    is_hinted = any(getattr(options, name) for name in _HINTS)
    # A web API always authenticates itself.
    lacks_app = "on_behalf_of" in parameters and not any(parameters.get(name) for name in _OF_APPS)
    if not (is_chosen or is_hinted) or lacks_app:
        parameters |= from_environment(context, verb="using" if options.ensure else "signing in with")
    elif not is_chosen:
        # A hint only adds to the browser sign-in, which nothing else selects.
        context.refuse_empty(*(name for name in CREDENTIALS if name != "AZURE_USERNAME" or not options.login_hint))
    if options.certificate_thumbprint or options.certificate_name:
        context.refuse_empty("ENTRAKIT_MACHINE_CERTIFICATES")
    on_token = options.certificate_store == "pkcs11" or options.certificate_uri or options.pkcs11_module
    in_file = options.certificate_path or parameters.get("certificate_path")
    needs_password = (on_token or in_file) and not options.key_vault_key
    parameters["certificate_password"] = certificate_password(options, context, needs_one=bool(needs_password))
    if choose_set(parameters).name in ("Browser", "BrowserOrDeviceCode"):
        parameters |= _browser_parameters(options, context)
    return parameters


def _browser_parameters(options: argparse.Namespace, context: Context) -> dict[str, object]:
    """Return the parameters of a sign-in with a browser that the terminal and the environment give."""

    def on_link(url: str, port: int) -> None:
        if not options.no_browser:
            offer_code(context)
        show_link(url, port, context)

    parameters: dict[str, object] = {"on_link": on_link}
    if not options.login_hint:
        parameters |= login_hint(context)
    if not _may_wait(options, context):
        parameters["open_browser"] = _refuse_to_wait
    return parameters


def _may_wait(options: argparse.Namespace, context: Context) -> bool:
    """Return whether to wait for a user: one who can be asked who signed in, or because an option says so."""
    is_chosen = options.browser or options.browser_or_device_code
    return context.can_ask or is_chosen or options.no_browser or options.paste


def _refuse_to_wait(url: str) -> bool:
    """Raise InteractionRequiredError instead of opening an address: nobody chose a sign-in with a browser."""
    del url
    raise InteractionRequiredError(
        "A user has to sign in, but there is no terminal.",
        remedy="Sign in as an app, with a client secret (`client_secret=…`) or a certificate; or add --browser, "
        "--no-browser, --paste or --device-code to wait for a user. On a terminal, redirect neither standard input nor "
        "standard error.",
        error="interaction_required",
    )


def _refuse_mixture(options: argparse.Namespace) -> ParameterSet:
    """Return the parameter set of the options, before anything is read or asked.

    Raises:
        ParameterSetError: Options don't go together.
    """
    return choose_set(_of_way(options))


def _of_way(options: argparse.Namespace) -> dict[str, object]:
    """Return the parameters of the ways to sign in that the options give; True for a secret that is not read yet."""
    elsewhere = {name for name in _of_sets() if has_source(options, name)} | other_sources(options).keys()
    present = {name: value for name, value in vars(options).items() if name in _of_sets()} | dict.fromkeys(
        elsewhere, True
    )
    return present | {
        "credential": True if options.username or has_source(options, "password") else None,
        "open_browser": True if options.no_browser else None,
    }


def _of_sets() -> set[str]:
    """Return the parameters of the ways to sign in."""
    return {name for one in SETS for name in one.chosen_by + one.options}


def _app(options: argparse.Namespace, way: type[Flow], context: Context) -> str:
    """Return the client id; empty if the way to sign in has its own, which the variable does not replace."""
    if not way.needs_ids:
        return options.client_id or ""
    return required(options.client_id, "AZURE_CLIENT_ID", "--client-id", context)


def _tenant(options: argparse.Namespace, way: type[Flow], context: Context) -> str:
    """Return the tenant; empty if none is named and the way to sign in knows it."""
    if not way.needs_ids:
        return options.tenant_id or variable("AZURE_TENANT_ID", context) or ""
    return required(options.tenant_id, "AZURE_TENANT_ID", "--tenant-id", context)


def _summary(connection: Connection) -> dict[str, object]:
    settings = connection.info
    return {
        "name": settings.name,
        "flow": settings.flow,
        "client_id": settings.client_id,
        "tenant_id": connection.tenant_id,
        "account": {"username": settings.account.username, "name": settings.account.name},
        "cloud": settings.cloud.name,
        "scopes": list(settings.scopes),
        "expires_on": int(settings.expires_at),
        "renews_alone": settings.renews_alone,
    }


def _report(connection: Connection, context: Context, *, verb: str) -> Iterator[str]:
    """Yield messages about a connection."""
    settings = connection.info
    vault = context.open_vault()
    left = settings.expires_at - time.time()
    yield f"{verb} as {settings.who} to the tenant {connection.tenant_id} ({settings.flow})."
    way = find(settings.flow)
    renewal = " and renews itself." if settings.renews_alone else f". {way.not_renewed}"
    yield f"The token is valid until {utc(settings.expires_at)} ({describe_duration(left)}){renewal}"
    if not settings.renews_alone:
        advice = "" if not way.is_silent else " --save-secret saves the credential, encrypted."
        yield f"To renew it, connect again.{advice}"
    yield f"Saved as {settings.name!r} in {vault.place}, encrypted; key: {vault.describe_key()}."
    try:
        is_current = settings.name.lower() == vault.current()
    except VaultError:
        is_current = False
    if not is_current:
        yield f"To use it by default: entra use {settings.name}"
