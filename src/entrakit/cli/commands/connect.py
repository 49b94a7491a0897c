"""`entra connect`: sign in, and save the connection."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any

from entrakit.cli.options.confirm import DECLINED
from entrakit.cli.options.credentials import (
    add_sources,
    certificate_password,
    client_secret,
    from_environment,
    has_source,
    not_empty,
    username_password,
    variable,
)
from entrakit.cli.options.durations import describe_duration, parse_duration, utc
from entrakit.cli.options.output import add_output, file_of
from entrakit.cli.options.prompts import ask_line, ask_secret, confirm
from entrakit.cli.output.show import show
from entrakit.cli.words import remedy_of
from entrakit.errors import CertificatePasswordError, InteractionRequiredError, NetworkError, ParameterError
from entrakit.sign_in.parameters import BY_NAME, PARAMETERS, SETS, choose_set

if TYPE_CHECKING:
    import argparse

    from entrakit import Connection
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.connection.settings import Settings
    from entrakit.sign_in.flows.devicecode import DeviceCode

# Parameters that select another flow than the browser; a key vault alone is a mistake that connect() reports.
_NOT_BROWSER = ("key_vault", *(one.name for one in PARAMETERS if one.selects not in ("", "Browser")))
_BROWSER_OPTIONS = ("browser", "port", "login_hint", "domain_hint", "prompt", "no_browser", "paste")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    target = parser.add_argument_group("app and tenant")
    _add(target, "client_id")
    _add(target, "tenant_id")
    _add(target, "scopes", " (repeatable)", dest="scope", action="append", default=[])
    for name in ("resource", "cloud", "authority_url", "graph_url"):
        _add(target, name)
    browser = parser.add_argument_group("browser (the default)")
    _add(browser, "browser")
    browser.add_argument("--no-browser", action="store_true", help="print the link instead of opening it")
    _add(browser, "paste")
    _add(browser, "port", type=int, default=0)
    for name in ("login_hint", "domain_hint", "prompt"):
        _add(browser, name)
    _add(parser.add_argument_group("another device"), "device_code")
    app = parser.add_argument_group("app with a certificate")
    _add(app, "certificate_path")
    add_sources(app, "certificate_password")
    for name in ("certificate_thumbprint", "certificate_name", "certificate_uri"):
        _add(app, name)
    _add(app, "certificate_store", " (`entra certificates` lists them)")
    for name in ("pkcs11_module", "certificate_command", "key_vault", "key_vault_connection", "key_vault_certificate"):
        _add(app, name)
    _add(app, "key_vault_secret", action="append")
    _add(app, "key_vault_key")
    _add(app, "send_certificate_chain")
    secret = parser.add_argument_group("app with a secret")
    secret.add_argument(
        "--client-secret", nargs="?", const="", metavar="", help="ask for the secret (env AZURE_CLIENT_SECRET)"
    )
    add_sources(secret, "client_secret")
    user = parser.add_argument_group("user name and password")
    user.add_argument(
        "--username",
        type=not_empty,
        metavar="NAME",
        help="user name; asks for the password (env AZURE_USERNAME, AZURE_PASSWORD)",
    )
    add_sources(user, "password")
    saving = parser.add_argument_group("saving")
    _add(saving, "name", " (default: default)", default="default")
    _add(saving, "ensure")
    _add(saving, "save_secret")
    saving.add_argument("--yes", action="store_true", help="replace another connection without asking")
    saving.add_argument("--pass-thru", action="store_true", help="print the token object as JSON")
    add_output(saving, default="none")
    network = parser.add_argument_group("network")
    _add(network, "ca_bundle")
    _add(network, "timeout")
    network.add_argument("--proxy", type=not_empty, metavar="URL", help="proxy to use (env HTTPS_PROXY)")


def run(options: argparse.Namespace, context: Context) -> int:
    """Sign in, save the connection, and report it."""
    from contextlib import closing

    from entrakit.http.transport import Transport

    # Before the sign-in: a wrong file name must not cost one.
    file_of(options)
    parameters = _parameters(options, context)
    before = _saved(options.name, context)
    if context.is_terminal(context.streams.input) and not options.yes:
        parameters["on_replace"] = lambda old, new: _ask_to_replace(old, new, context)
    timeout_s = parameters["timeout"]
    silence_s = min(timeout_s or 30.0, 30.0) if isinstance(timeout_s, float) else 30.0
    with closing(Transport(ca_bundle=options.ca_bundle, proxy=options.proxy, timeout_s=silence_s)) as transport:
        is_hopeless = parameters.get("open_browser") is _refuse_to_wait and not options.ensure
        parameters["transport"] = transport.impatient() if is_hopeless else transport
        try:
            connection = _connect_with_password(options, context, parameters)
        except _DeclinedError:
            context.info("Nothing was saved.")
            return DECLINED
        except NetworkError:
            if is_hopeless:
                _refuse_to_wait("")
            raise
        if options.pass_thru:
            token = connection.token().to_json()
            show(context, options, token, lambda: context.write_json(token))
        else:
            show(context, options, _summary(connection))
        is_unchanged = before is not None and before.connected_at == connection.info.connected_at
        _report(connection, context, verb="Already connected" if is_unchanged else "Connected")
    return 0


def _connect_with_password(options: argparse.Namespace, context: Context, parameters: dict[str, object]) -> Connection:
    """Connect; if the certificate turns out to have a password, ask for it on a terminal."""
    try:
        return _connect(options, context, parameters)
    except CertificatePasswordError as error:
        if not context.is_terminal(context.streams.input):
            name = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
            if context.environ.get(name) == "":
                remedy = f"{name} is set, but empty. {error.remedy}"
                raise CertificatePasswordError(error.problem, remedy=remedy) from error
            raise
        parameters["certificate_password"] = ask_secret(context, "certificate password", remedy_of(error))
        return _connect(options, context, parameters)


class _DeclinedError(Exception):
    """The user does not want a saved connection to be replaced."""


def _saved(name: str, context: Context) -> Settings | None:
    """Return the settings of the saved connection with this name; None if there is none that can be read."""
    from entrakit.connections import list_connections

    for one in list_connections(vault=context.open_vault()):
        if one.name == name.lower():
            if one.problem:
                context.warn(one.problem)
            return one.settings
    return None


def _ask_to_replace(old: Settings, new: Settings, context: Context) -> None:
    """Raise _DeclinedError unless the user agrees that a connection of another account is replaced."""
    question = (
        f"The saved connection {old.name!r} is {old.describe_account()}.\nReplace it with {new.describe_account()}?"
    )
    if not context.is_terminal(context.streams.error):
        raise ParameterError(
            "Nothing was saved: replacing another connection requires a confirmation, but standard error is not a "
            "terminal.",
            remedy="Add --yes, save under another --name, or leave standard error on the terminal.",
        )
    if not confirm(context, question):
        raise _DeclinedError


def _add(group: argparse._ArgumentGroup, name: str, more_help: str = "", **settings: Any) -> None:  # noqa: ANN401 - as argparse
    """Add the option for a parameter of `connect()`."""
    parameter = BY_NAME[name]
    option = f"--{parameter.option or name.replace('_', '-')}"
    text = f"{parameter.help}{more_help}{f' (env {parameter.variable})' if parameter.variable else ''}"
    if parameter.value:
        group.add_argument(option, metavar=parameter.value, help=text, **{"type": not_empty, **settings})
    else:
        group.add_argument(option, action="store_true", help=text, **settings)


def _connect(options: argparse.Namespace, context: Context, parameters: dict[str, object]) -> Connection:
    from entrakit.connecting import connect

    return connect(  # type: ignore[call-overload,no-any-return] # connect() finds out which parameter set it is
        client_id=_required(options.client_id, "AZURE_CLIENT_ID", "--client-id", context),
        tenant_id=_required(options.tenant_id, "AZURE_TENANT_ID", "--tenant-id", context),
        scopes=options.scope,
        resource=options.resource or "",
        name=options.name,
        ensure=options.ensure,
        save_secret=options.save_secret,
        vault=context.open_vault(),
        **_addresses(options, context),
        **parameters,
    )


def _addresses(options: argparse.Namespace, context: Context) -> dict[str, object]:
    """Return the cloud and the addresses, from the options or else from the variables, which are reported."""
    from entrakit.authority.clouds import find_cloud

    cloud, graph_url = find_cloud(options.cloud or "global"), options.graph_url
    if not options.cloud and not options.authority_url:
        cloud = find_cloud(variable("AZURE_AUTHORITY_HOST", context.environ) or "global")
        if cloud.name != "global":
            context.note(f"AZURE_AUTHORITY_HOST selects {cloud.authority}.")
    if not graph_url:
        graph_url = variable("ENTRAKIT_GRAPH_URL", context.environ)
        if graph_url:
            context.note(f"ENTRAKIT_GRAPH_URL selects {graph_url} for Microsoft Graph.")
    return {"cloud": cloud, "authority_url": options.authority_url or "", "graph_url": graph_url or ""}


def _parameters(options: argparse.Namespace, context: Context) -> dict[str, object]:
    """Return the parameters of the flow. Secrets are read from where the options say."""
    elsewhere = options.certificate_uri or options.certificate_thumbprint or options.certificate_name
    if has_source(options, "certificate_password") and not options.certificate_path and not elsewhere:
        options.certificate_path = variable("AZURE_CLIENT_CERTIFICATE_PATH", context.environ)
    _refuse_mixture(options)
    names = (
        *("browser", "device_code", "certificate_thumbprint", "certificate_name", "certificate_path"),
        *("certificate_uri", "certificate_store", "pkcs11_module", "key_vault", "key_vault_connection"),
        *("key_vault_certificate", "key_vault_secret", "key_vault_key", "send_certificate_chain", "port"),
        *("login_hint", "domain_hint", "prompt"),
    )
    parameters: dict[str, object] = {name: value for name in names if (value := getattr(options, name)) is not None} | {
        "certificate_command": _command(options.certificate_command or ""),
        "timeout": parse_duration(options.timeout) if options.timeout else None,
        "client_secret": client_secret(options, context),
        "credential": username_password(options, context),
    }
    if options.device_code:
        parameters["on_device_code"] = lambda code: _show_code(code, context)
    if options.paste:
        parameters["paste"] = lambda url: _ask_for_address(url, context)
    if options.no_browser:
        parameters["open_browser"] = lambda _: False
    is_chosen = any(parameters[name] for name in parameters if name != "timeout") or any(
        getattr(options, name) for name in _BROWSER_OPTIONS
    )
    if not is_chosen:
        parameters |= from_environment(context, verb="using" if options.ensure else "signing in with")
    on_token = options.certificate_store == "pkcs11" or options.certificate_uri or options.pkcs11_module
    in_file = options.certificate_path or parameters.get("certificate_path")
    needs_password = (on_token or in_file) and not options.key_vault_key and not options.certificate_command
    parameters["certificate_password"] = certificate_password(options, context, needs_one=bool(needs_password))
    if not any(parameters.get(name) for name in _NOT_BROWSER) or options.browser:
        parameters |= _browser_parameters(options, context)
    return parameters


def _browser_parameters(options: argparse.Namespace, context: Context) -> dict[str, object]:
    """Return the parameters of a sign-in with a browser that the terminal and the environment give."""
    parameters: dict[str, object] = {"on_link": lambda url, port: _show_link(url, port, context)}
    if not options.login_hint and context.environ.get("AZURE_USERNAME"):
        parameters["login_hint"] = context.environ["AZURE_USERNAME"]
        context.note(f"AZURE_USERNAME names the user {context.environ['AZURE_USERNAME']}.")
    if not _may_wait(options, context):
        parameters["open_browser"] = _refuse_to_wait
    return parameters


def _may_wait(options: argparse.Namespace, context: Context) -> bool:
    """Return whether to wait for a user: at a terminal, or because an option says so."""
    streams = context.streams
    is_attended = context.is_terminal(streams.input) or context.is_terminal(streams.error)
    return is_attended or options.browser or options.no_browser or options.paste


def _refuse_to_wait(url: str) -> bool:
    """Raise InteractionRequiredError instead of opening an address: nobody chose a sign-in with a browser."""
    del url
    raise InteractionRequiredError(
        "A user has to sign in, but there is no terminal.",
        remedy="Sign in as an app, with a client secret (`client_secret=…`) or a certificate; or add --browser, "
        "--no-browser, --paste or --device-code to wait for a user.",
        error="interaction_required",
    )


def _command(text: str) -> list[str]:
    """Return a program and its arguments."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ParameterError("--certificate-command has an unclosed quotation mark.") from error
    if text and not words:
        raise ParameterError("--certificate-command is empty.", remedy="Name a program and its arguments.")
    return words


