"""The command that makes a connection again."""

from __future__ import annotations

import base64
import io
import re
import shlex
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest
from cryptography.hazmat.primitives import serialization
from tests.cli.conftest import Terminal

from entrakit import Secret, UsernamePassword, connect, connecting, get_connection
from entrakit.authority.clouds import GLOBAL, Cloud, find_cloud
from entrakit.authority.tenants import parse_client_id, parse_tenant_id
from entrakit.cli import command_table
from entrakit.cli.commands.connect import _parameters
from entrakit.cli.context import Context, Streams
from entrakit.cli.parser import parser_of
from entrakit.cli.reconnect import reconnect
from entrakit.connection import record
from entrakit.connection.record import new_settings
from entrakit.connection.settings import Settings
from entrakit.errors import EntraError, ParameterError
from entrakit.http.transport import Transport
from entrakit.sign_in.parameter_table import BY_NAME, SETS
from entrakit.sign_in.parameters import choose_set, cloud_of, flow_of
from entrakit.tokens.token import Account
from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Command

    from entrakit import Connection
    from entrakit_emulator import Tenant

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
OF_EVERY_SET = BY_NAME.keys() - {name for one in SETS for name in one.chosen_by + one.options}
LEAST = ("https://graph.microsoft.com/User.Read",)


def settings(
    flow: str = "browser",
    *,
    name: str = "job",
    cloud: Cloud = GLOBAL,
    account: Account = Account(),  # noqa: B008 - a value
    origin: tuple[tuple[str, str], ...] = (),
    hints: tuple[tuple[str, str], ...] = (),
) -> Settings:
    """Return settings with the fields that matter."""
    return Settings(name, flow, CLIENT, "contoso.com", cloud, LEAST, account=account, origin=origin, hints=hints)


