"""`entra connect`: sign in, and save the connection."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Any

from entrakit.cli.options.confirm import DECLINED
from entrakit.cli.options.durations import describe_duration, parse_duration, utc
from entrakit.cli.options.prompts import ask_line, ask_secret, confirm, read_secret
from entrakit.cli.words import remedy_of
from entrakit.errors import CertificatePasswordError, ParameterError
from entrakit.sign_in.parameters import BY_NAME, PARAMETERS, SETS, choose_set

if TYPE_CHECKING:
    import argparse

    from entrakit import Connection, Secret
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
    _add(target, "resource", default="")
    _add(target, "cloud")
    _add(target, "authority_url", default="")
    _add(target, "graph_url", default="")
    browser = parser.add_argument_group("browser (the default)")
    _add(browser, "browser")
    browser.add_argument("--no-browser", action="store_true", help="print the link instead of opening it")
    _add(browser, "paste")
    _add(browser, "port", type=int, default=0)
    for name in ("login_hint", "domain_hint", "prompt"):
        _add(browser, name, default="")
    _add(parser.add_argument_group("another device"), "device_code")
    app = parser.add_argument_group("app with a certificate")
    _add(app, "certificate_path")
    app.add_argument(
        "--certificate-password-stdin",
        action="store_true",
        help="read its password from standard input (env AZURE_CLIENT_CERTIFICATE_PASSWORD)",
    )
    for name in ("certificate_thumbprint", "certificate_name", "certificate_uri"):
        _add(app, name)
    _add(app, "certificate_store", " (`entra certificates` lists them)", default="")
    for name in ("pkcs11_module", "certificate_command", "key_vault", "key_vault_connection"):
        _add(app, name, default="")
    _add(app, "key_vault_certificate")
    _add(app, "key_vault_secret", action="append")
    _add(app, "key_vault_key")
    _add(app, "send_certificate_chain")
    secret = parser.add_argument_group("app with a secret")
    secret.add_argument(
        "--client-secret", nargs="?", const="", metavar="", help="ask for the secret (env AZURE_CLIENT_SECRET)"
    )
    secret.add_argument("--client-secret-stdin", action="store_true", help="read the secret from standard input")
    secret.add_argument("--client-secret-file", metavar="FILE", help="file with the secret")
    user = parser.add_argument_group("user name and password")
    user.add_argument(
        "--username", metavar="NAME", help="user name; asks for the password (env AZURE_USERNAME, AZURE_PASSWORD)"
    )
    user.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    saving = parser.add_argument_group("saving")
    _add(saving, "name", " (default: default)", default="default")
    _add(saving, "ensure")
    _add(saving, "save_secret")
    saving.add_argument("--yes", action="store_true", help="replace another connection without asking")
    saving.add_argument("--pass-thru", action="store_true", help="print the token object as JSON")
    network = parser.add_argument_group("network")
    _add(network, "ca_bundle")
    _add(network, "timeout")
    network.add_argument("--proxy", metavar="URL", help="proxy to use (env HTTPS_PROXY)")


def run(options: argparse.Namespace, context: Context) -> int:
    """Sign in, save the connection, and report it."""
    from contextlib import closing

    from entrakit.http.transport import Transport

    parameters = _parameters(options, context)
    before = _saved(options.name, context)
    if context.is_terminal(context.streams.input) and not options.yes:
        parameters["on_replace"] = lambda old, new: _ask_to_replace(old, new, context)
    timeout_s = parameters["timeout"]
    silence_s = min(timeout_s or 30.0, 30.0) if isinstance(timeout_s, float) else 30.0
    with closing(Transport(ca_bundle=options.ca_bundle, proxy=options.proxy, timeout_s=silence_s)) as transport:
        parameters["transport"] = transport
        try:
            connection = _connect_with_password(options, context, parameters)
        except _DeclinedError:
            context.info("Nothing was saved.")
            return DECLINED
        if options.pass_thru:
            context.write_json(connection.token().to_json())
        elif context.as_json:
            context.write_json(_summary(connection))
        is_unchanged = before is not None and before.connected_at == connection.info.connected_at
        _report(connection, context, verb="Already connected" if is_unchanged else "Connected")
    return 0


def _connect_with_password(options: argparse.Namespace, context: Context, parameters: dict[str, object]) -> Connection:
    """Connect; if the certificate turns out to have a password, ask for it on a terminal."""
    try:
        return _connect(options, context, parameters)
    except CertificatePasswordError as error:
        if not context.is_terminal(context.streams.input):
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
        group.add_argument(option, metavar=parameter.value, help=text, **settings)
    else:
        group.add_argument(option, action="store_true", help=text, **settings)


def _connect(options: argparse.Namespace, context: Context, parameters: dict[str, object]) -> Connection:
    from entrakit.authority.clouds import find_cloud
    from entrakit.connecting import connect

    is_chosen = options.cloud or options.authority_url
    cloud = find_cloud(options.cloud or (not is_chosen and context.environ.get("AZURE_AUTHORITY_HOST")) or "global")
    if not is_chosen and cloud.name != "global":
        context.note(f"AZURE_AUTHORITY_HOST selects {cloud.authority}.")
    return connect(  # type: ignore[call-overload,no-any-return] # connect() finds out which parameter set it is
        client_id=_required(options.client_id, "AZURE_CLIENT_ID", "--client-id", context),
        tenant_id=_required(options.tenant_id, "AZURE_TENANT_ID", "--tenant-id", context),
        scopes=options.scope,
        cloud=cloud,
        authority_url=options.authority_url,
        graph_url=options.graph_url,
        resource=options.resource,
        name=options.name,
        ensure=options.ensure,
        save_secret=options.save_secret,
        vault=context.open_vault(),
        **parameters,
    )


def _parameters(options: argparse.Namespace, context: Context) -> dict[str, object]:
    """Return the parameters of the flow. Secrets are read from where the options say."""
    elsewhere = options.certificate_uri or options.certificate_thumbprint or options.certificate_name
    if options.certificate_password_stdin and not options.certificate_path and not elsewhere:
        options.certificate_path = context.environ.get("AZURE_CLIENT_CERTIFICATE_PATH")
    _refuse_mixture(options)
    names = (
        *("browser", "device_code", "certificate_thumbprint", "certificate_name", "certificate_path"),
        *("certificate_uri", "certificate_store", "pkcs11_module", "key_vault", "key_vault_connection"),
        *("key_vault_certificate", "key_vault_secret", "key_vault_key", "send_certificate_chain", "port"),
        *("login_hint", "domain_hint", "prompt"),
    )
    parameters: dict[str, object] = {name: getattr(options, name) for name in names} | {
        "certificate_command": _command(options.certificate_command),
        "timeout": parse_duration(options.timeout) if options.timeout else None,
        "client_secret": _client_secret(options, context),
        "credential": _credential(options, context) if options.username or options.password_stdin else None,
    }
    if options.certificate_password_stdin:
        parameters["certificate_password"] = read_secret(context, "certificate password")
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
        parameters |= _from_environment(context)
    on_token = options.certificate_store == "pkcs11" or options.certificate_uri or options.pkcs11_module
    in_file = options.certificate_path or parameters.get("certificate_path")
    if (on_token or in_file) and not options.key_vault_key and not options.certificate_command:
        parameters.setdefault("certificate_password", _from_variable("AZURE_CLIENT_CERTIFICATE_PASSWORD", context))
    if not any(parameters.get(name) for name in _NOT_BROWSER) or options.browser:
        parameters["on_link"] = lambda url, port: _show_link(url, port, context)
    return parameters


def _command(text: str) -> list[str]:
    """Return a program and its arguments."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ParameterError("--certificate-command has an unclosed quotation mark.") from error
    if text and not words:
        raise ParameterError("--certificate-command is empty.", remedy="Name a program and its arguments.")
    return words