def _refuse_mixture(options: argparse.Namespace) -> None:
    """Raise ParameterSetError for options that don't go together, before anything is read or asked."""
    of_a_set = {name for one in SETS for name in one.chosen_by + one.options}
    present = {name: value for name, value in vars(options).items() if name in of_a_set} | {
        "client_secret": True if has_source(options, "client_secret") else None,
        "credential": True if options.username or has_source(options, "password") else None,
        "certificate_password": True if has_source(options, "certificate_password") else None,
        "open_browser": True if options.no_browser else None,
    }
    choose_set(present)


def _required(value: str | None, name: str, option: str, context: Context) -> str:
    found = value or variable(name, context.environ)
    if not found:
        raise ParameterError(
            f"{option} is missing.",
            remedy=f"Give it, or set {name}. Example: entra connect --client-id Graph --tenant-id contoso.com",
        )
    return found


def _show_code(code: DeviceCode, context: Context) -> None:
    print(code, file=context.streams.error, flush=True)


def _show_link(url: str, port: int, context: Context) -> None:
    from entrakit.sign_in.system_browser import ssh_forward_line

    print(f"Open this link in a browser to sign in:\n\n  {url}\n", file=context.streams.error)
    line = ssh_forward_line(port, context.environ)
    if line:
        print(f"Over SSH, first run this on your own machine:\n\n  {line}\n", file=context.streams.error)
    context.streams.error.flush()