EACH = [
    (settings(), "--browser"),
    (settings(hints=(("redirect_uri", "http://localhost/x"),)), "--browser --redirect-uri http://localhost/x"),
    (settings("devicecode"), "--device-code"),
    (settings(account=Account("ada@contoso.com")), "--browser --login-hint ada@contoso.com"),
    (settings("password", account=Account("ada@contoso.com")), "--username ada@contoso.com"),
    (settings("password", origin=(("password", "env:MINE"),)), "--username NAME --password-env MINE"),
    (settings("password", origin=(("password", "file:/etc/p"),)), "--username NAME --password-file /etc/p"),
    (settings("password", origin=(("password", "stdin"),)), "--username NAME --password-stdin"),
    (settings("password", origin=(("password", "prompt"),)), "--username NAME"),
    (settings("password"), "--username NAME"),
    (settings("secret"), "--client-secret-stdin"),
    (settings("secret", origin=(("secret", "file:/etc/my secret"),)), "--client-secret-file '/etc/my secret'"),
    (settings("secret", origin=(("secret", "env:AZURE_CLIENT_SECRET"),)), "--client-secret-env AZURE_CLIENT_SECRET"),
    (settings("secret", origin=(("secret", "env:MINE"),)), "--client-secret-env MINE"),
    (settings("secret", origin=(("secret", "prompt"),)), "--client-secret"),
    (settings("secret", origin=(("secret", "stdin"),)), "--client-secret-stdin"),
    (settings("secret", origin=(("secret", "argument"),)), "--client-secret-stdin"),
    (
        settings("certificate", origin=(("path", "a.pfx"), ("password", "env:MINE"))),
        "--certificate-path a.pfx --certificate-password-env MINE",
    ),
    (
        settings("certificate", origin=(("uri", "pkcs11:token=a"), ("password", "file:/etc/pin"))),
        "--certificate-uri pkcs11:token=a --certificate-password-file /etc/pin",
    ),
    (
        settings("certificate", origin=(("path", "a.pfx"), ("password", "stdin"))),
        "--certificate-path a.pfx --certificate-password-stdin",
    ),
    (settings("certificate", origin=(("path", "/etc/my app.pfx"),)), "--certificate-path '/etc/my app.pfx'"),
    (settings("certificate", origin=(("thumbprint", "AB"),)), "--certificate-thumbprint AB"),
    (settings("certificate", origin=(("name", "CN=a, O=b"),)), "--certificate-name 'CN=a, O=b'"),
    (
        settings("certificate", origin=(("uri", "pkcs11:token=a"), ("module", "/lib/a.so"))),
        "--certificate-uri pkcs11:token=a --pkcs11-module /lib/a.so",
    ),
    (
        settings("certificate", origin=(("name", "a"), ("store", "dotnet"))),
        "--certificate-name a --certificate-store dotnet",
    ),
    (
        settings("certificate", origin=(("path", "a.pem"), ("command", '["sign", "-k", "my key"]'))),
        """--certificate-path a.pem --certificate-command 'sign -k '"'"'my key'"'"''""",
    ),
    (settings("certificate"), "--certificate-path FILE"),
    (settings("access_token"), f"--scope {LEAST[0]} --access-token-stdin"),
    (settings("refresh_token", origin=(("secret", "file:/etc/t"),)), "--refresh-token-file /etc/t"),
    (settings("refresh_token", origin=(("secret", "argument"),)), "--refresh-token-stdin"),
    (settings("federated", origin=(("provider", "github"),)), "--federated github"),
    (
        settings("federated", origin=(("provider", "azure-devops"), ("service_connection_id", CLIENT))),
        f"--federated azure-devops --service-connection-id {CLIENT}",
    ),
    (settings("federated", origin=(("file", "/run/my token"),)), "--federated-token-file '/run/my token'"),
    (settings("federated", origin=(("variable", "MINE"),)), "--federated-token-env MINE"),
    (settings("federated", origin=(("command", '["mint", "a b"]'),)), "--federated-command 'mint '\"'\"'a b'\"'\"''"),
    (settings("federated", origin=(("assertion", "argument"),)), "--federated"),
    (settings("refresh_token", origin=(("secret", "env:MINE"),)), "--refresh-token-stdin"),
    (
        settings("certificate", origin=(("vault", "contoso"), ("vault_connection", "ops"), ("vault_key", "k"))),
        "--key-vault contoso --key-vault-connection ops --key-vault-key k",
    ),
    (
        settings("secret", origin=(("vault", "contoso"), ("vault_connection", "ops"), ("vault_secret", "s"))),
        "--key-vault contoso --key-vault-connection ops --key-vault-secret s",
    ),
    (
        settings("on_behalf_of", origin=(("token", "stdin"), ("app", "secret"), ("secret", "env:MINE"))),
        f"--scope {LEAST[0]} --on-behalf-of-stdin --client-secret-env MINE",
    ),
    (
        settings("refresh_token", origin=(("token", "file:/t"), ("app", "secret"), ("secret", "file:/s"))),
        "--refresh-token-file /t --client-secret-file /s",
    ),
]


@pytest.mark.parametrize(("one", "ending"), EACH)
def test_each_flow_has_its_command(one: Settings, ending: str) -> None:
    """
    The command that connects again can be pasted into a shell.
    """
    assert f"entra connect --name job --client-id {CLIENT} --tenant-id contoso.com {ending}".rstrip() == reconnect(one)


def test_it_names_the_other_connection() -> None:
    """
    A connection that was made like another one is made like it again: app, tenant and cloud are those of that one.
    """
    one = settings("refresh_token", origin=(("secret", "like:ops"),))

    assert f"entra connect --name job --resource {one.resource} --like ops" == reconnect(one, environ={})


MORE = Cloud("usgov@login.contoso.com", "https://login.contoso.com", "https://graph.contoso.com", (), "https://g/x")


@pytest.mark.parametrize("with_browser", [False, True])
@pytest.mark.parametrize("is_long", [False, True])
@pytest.mark.parametrize("one", [one for one, _ in EACH])
def test_it_selects_the_same_parameter_set(
    one: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_long: bool, with_browser: bool
) -> None:
    """
    The parser accepts the command with every optional part, and its options select the flow of the connection, without
    a terminal or a variable that selects another one.
    """
    command = command_table.find("connect")
    assert isinstance(command, command_table.Command)
    file = tmp_path / "secret"
    file.write_text("canary")
    one = one._replace(origin=tuple((part, re.sub("^file:.*", f"file:{file}", text)) for part, text in one.origin))
    if is_long:
        one = one._replace(
            cloud=MORE,
            resource="api://a b",
            ca_bundle="/a b",
            scopes=("api://x/Read",),
            save_secret=True,
            proxy="http://p",
        )
        one = one._replace(send_chain=one.flow == "certificate")
    environ = {"MINE": "canary", "AZURE_CLIENT_SECRET": "canary", "AZURE_USERNAME": "", "AZURE_PASSWORD": "canary"}
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: "canary")
    context = Context(Streams(Terminal("canary\n"), io.StringIO(), io.StringIO()), environ, quiet=True)

    words = shlex.split(reconnect(one, with_browser=with_browser))
    options = parser_of(command).read(words[2:])
    given = _parameters(options, context)
    chosen = choose_set({name: value for name, value in given.items() if name in BY_NAME and name not in OF_EVERY_SET})

    assert ["entra", "connect", "job"] == [*words[:2], options.name]
    # Only the key vault tells whether it has a certificate or a secret.
    flow = "key_vault" if "vault" in dict(one.origin) else one.flow
    assert ("browser" if with_browser else flow) == chosen.flow


