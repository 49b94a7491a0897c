"""`entra connect`: sign in, and keep the connection."""

from __future__ import annotations

import shlex
import time

from entrakit.cli.options.durations import describe_span, parse_span, utc
from entrakit.cli.options.prompts import ask_line, ask_secret, read_secret
from entrakit.cli.words import remedy_of
from entrakit.errors import CertificatePasswordError, ParameterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from entrakit import Connection, Secret
    from entrakit.cli.context import Context
    from entrakit.cli.options.connection import Parser
    from entrakit.sign_in.flows.devicecode import DeviceCode

ASKS_FOR_BROWSER = ("browser", "port", "login_hint", "domain_hint", "prompt", "no_browser", "paste")


def arguments(parser: Parser) -> None:
    """Declare what the command takes."""
    who = parser.add_argument_group("who and where")
    who.add_argument("--client-id", metavar="ID", help="the app: a GUID, or Graph or Azure (env AZURE_CLIENT_ID)")
    who.add_argument("--tenant-id", metavar="ID", help="the tenant: a GUID or a domain (env AZURE_TENANT_ID)")
    who.add_argument("--scope", action="append", default=[], help="what to ask for, for people (repeatable)")
    who.add_argument("--resource", default="", metavar="URI", help="what it is for (default: Microsoft Graph)")
    who.add_argument("--cloud", metavar="CLOUD", help="global, usgov, usgov-dod, china, bleu, delos or govsg")
    who.add_argument(
        "--authority-url", default="", metavar="URL", help="another token service (env AZURE_AUTHORITY_HOST)"
    )
    who.add_argument("--graph-url", default="", metavar="URL", help="Microsoft Graph behind another address")
    browser = parser.add_argument_group("browser (the default)")
    browser.add_argument("--browser", action="store_true", help="sign in with the system's browser")
    browser.add_argument("--no-browser", action="store_true", help="print the link instead of opening it")
    browser.add_argument("--paste", action="store_true", help="paste the address that your browser ended at")
    browser.add_argument("--port", type=int, default=0, help="listen on this loopback port")
    browser.add_argument("--login-hint", default="", metavar="NAME", help="fill in this user name")
    browser.add_argument("--domain-hint", default="", metavar="DOMAIN", help="go to this domain's own page")
    browser.add_argument("--prompt", default="", help="login, select_account, consent or none")
    device = parser.add_argument_group("another device")
    device.add_argument("--device-code", action="store_true", help="sign in with a code on another device")
    app = parser.add_argument_group("app with a certificate")
    app.add_argument("--certificate-path", metavar="FILE", help="PFX or PEM (env AZURE_CLIENT_CERTIFICATE_PATH)")
    app.add_argument("--certificate-password-stdin", action="store_true", help="its password, on standard input")
    app.add_argument("--certificate-thumbprint", metavar="HEX", help="in the user's or computer's store")
    app.add_argument("--certificate-name", metavar="NAME", help="subject or common name in a store")
    app.add_argument("--certificate-uri", metavar="URI", help="on a token: pkcs11:token=NAME;object=NAME")
    app.add_argument("--certificate-store", default="", metavar="STORE", help="look only there (`entra certificates`)")
    app.add_argument("--pkcs11-module", default="", metavar="FILE", help="module that reaches the token")
    app.add_argument("--certificate-command", default="", metavar="COMMAND", help="program that signs for the file")
    app.add_argument("--key-vault", default="", metavar="VAULT", help="Azure Key Vault: name or https URL")
    app.add_argument("--key-vault-connection", default="", metavar="NAME", help="kept connection that may use it")
    app.add_argument("--key-vault-certificate", metavar="NAME", help="its certificate; the key signs in the vault")
    app.add_argument("--key-vault-secret", action="append", metavar="NAME", help="fetch it (the first that works)")
    app.add_argument("--key-vault-key", metavar="NAME", help="signs for the certificate of --certificate-path")
    app.add_argument("--send-certificate-chain", action="store_true", help="send the chain as well (x5c)")
    secret = parser.add_argument_group("app with a secret")
    secret.add_argument("--client-secret", nargs="?", const="", metavar="", help="ask for it (env AZURE_CLIENT_SECRET)")
    secret.add_argument("--client-secret-stdin", action="store_true", help="on standard input")
    secret.add_argument("--client-secret-file", metavar="FILE", help="in a file")
    person = parser.add_argument_group("user name and password")
    person.add_argument("--username", metavar="NAME", help="asks for the password (env AZURE_USERNAME, AZURE_PASSWORD)")
    person.add_argument("--password-stdin", action="store_true", help="the password on standard input")
    keeping = parser.add_argument_group("keeping")
    keeping.add_argument("--name", default="default", help="name of the connection (default: default)")
    keeping.add_argument("--ensure", action="store_true", help="do nothing if it is there and works")
    keeping.add_argument("--save-secret", action="store_true", help="keep secret, password or key too, encrypted")
    keeping.add_argument("--pass-thru", action="store_true", help="print the token object as JSON")
    network = parser.add_argument_group("network")
    network.add_argument("--ca-bundle", metavar="FILE", help="trust these CA certificates (env SSL_CERT_FILE)")
    network.add_argument("--timeout", metavar="TIME", help="give up after: 90, 10m (default: 5m for the browser)")
    network.add_argument("--proxy", metavar="URL", help="use this proxy (env HTTPS_PROXY)")