def _ask_for_address(url: str, context: Context) -> str:
    print(f"Open this link in a browser to sign in:\n\n  {url}\n", file=context.streams.error)
    return ask_line(context, "The browser then can't open its last page. Paste the address of that page: ")


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


def _report(connection: Connection, context: Context, *, verb: str) -> None:
    settings = connection.info
    vault = context.open_vault()
    who = f"the app {settings.client_id}" if settings.is_app else settings.account.username or "an unnamed user"
    left = settings.expires_at - time.time()
    context.info(f"{verb} as {who} to the tenant {connection.tenant_id} ({settings.flow}).")
    asks_user = settings.flow in ("browser", "devicecode")
    gone = " The token service gave no refresh token." if asks_user else " The credential is not saved."
    renewal = " and renews itself." if settings.renews_alone else f".{gone}"
    context.info(f"The token is valid until {utc(settings.expires_at)} ({describe_duration(left)}){renewal}")
    if not settings.renews_alone:
        advice = "" if asks_user else " --save-secret saves the credential, encrypted."
        context.info(f"To renew it, connect again.{advice}")
    context.info(f"Saved as {settings.name!r} in {vault.place}, encrypted; key: {vault.describe_key()}.")
    if settings.name.lower() != vault.current():
        context.info(f"To use it by default: entra use {settings.name}")