# Parameters that do not belong to a connection, or that only a program can pass.
NOT_REPEATED = {
    *("ensure", "fallback", "timeout", "on_replace", "on_sign_in", "on_link", "on_device_code"),
    *("certificate", "transport", "vault", "clock"),
    # Another way was chosen, and is repeated.
    *("automatic", "on_passed_over", "browser_or_device_code"),
    # `EACH` has the one, `test_it_names_the_other_connection` the other.
    *("on_behalf_of", "like"),
}
CLAIMS = base64.urlsafe_b64encode(b'{"exp": 4102444800}').decode().rstrip("=")
USER: dict[str, object] = {"login_hint": "-ada@contoso.com"}
# Every other parameter, with values that a shell or a parser can take for something else.
CASES: dict[str, dict[str, object]] = {
    "redirect": {"browser": True, "redirect_uri": "http://localhost:8400/signed-in"},
    "browser": {"browser": True, "port": 8400, "domain_hint": "-contoso.com", "prompt": "login"} | USER,
    "no browser": {"open_browser": lambda url: False, "prompt": "select_account"} | USER,
    "paste": {"paste": lambda url: url, "scopes": ["api://a/b c", "User.Read"][1:]} | USER,
    "nobody named": {"browser": True, "resource": "api://-a", "name": "job-1"},
    "device": {"device_code": True, "cloud": "usgov", "name": "job", "scopes": ["api://a/-b", "api://a/c"]},
    "file": {
        "certificate_path": "-a b.pfx",
        "certificate_password": ("env", "-MINE"),
        "save_secret": True,
        "send_certificate_chain": True,
    },
    "program": {"certificate_path": "/a.pem", "certificate_command": ["-sign", "-k", "my 'key'"]},
    "thumbprint": {"certificate_thumbprint": "AB" * 20, "certificate_store": "dotnet"},
    "name": {"certificate_name": "-CN=a, O='b'", "pkcs11_module": "-m.so", "certificate_password": ("file", "-pin")},
    "token": {"certificate_uri": "pkcs11:token=a;object=b", "pkcs11_module": "/lib/a b.so"},
    "vault certificate": {"key_vault": "-v", "key_vault_connection": "ops", "key_vault_certificate": "-c"},
    "vault secrets": {"key_vault": "v", "key_vault_connection": "ops", "key_vault_secret": ["-s", "t", "u"]},
    "vault key": {
        "key_vault": "v",
        "key_vault_connection": "ops",
        "key_vault_key": "-k",
        "certificate_path": "a.pem",
        "send_certificate_chain": True,
    },
    "secret": {"client_secret": ("env", "-MINE"), "authority_url": "https://login.a", "graph_url": "https://g.a/b"},
    "secret file": {"client_secret": ("file", "-s"), "proxy": "http://p:1", "ca_bundle": "{ca}", "cloud": "china"},
    "secret typed": {"client_secret": ("prompt", ""), "resource": "https://vault.azure.net", "name": "Default"},
    "password": {"credential": ("env", "-MINE")},
    "password typed": {"credential": ("prompt", "")},
    "ready": {"access_token": ("stdin", "")},
    "refresh": {"refresh_token": ("file", "-t")},
    "refresh from a pipe": {"refresh_token": ("stdin", "")},
    "cli": {"azure_cli": True, "tenant_id": "", "client_id": ""},
    "azd": {"azd": True, "client_id": ""},
    "identity": {"managed_identity": True, "client_id": "", "tenant_id": ""},
    "another identity": {"managed_identity": CLIENT, "identity_type": "object_id", "client_id": "", "tenant_id": ""},
    "pipeline": {"federated": "azure-devops", "service_connection_id": CLIENT},
    "powershell": {"azure_powershell": True, "client_id": "", "scopes": ["https://vault.azure.net/.default"]},
}
OTHER = {
    "AZURE_TENANT_ID": "other.com", "AZURE_CLIENT_ID": CLIENT.replace("a", "b"), "AZURE_CLIENT_SECRET": "other",
    "AZURE_AUTHORITY_HOST": "https://login.other", "ENTRAKIT_GRAPH_URL": "https://graph.other",
    "AZURE_PASSWORD": "other", "AZURE_CLIENT_CERTIFICATE_PATH": "/other",
}  # fmt: skip


