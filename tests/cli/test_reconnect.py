"""The command that makes a connection again."""

from __future__ import annotations

import io
import re
import shlex
from typing import TYPE_CHECKING, cast

import pytest
from cryptography.hazmat.primitives import serialization
from tests.cli.conftest import Terminal

from entrakit import Secret, UsernamePassword, connect, get_connection
from entrakit.authority.clouds import GLOBAL, Cloud, find_cloud
from entrakit.cli import command_table
from entrakit.cli.commands.connect import _parameters
from entrakit.cli.context import Context, Streams
from entrakit.cli.parser import parser_of
from entrakit.cli.reconnect import reconnect
from entrakit.connection.settings import Settings
from entrakit.sign_in.parameters import BY_NAME, SETS, choose_set
from entrakit.tokens.token import Account
from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
) -> Settings:
    """Return settings with the fields that matter."""
    return Settings(name, flow, CLIENT, "contoso.com", cloud, LEAST, account=account, origin=origin)


EACH = [
    (settings(), "--browser"),
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
    (
        settings("certificate", origin=(("vault", "contoso"), ("vault_connection", "ops"), ("vault_key", "k"))),
        "--key-vault contoso --key-vault-connection ops --key-vault-key k",
    ),
    (
        settings("secret", origin=(("vault", "contoso"), ("vault_connection", "ops"), ("vault_secret", "s"))),
        "--key-vault contoso --key-vault-connection ops --key-vault-secret s",
    ),
]


@pytest.mark.parametrize(("one", "ending"), EACH)
def test_each_flow_has_its_command(one: Settings, ending: str) -> None:
    """
    The command that connects again can be pasted into a shell.
    """
    assert f"entra connect --name job --client-id {CLIENT} --tenant-id contoso.com {ending}".rstrip() == reconnect(one)


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
