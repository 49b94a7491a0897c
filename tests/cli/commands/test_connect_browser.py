"""`entra connect` with a browser, or where none can open: the code on another device is offered, or taken at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit import get_connection
from entrakit.cli.reconnect import reconnect

if TYPE_CHECKING:
    from tests.cli.conftest import Command

    from entrakit.sign_in.flows.devicecode import DeviceCode


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the display and the browser of this machine."""
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def test_the_command_takes_the_code_at_once(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `--browser-or-device-code` signs in with a code, also without a terminal, as `--device-code` does.
    """
    person = entra.tenant.person()

    def approve(code: DeviceCode, context: object) -> None:
        del context
        person.approve_device(code.user_code)

    monkeypatch.setattr("entrakit.cli.commands.connect.show_code", approve)

    result = entra.connect("--browser-or-device-code")

    assert 0 == result.code, result.error
    assert f"Connected as {person.upn}" in result.error
    assert "(devicecode)" in result.error


@pytest.mark.parametrize(("words", "is_offered"), [(("--browser",), True), (("--no-browser",), False)])
def test_the_command_offers_the_code_by_name(entra: Command, words: tuple[str, ...], *, is_offered: bool) -> None:
    """
    If no browser opens, the message names both options; not if the user asked for the link.
    """
    result = entra.connect(*words, "--timeout", "0.2")

    assert 5 == result.code
    assert "Open this link in a browser" in result.error
    assert is_offered == ("--device-code; --browser-or-device-code" in result.error)


def test_an_app_with_another_redirect_uri(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `--redirect-uri` names the URI that is registered for the app; the command that connects again has it, too.
    """
    seed, person = entra.tenant.seed, entra.tenant.person()
    app = seed.add_app("Desk", redirect_uris=["http://localhost/signed-in"], is_public=True)
    for names in (["User.Read", "openid"], ["profile", "offline_access"]):
        seed.grant("*", app.client_id, "https://graph.microsoft.com", names)
    monkeypatch.setattr("entrakit.cli.commands.connect.show_link", lambda url, port, context: person.open_browser(url))
    words = ("--client-id", app.client_id, "--no-browser", "--login-hint", person.upn)

    result = entra.connect(*words, "--redirect-uri", "http://localhost/signed-in")

    assert 0 == result.code, result.error
    assert "--redirect-uri http://localhost/signed-in" in reconnect(get_connection().info)


@pytest.mark.parametrize(
    ("uri", "problem"),
    [("https://app.contoso.com/in", "can't be listened at with https"), ("http://app.contoso.com", "is not secure"),
     ("com.contoso.app://auth", "can't be listened at with the scheme com.contoso.app")],
)  # fmt: skip
def test_a_redirect_uri_that_can_not_be_used_is_named(entra: Command, uri: str, problem: str) -> None:
    """
    The error says why, and names the option that helps; nothing is sent.
    """
    before = len(entra.tenant.journal.entries)

    result = entra.connect("--browser", "--redirect-uri", uri)

    assert 2 == result.code
    assert problem in result.error
    assert "--paste" in result.error
    assert before == len(entra.tenant.journal.entries)