def test_every_parameter_has_a_case() -> None:
    """
    A new parameter of `connect()` is repeated by the command, or listed as none of a connection.
    """
    used = {name for case in CASES.values() for name in case} | {"client_id", "tenant_id"}

    assert BY_NAME.keys() | {"proxy"} == used | NOT_REPEATED
    assert set() == used & NOT_REPEATED


def settings_of(given: dict[str, Any]) -> Settings:
    """Return the settings of a connection before anybody has signed in."""
    how = flow_of(given)
    cloud = cloud_of(given["cloud"], given.get("authority_url") or "", given.get("graph_url") or "")
    # The address of Microsoft Graph is named even if it is the usual one, if a variable names another one.
    cloud = cloud._replace(graph_url=cloud.graph_url or cloud.graph)
    made = new_settings(
        how, parse_client_id(given["client_id"] or how.client_id or CLIENT),
        parse_tenant_id(given["tenant_id"] or how.tenant_id),
        cloud, scopes=given.get("scopes", ()), resource=given.get("resource") or cloud.graph,
    )  # fmt: skip
    transport = given["transport"]
    return made._replace(
        name=given["name"], save_secret=bool(given.get("save_secret")), ca_bundle=transport.ca_bundle or "",
        proxy=transport.proxy or "", origin=tuple(sorted(made.origin)),
    )  # fmt: skip


@pytest.mark.parametrize("environ", [{}, OTHER], ids=["alone", "among variables"])
@pytest.mark.parametrize("kind", CASES)
def test_it_repeats_every_parameter(
    entra: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, environ: dict[str, str]
) -> None:
    """
    The printed command passes to `connect()` what makes the same settings, whatever the values are, whichever
    variables are set, and even if the sign-in failed before its credential was read.
    """
    monkeypatch.chdir(tmp_path)
    text = f"e30.{CLAIMS}.x" if kind == "ready" else "canary"
    entra.environ |= environ | {"-MINE": text}
    if kind == "password typed":
        # This variable has the password of the user whom the command names.
        entra.environ.pop("AZURE_PASSWORD", None)
    ca = tmp_path / "c a.pem"
    ca.write_bytes(Path(entra.tenant.ca_path).read_bytes())
    for name in ("-s", "-t", "-pin"):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    case = {"client_id": CLIENT, "tenant_id": "contoso.com", "cloud": "global", "name": "default"} | CASES[kind]
    for name, value in case.items():
        if isinstance(value, tuple):
            origin, place = value
            made = Secret.from_env(place, entra.environ) if origin == "env" else Secret(text, origin)
            made = Secret.from_file(tmp_path / place) if origin == "file" else made
            case[name] = UsernamePassword("-ada@contoso.com", made) if name == "credential" else made
    bundle, proxy = case.pop("ca_bundle", ""), cast("str | None", case.pop("proxy", None))
    transport = Transport(ca_bundle=str(ca) if bundle else None, proxy=proxy)
    expected = settings_of(case | {"transport": transport})
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream: text)
    passed: dict[str, Any] = {}

    def note(**given: object) -> NoReturn:
        passed.update(given)
        raise ParameterError("noted")

    monkeypatch.setattr(connecting, "connect", note)
    result = entra(*shlex.split(reconnect(expected, environ=entra.environ))[1:], given=text, terminal=True)

    assert "Error: noted\n" in result.error, result.error
    assert expected == settings_of(passed)


