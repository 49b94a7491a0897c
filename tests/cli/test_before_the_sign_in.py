"""Mistakes that would spoil a sign-in are found before a question to the user."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import ParameterError
from entrakit.http.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Command

    from entrakit import Connection
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

FLOWS = ("--no-browser", "--browser", "--paste", "--device-code", "--username", "--client-secret")


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port that another program uses on ::1 only."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("mistake", ["--ca-bundle", "--proxy", "--proxy word", "HTTPS_PROXY", "SSL_CERT_FILE"])
def test_the_command_asks_nothing_in_vain(
    connected: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flow: str, mistake: str
) -> None:
    """
    CA certificates that can't be read, and a proxy that is not one, end every flow with 2: no prompt, no link, no code,
    no browser and no request, though the metadata of the authority is cached.
    """
    del connected.environ["AZURE_CLIENT_SECRET"]
    asked: list[str] = []

    def note(text: str, stream: object = None) -> str:
        asked.append(text)
        return "x"

    monkeypatch.setattr("getpass.getpass", note)
    monkeypatch.setattr("entrakit.sign_in.system_browser.open_browser", note)
    missing = str(tmp_path / "gone.pem")
    words = {
        "--ca-bundle": ("--ca-bundle", missing),
        "--proxy": ("--proxy", "http://"),
        "--proxy word": ("--proxy", "on"),
    }.get(mistake, ())
    if mistake.isupper():
        monkeypatch.setenv(mistake, {"HTTPS_PROXY": "ftp://proxy", "SSL_CERT_FILE": missing}[mistake])
    tenant = connected.tenant
    sent = len(tenant.journal.entries)
    trust = ("--ca-bundle", tenant.ca_path) if "proxy" in mistake.lower() else ()
    who = ("ada@contoso.com",) if flow == "--username" else ()

    result = connected(
        "connect", "--authority-url", tenant.url, *trust, *words, "--client-id", tenant.public_client,
        "--tenant-id", tenant.tenant_id, "--name", "other", flow, *who, terminal=True,
    )  # fmt: skip

    assert 2 == result.code, result.error
    assert [] == asked
    assert {"--proxy": "--proxy", "--proxy word": "http://proxy.contoso.com:8080", "HTTPS_PROXY": "HTTPS_PROXY"}.get(
        mistake, missing
    ) in result.error
    assert 1 == result.error.count("Error: ")
    assert not [line for line in result.error.splitlines() if "https://" in line]
    assert sent == len(tenant.journal.entries)


@pytest.mark.parametrize("flow", [{}, {"device_code": True}, {"paste": lambda url: url}])
def test_the_library_asks_nothing_in_vain(
    emulator: Connect, entra_tenant: Tenant, tmp_path: Path, flow: dict[str, object]
) -> None:
    """
    `connect()` calls no callback of a flow before its trust and its proxy are known to be usable.
    """
    asked: list[object] = []
    emulator(client_id=entra_tenant.confidential_client, client_secret=entra_tenant.client_secret)
    sent = len(entra_tenant.journal.entries)
    callback = {"on_device_code": asked.append} if flow.get("device_code") else {"open_browser": asked.append}
    if "paste" in flow:
        callback = {"paste": asked.append}

    for transport, words in (
        (Transport(ca_bundle=str(tmp_path / "gone.pem")), "certificates to trust"),
        (Transport(ca_bundle=entra_tenant.ca_path, proxy="http://"), "`proxy`"),
    ):
        with pytest.raises(ParameterError, match=words):
            emulator(transport=transport, **flow | callback)

    assert ([], sent) == (asked, len(entra_tenant.journal.entries))


def test_a_port_that_is_taken_on_one_address_opens_no_browser(
    emulator: Connect, taken: int, connected: Command
) -> None:
    """
    A port that another program uses, on ::1 only too, is an error before the browser is opened.
    """
    asked: list[str] = []

    with pytest.raises(ParameterError, match=f"port {taken}"):
        emulator(port=taken, open_browser=asked.append)
    result = connected.connect("--no-browser", "--port", str(taken))

    assert [] == asked
    assert 2 == result.code
    assert f"Error: Can't listen on port {taken}: another program uses it on ::1.\n" in result.error
    assert "  Next: Choose another --port, or leave it out.\n" in result.error
    assert "Open this link" not in result.error


@pytest.mark.parametrize("port", ["80000", "-1"])
def test_a_port_that_is_none_sends_nothing(connected: Command, port: str) -> None:
    """
    A number beyond 65535 is refused before anything is sent.
    """
    sent = len(connected.tenant.journal.entries)

    result = connected.connect("--no-browser", f"--port={port}")

    assert 2 == result.code
    assert f"{port} is not a port." in result.error
    assert sent == len(connected.tenant.journal.entries)
