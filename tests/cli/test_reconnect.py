"""The command that makes a connection again."""

from __future__ import annotations

import shlex

import pytest

from entrakit.authority.clouds import GLOBAL, Cloud, find_cloud
from entrakit.cli.command_table import find
from entrakit.cli.parser import parser_of
from entrakit.cli.reconnect import reconnect
from entrakit.connection.settings import Settings
from entrakit.tokens.token import Account

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
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
    (settings("password", account=Account("ada@contoso.com")), "--username ada@contoso.com"),
    (settings("password"), "--username NAME"),
    (settings("secret"), "--client-secret-stdin"),
    (settings("secret", origin=(("secret", "file:/etc/my secret"),)), "--client-secret-file '/etc/my secret'"),
    (settings("secret", origin=(("secret", "env:AZURE_CLIENT_SECRET"),)), ""),
    (settings("secret", origin=(("secret", "env:MINE"),)), " # with MINE set"),
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


@pytest.mark.parametrize("one", [one for one, _ in EACH])
def test_all_its_options_exist(one: Settings) -> None:
    """
    The parser of `entra connect` accepts the command, with every optional part.
    """
    command = find("connect")
    assert command is not None
    cloud = Cloud("usgov@login.contoso.com", "https://login.contoso.com", "https://graph.contoso.com", (), "https://g")
    more = one._replace(
        cloud=cloud, resource="api://a b", ca_bundle="/a b", scopes=("api://x/Read",), send_chain=True, save_secret=True
    )

    for text in (reconnect(one), reconnect(more), reconnect(more, with_browser=True)):
        words = shlex.split(text, comments=True)
        assert ["entra", "connect"] == words[:2]
        assert "job" == parser_of(command).read(words[2:]).name


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
    expected = f"entra connect --name job --client-id {CLIENT} --tenant-id contoso.com --browser"

    assert expected == reconnect(settings(flow, account=Account("ada@contoso.com")), with_browser=True)