@pytest.mark.parametrize(("given", "ending"), [
    (
        {"key_vault": "v", "key_vault_connection": "gone", "key_vault_secret": ["s", "t"]},
        "--key-vault v --key-vault-connection gone --key-vault-secret s --key-vault-secret t",
    ),
    ({"certificate_path": "/gone.pfx", "certificate_password": "canary"}, "--certificate-path /gone.pfx"),
])  # fmt: skip
def test_a_credential_that_was_not_read_is_named(given: dict[str, Any], ending: str) -> None:
    """
    The settings of an error name the place of a credential that could not be read.
    """
    any_set = cast("Callable[..., Connection]", connect)
    with pytest.raises(EntraError) as caught:
        any_set(client_id=CLIENT, tenant_id="contoso.com", vault=Vault(environ={"HOME": "/nowhere"}), **given)

    assert isinstance(caught.value.settings, Settings)
    assert reconnect(caught.value.settings, environ={}).endswith(ending)


def test_a_later_process_repeats_the_parameters_of_the_sign_in(entra: Command) -> None:
    """
    They are saved with the connection, and a renewal keeps them.
    """
    person, vault = entra.tenant.person(), Vault(environ=entra.environ)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with connect(
        client_id=entra.tenant.public_client, tenant_id=entra.tenant.tenant_id, authority_url=entra.tenant.url,
        ca_bundle=entra.tenant.ca_path, open_browser=person.open_browser, port=port, domain_hint="contoso.com",
        prompt="login", name="job", vault=vault,
    ) as made:  # fmt: skip
        made.token("User.Read.All")
    entra.tenant.seed.revoke_sessions(person.upn)

    refused = entra("token", "--name", "job", "--min-validity", "5h")

    assert 4 == refused.code
    ending = f"--browser --login-hint {person.upn} --port {port} --domain-hint contoso.com --prompt login`"
    assert ending in refused.error


def test_a_sign_in_that_may_not_ask_is_not_repeated() -> None:
    """
    `prompt="none"` fails without a session, so the command that connects again leaves it out.
    """
    given = {"client_id": CLIENT, "tenant_id": "contoso.com", "cloud": "global", "name": "job", "prompt": "none"}

    assert "--prompt" not in reconnect(settings_of(given | {"transport": Transport()}), environ={})


@pytest.mark.parametrize("place", ["file", "env", "stdin"])
def test_a_refused_refresh_token_must_be_replaced(entra: Command, tmp_path: Path, place: str) -> None:
    """
    The token in the file was refused, so the remedy says to put a new one there. The command then works.
    """
    user, vault, file = entra.tenant.users.normal, Vault(environ=entra.environ), tmp_path / "token"
    password = ("--username", user.upn, "--password-stdin")
    assert 0 == entra.connect(*password, given=user.password).code
    token = record.read(vault, "default").refresh_token
    file.write_text(token)
    file.chmod(0o600)
    entra.environ["MINE"] = token
    words = {"file": ["--refresh-token-file", str(file)], "env": [], "stdin": ["--refresh-token-stdin"]}[place]
    if place == "env":
        with connect(
            client_id=entra.tenant.public_client, tenant_id=entra.tenant.tenant_id, authority_url=entra.tenant.url,
            ca_bundle=entra.tenant.ca_path, refresh_token=Secret.from_env("MINE", entra.environ), name="job",
            vault=vault,
        ):  # fmt: skip
            pass
    else:
        assert 0 == entra.connect(*words, "--name", "job", given=token).code
    advice = {
        "file": f"Next: Get a new refresh token and write it to {file}. ",
        "env": "Next: Get a new refresh token. ",
        "stdin": "Next: Get a new refresh token. ",
    }[place]

    entra.tenant.seed.revoke_sessions(user.upn)
    refused = entra("token", "--name", "job", "--min-validity", "5h")
    first = entra.connect(*words, "--name", "other", given=token) if words else refused
    assert 0 == entra.connect(*password, given=user.password).code
    token = record.read(vault, "default").refresh_token
    file.write_text(token)
    command = re.findall("`entra (connect .*?)`", refused.error)[0]

    assert 4 == refused.code
    assert advice in refused.error
    assert advice in first.error
    assert 0 == entra(*shlex.split(command), given=token).code


SECRETS: dict[str, Callable[[Tenant], str]] = {
    "client_secret": lambda tenant: tenant.client_secret,
    "password": lambda tenant: tenant.users.normal.password,
    "certificate_password": lambda tenant: "canary",
}


