"""The browser, or where no browser can open, a code on another device."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

import pytest

from entrakit.errors import ParameterSetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from entrakit import Connection
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the display and the browser of this machine."""
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def test_a_code_is_shown_where_no_browser_can_open(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    The connection is that of a device code, and no link is given.
    """
    person = entra_tenant.person()
    links: list[str] = []

    def approve(code: DeviceCode) -> None:
        person.approve_device(code.user_code)

    connection = emulator(
        browser_or_device_code=True, on_device_code=approve, on_link=lambda url, port: links.append(url)
    )

    assert ("devicecode", person.upn) == (connection.info.flow, connection.account.username)
    assert [] == links


def test_the_browser_is_used_where_it_can_open(
    emulator: Connect, entra_tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A browser of the machine, or a function of the program, is used with all its options; no code is requested.
    """
    program = tmp_path / "browser"
    program.write_text(f"#!{sys.executable}\nprint()\n")
    program.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(program))
    person = entra_tenant.person()
    opened: list[str] = []

    def visit(url: str, environ: object = None, platform: str = "") -> bool:
        opened.append(url)
        return person.open_browser(url)

    by_function = emulator(browser_or_device_code=True, open_browser=visit, login_hint=person.upn)
    monkeypatch.setattr("entrakit.sign_in.system_browser.open_browser", visit)
    by_machine = emulator(browser_or_device_code=True, redirect_uri="http://127.0.0.1")
    person.wait()

    assert ["browser", "browser"] == [one.info.flow for one in (by_function, by_machine)]
    assert "login_hint=" in opened[0]
    assert not [one for one in entra_tenant.journal.entries if "devicecode" in one.path]


def test_pasting_and_another_way_do_not_go_with_it() -> None:
    """
    A user who pastes an address needs no browser on this machine; other ways to sign in clash, as always.
    """
    from entrakit import connect

    any_set = cast("Connect", connect)
    for more in ({"paste": str}, {"device_code": True}, {"client_secret": "x"}):
        with pytest.raises(ParameterSetError, match="`browser_or_device_code`"):
            any_set(client_id="Graph", tenant_id="contoso.com", browser_or_device_code=True, **more)