def run(options: argparse.Namespace, context: Context) -> int:
    """Sign in, keep, and say so."""
    from contextlib import closing

    from entrakit.http.transport import Transport

    given = _given(options, context)
    silence_s = min(given["timeout"] or 30.0, 30.0) if isinstance(given["timeout"], float) else 30.0
    with closing(Transport(ca_bundle=options.ca_bundle, proxy=options.proxy, timeout_s=silence_s)) as transport:
        try:
            connection = _connect(options, context, given | {"transport": transport})
        except CertificatePasswordError as error:
            if not context.is_terminal(context.streams.input):
                raise
            given["certificate_password"] = ask_secret(context, "certificate password", remedy_of(error))
            connection = _connect(options, context, given | {"transport": transport})
        if options.pass_thru:
            context.give_json(connection.token().to_json())
        elif context.as_json:
            context.give_json(_summary(connection))
        _say(connection, context)
    return 0


def _connect(options: argparse.Namespace, context: Context, given: dict[str, object]) -> Connection:
    from entrakit.authority.clouds import find_cloud
    from entrakit.connecting import connect

    named = options.cloud or options.authority_url
    cloud = find_cloud(options.cloud or (not named and context.environ.get("AZURE_AUTHORITY_HOST")) or "global")
    if not named and cloud.name != "global":
        context.tell(f"Note: AZURE_AUTHORITY_HOST leads to {cloud.authority}.")
    return connect(  # type: ignore[call-overload,no-any-return] # which set it is, connect() finds out
        client_id=_needed(options.client_id, "AZURE_CLIENT_ID", "--client-id", context),
        tenant_id=_needed(options.tenant_id, "AZURE_TENANT_ID", "--tenant-id", context),
        scopes=options.scope,
        cloud=cloud,
        authority_url=options.authority_url,
        graph_url=options.graph_url,
        resource=options.resource,
        name=options.name,
        ensure=options.ensure,
        save_secret=options.save_secret,
        vault=context.open_vault(),
        **given,
    )


def _given(options: argparse.Namespace, context: Context) -> dict[str, object]:
    """Return the parameters of the flow, with secrets read from where the options say."""
    elsewhere = options.certificate_uri or options.certificate_thumbprint or options.certificate_name
    if options.certificate_password_stdin and not options.certificate_path and not elsewhere:
        options.certificate_path = context.environ.get("AZURE_CLIENT_CERTIFICATE_PATH")
    _refuse_mixture(options)
    given: dict[str, object] = {
        "browser": options.browser,
        "device_code": options.device_code,
        "certificate_thumbprint": options.certificate_thumbprint,
        "certificate_name": options.certificate_name,
        "certificate_path": options.certificate_path,
        "certificate_uri": options.certificate_uri,
        "certificate_store": options.certificate_store,
        "pkcs11_module": options.pkcs11_module,
        "certificate_command": _command(options.certificate_command),
        "key_vault": options.key_vault,
        "key_vault_connection": options.key_vault_connection,
        "key_vault_certificate": options.key_vault_certificate,
        "key_vault_secret": options.key_vault_secret,
        "key_vault_key": options.key_vault_key,
        "send_certificate_chain": options.send_certificate_chain,
        "port": options.port,
        "login_hint": options.login_hint,
        "domain_hint": options.domain_hint,
        "prompt": options.prompt,
        "timeout": parse_span(options.timeout) if options.timeout else None,
        "client_secret": _client_secret(options, context),
        "credential": _credential(options, context) if options.username or options.password_stdin else None,
    }
    if options.certificate_password_stdin:
        given["certificate_password"] = read_secret(context, "certificate password")
    if options.device_code:
        given["on_device_code"] = lambda code: _show_code(code, context)
    if options.paste:
        given["paste"] = lambda url: _ask_for_address(url, context)
    if options.no_browser:
        given["open_browser"] = lambda _: False
    named = any(given[name] for name in given if name != "timeout") or any(
        getattr(options, name) for name in ASKS_FOR_BROWSER
    )
    if not named:
        given |= _from_environment(context)
    on_token = options.certificate_store == "pkcs11" or options.certificate_uri or options.pkcs11_module
    in_file = options.certificate_path or given.get("certificate_path")
    if (on_token or in_file) and not options.key_vault_key and not options.certificate_command:
        given.setdefault("certificate_password", _from_variable("AZURE_CLIENT_CERTIFICATE_PASSWORD", context))
    if not any(given.get(name) for name in _CHOOSERS) or options.browser:
        given["on_link"] = lambda url, port: _show_link(url, port, context)
    return given