# The parts of a source are saved sorted by their names.
CHANGING = {"connected_at": 0.0, "expires_at": 0.0, "name": "job-1"}


@pytest.mark.parametrize("source", ["env", "file"])
@pytest.mark.parametrize("kind", SECRETS)
def test_it_makes_the_same_connection(entra: Command, tmp_path: Path, kind: str, source: str) -> None:
    """
    Run without a terminal, the command saves a connection with the same settings: flow, credential and its source,
    name, scopes, resource, addresses and trust.
    """
    tenant, file, pfx = entra.tenant, tmp_path / "secret", tmp_path / "app.pem"
    file.write_text(SECRETS[kind](tenant))
    entra.environ |= {"MINE": SECRETS[kind](tenant), "AZURE_CLIENT_SECRET": "wrong", "AZURE_PASSWORD": "wrong"}
    key = serialization.load_pem_private_key(tenant.private_key_pem.encode(), None)
    encryption = serialization.BestAvailableEncryption(b"canary")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    pfx.write_bytes(pem + tenant.certificate_pem.encode())
    pfx.chmod(0o600)
    secret = Secret.from_env("MINE", entra.environ) if source == "env" else Secret.from_file(file)
    given: dict[str, object] = {
        "client_secret": {"client_secret": secret, "scopes": ["https://vault.azure.net/.default"]},
        "password": {"credential": UsernamePassword(tenant.users.normal.upn, secret), "scopes": ["User.Read.All"]},
        "certificate_password": {
            "certificate_path": pfx, "certificate_password": secret, "send_certificate_chain": True, "save_secret": True
        },
    }[kind]  # fmt: skip
    client = tenant.public_client if kind == "password" else tenant.confidential_client
    # Only connect() can find out which parameter set this is; the type checker can't.
    any_set = cast("Callable[..., Connection]", connect)
    with any_set(
        client_id=client, tenant_id=tenant.tenant_id, authority_url=tenant.url, graph_url=f"{tenant.url}/gateway",
        ca_bundle=tenant.ca_path, name="Job-1", vault=Vault(environ=entra.environ), **given,
    ) as connection:  # fmt: skip
        before = connection.info

    result = entra(*shlex.split(reconnect(before))[1:])

    assert 0 == result.code, result.error
    with get_connection("job-1", vault=Vault(environ=entra.environ)) as connection:
        after = connection.info
    assert before._asdict() | CHANGING | {"origin": dict(before.origin)} == (
        after._asdict() | CHANGING | {"origin": dict(after.origin)}
    )


def test_the_remedy_of_an_error_makes_the_same_connection(entra: Command) -> None:
    """
    If the variable of a secret is gone, the error prints the command that reads it from there again. Without a value
    the command names the variable, and does not sign in a user.
    """
    entra.environ["MINE"] = entra.tenant.client_secret
    assert 0 == entra.connect("--client-secret-env", "MINE", "--name", "job", app=True).code

    gone = entra("token", "--name", "job", "--min-validity", "2h")
    entra.environ["MINE"] = ""
    again = entra(*shlex.split(re.findall("`entra (connect .*?)`", gone.error)[0]))

    assert 4 == gone.code
    assert "--client-secret-env MINE" in gone.error
    assert 2 == again.code
    assert "MINE" in again.error


def test_the_command_names_the_cloud() -> None:
    """
    Another cloud than the global one is part of the command; the default name is not.
    """
    one = settings(name="default", cloud=find_cloud("usgov"))
    other = settings(name="", cloud=find_cloud("https://localhost:8443"))

    assert "--cloud usgov" in reconnect(one)
    assert "--name" not in reconnect(one)
    assert "--authority-url https://localhost:8443" in reconnect(other)


@pytest.mark.parametrize("flow", ["browser", "devicecode", "password"])
def test_a_browser_replaces_the_flow(flow: str) -> None:
    """
    If a browser is necessary, the command is that of the same connection with `--browser` as its way to sign in.
    """
    expected = (
        f"entra connect --name job --client-id {CLIENT} --tenant-id contoso.com --browser --login-hint ada@contoso.com"
    )

    assert expected == reconnect(settings(flow, account=Account("ada@contoso.com")), with_browser=True)