def _from_environment(context: Context) -> dict[str, object]:
    """Return the flow that the environment selects, if no option does. Of several, take the first, and report it."""
    from entrakit.secret import Secret, UsernamePassword

    environ = context.environ
    found: list[tuple[str, dict[str, object]]] = []
    if environ.get("AZURE_CLIENT_SECRET"):
        secret = Secret.from_env("AZURE_CLIENT_SECRET", environ)
        found.append(("AZURE_CLIENT_SECRET", {"client_secret": secret}))
    if environ.get("AZURE_CLIENT_CERTIFICATE_PATH"):
        path = environ["AZURE_CLIENT_CERTIFICATE_PATH"]
        found.append(("AZURE_CLIENT_CERTIFICATE_PATH", {"certificate_path": path}))
    if environ.get("AZURE_USERNAME") and environ.get("AZURE_PASSWORD"):
        credential = UsernamePassword(environ["AZURE_USERNAME"], Secret.from_env("AZURE_PASSWORD", environ))
        found.append(("AZURE_USERNAME and AZURE_PASSWORD", {"credential": credential}))
    if not found:
        return {}
    ignored = ", ".join(name for name, _ in found[1:])
    context.note(f"signing in with {found[0][0]}" + (f"; {ignored} not used." if ignored else "."))
    return found[0][1]


def _from_variable(name: str, context: Context) -> Secret | None:
    from entrakit.secret import Secret

    return Secret.from_env(name, context.environ) if context.environ.get(name) else None


def _client_secret(options: argparse.Namespace, context: Context) -> Secret | None:
    from entrakit.secret import Secret

    instead = "Use --client-secret-stdin, --client-secret-file or the variable AZURE_CLIENT_SECRET."
    if options.client_secret:
        raise ParameterError(
            "A secret can't be given on the command line, where other users can see it.", remedy=instead
        )
    if options.client_secret_stdin:
        return read_secret(context, "client secret")
    if options.client_secret_file:
        return Secret.from_file(options.client_secret_file)
    return ask_secret(context, "client secret", instead) if options.client_secret == "" else None


def _credential(options: argparse.Namespace, context: Context) -> object:
    from entrakit.secret import UsernamePassword

    username = options.username or context.environ.get("AZURE_USERNAME")
    if not username:
        raise ParameterError("--password-stdin requires a user name.", remedy="Add --username NAME.")
    if options.password_stdin:
        return UsernamePassword(username, read_secret(context, "password"))
    known = _from_variable("AZURE_PASSWORD", context)
    instead = "Use --password-stdin or the variable AZURE_PASSWORD."
    return UsernamePassword(username, known or ask_secret(context, "password", instead))


def _refuse_mixture(options: argparse.Namespace) -> None:
    """Raise ParameterSetError for options that don't go together, before anything is read or asked."""
    has_secret = options.client_secret is not None or options.client_secret_stdin or options.client_secret_file
    of_a_set = {name for one in SETS for name in one.chosen_by + one.options}
    present = {name: value for name, value in vars(options).items() if name in of_a_set} | {
        "client_secret": True if has_secret else None,
        "credential": True if options.username or options.password_stdin else None,
        "certificate_password": True if options.certificate_password_stdin else None,
        "open_browser": True if options.no_browser else None,
    }
    choose_set(present)


def _required(value: str | None, variable: str, option: str, context: Context) -> str:
    found = value or context.environ.get(variable)
    if not found:
        raise ParameterError(
            f"{option} is missing.",
            remedy=f"Give it, or set {variable}. Example: entra connect --client-id Graph --tenant-id contoso.com",
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