def _command(text: str) -> list[str]:
    """Return the words of a program."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ParameterError("--certificate-command has a quotation mark that is not closed.") from error
    if text and not words:
        raise ParameterError("--certificate-command is empty.", remedy="Name a program, with its arguments.")
    return words


_CHOOSERS = (
    "device_code",
    "certificate_uri",
    "key_vault",
    "key_vault_certificate",
    "key_vault_secret",
    "key_vault_key",
    "certificate_thumbprint",
    "certificate_name",
    "certificate_path",
    "client_secret",
    "credential",
)


def _from_environment(context: Context) -> dict[str, object]:
    """Return the flow that the environment asks for, where no option does; the first of several, and say so."""
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
    context.tell(f"Note: signing in with {found[0][0]}" + (f"; {ignored} not used." if ignored else "."))
    return found[0][1]


def _from_variable(name: str, context: Context) -> Secret | None:
    from entrakit.secret import Secret

    return Secret.from_env(name, context.environ) if context.environ.get(name) else None


def _client_secret(options: argparse.Namespace, context: Context) -> Secret | None:
    from entrakit.secret import Secret

    instead = "Use --client-secret-stdin, --client-secret-file, or the variable AZURE_CLIENT_SECRET."
    if options.client_secret:
        raise ParameterError("A secret is never given on the command line, where others can see it.", remedy=instead)
    if options.client_secret_stdin:
        return read_secret(context, "client secret")
    if options.client_secret_file:
        return Secret.from_file(options.client_secret_file)
    return ask_secret(context, "client secret", instead) if options.client_secret == "" else None


def _credential(options: argparse.Namespace, context: Context) -> object:
    from entrakit.secret import UsernamePassword

    username = options.username or context.environ.get("AZURE_USERNAME")
    if not username:
        raise ParameterError("--password-stdin needs a user name.", remedy="Add --username NAME.")
    if options.password_stdin:
        return UsernamePassword(username, read_secret(context, "password"))
    known = _from_variable("AZURE_PASSWORD", context)
    instead = "Use --password-stdin, or the variable AZURE_PASSWORD."
    return UsernamePassword(username, known or ask_secret(context, "password", instead))


def _refuse_mixture(options: argparse.Namespace) -> None:
    """Raise for options that don't go together, before anything is read or asked."""
    from entrakit.sign_in.parameters import SETS, choose_set

    has_secret = options.client_secret is not None or options.client_secret_stdin or options.client_secret_file
    of_a_set = {name for one in SETS for name in one.chosen_by + one.options}
    present = {name: value for name, value in vars(options).items() if name in of_a_set} | {
        "client_secret": True if has_secret else None,
        "credential": True if options.username or options.password_stdin else None,
        "certificate_password": True if options.certificate_password_stdin else None,
        "open_browser": True if options.no_browser else None,
    }
    choose_set(present)


def _needed(value: str | None, variable: str, option: str, context: Context) -> str:
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
        print(f"Over SSH, first type this on your own machine:\n\n  {line}\n", file=context.streams.error)
    context.streams.error.flush()


def _ask_for_address(url: str, context: Context) -> str:
    print(f"Open this link in a browser to sign in:\n\n  {url}\n", file=context.streams.error)
    return ask_line(context, "The browser then can't open its last page. Paste that page's address: ")


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
    }


def _say(connection: Connection, context: Context) -> None:

    settings = connection.info
    vault = context.open_vault()
    who = f"the app {settings.client_id}" if settings.is_app else settings.account.username or "somebody"
    left = settings.expires_at - time.time()
    context.tell(f"Connected as {who} to the tenant {connection.tenant_id} ({settings.flow}).")
    further = " and renews itself." if settings.renews_alone else ". What the app proved itself with is not kept."
    context.tell(f"The token lasts until {utc(settings.expires_at)} ({describe_span(left)}){further}")
    if not settings.renews_alone:
        context.tell("To renew it, connect again; --save-secret keeps what is needed, encrypted.")
    context.tell(f"Kept as {settings.name!r} in {vault.place}, encrypted; key: {vault.describe_key()}.")
    if settings.name.lower() != vault.current():
        context.tell(f"To make it the one that commands use: entra use {settings.name}")
