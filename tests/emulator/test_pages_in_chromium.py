"""Every page in a real browser, narrow and dark, wide and light; screenshots are saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.emulator.conftest import Caller, Landing

SCREENSHOTS = Path(__file__).parents[2] / "artifacts" / "screenshots"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LOOKS = {"wide": ("light", 1280, 800), "narrow": ("dark", 360, 740)}
MAIL = "User.Read Mail.Read openid profile offline_access"


class Viewer(NamedTuple):
    """A browser window and the messages in its console.

    Args:
        look: `wide` or `narrow`.
        page: The window.
        complaints: Messages in the console.
    """

    look: str
    page: Page
    complaints: list[str]

    def check(self, name: str, heading: str) -> None:
        """Check the current page, and save a screenshot."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"emulator-{name}-{self.look}.png", full_page=True)

        width = self.page.viewport_size["width"] if self.page.viewport_size else 0
        assert self.page.evaluate("document.documentElement.scrollWidth") <= width
        assert "(emulator)" in self.page.title()
        assert self.page.get_by_role("note").is_visible()
        unnamed = "[...document.querySelectorAll('input:not([type=hidden])')].filter(one => !one.labels.length).length"
        assert 0 == self.page.evaluate(unnamed)
        assert [] == self.complaints

    def type(self, text: str) -> None:
        """Type into the focused field, and press Enter."""
        expect(self.page.locator("input:not([type=hidden], [readonly])")).to_be_focused()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield browser
        browser.close()


def window(browser: Browser, look: str, *, scripts: bool = True) -> BrowserContext:
    """Return a new window."""
    scheme, width, height = LOOKS[look]
    return browser.new_context(
        ignore_https_errors=True,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": height},
        java_script_enabled=scripts,
    )


@pytest.fixture(params=sorted(LOOKS))
def viewer(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Viewer]:
    """Return a window."""
    context = window(chromium, request.param)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    yield Viewer(request.param, page, complaints)
    context.close()


def test_signing_in(caller: Caller, landing: Landing, viewer: Viewer) -> None:
    """
    Name, password, second factor, permissions and the form answer work by keyboard, each page also with its error.
    """
    mia, page = caller.tenant.users.mfa, viewer.page
    page.goto(caller.authorize_url(redirect_uri=landing.uri, response_mode="form_post", scope=MAIL))
    viewer.check("sign-in", "Sign in")
    viewer.type("nobody@contoso.example")
    expect(page.get_by_role("alert")).to_contain_text("no account")
    page.get_by_text("Sign-in names and passwords").click()
    viewer.check("sign-in-wrong", "Sign in")
    page.get_by_label("Sign-in name").fill(mia.upn)
    viewer.press("Next")
    viewer.check("password", "Enter your password")
    viewer.type("wrong")
    expect(page.get_by_role("alert")).to_contain_text("The password is wrong")
    viewer.check("password-wrong", "Enter your password")
    viewer.type(mia.password)
    viewer.check("second-factor", "Verify your identity")
    viewer.type(mia.mfa_code)
    viewer.check("permissions", "Permissions requested")
    viewer.press("Accept")

    expect(page.get_by_role("heading")).to_have_text("Thank you")
    assert ("POST", ["a-state"]) == (landing.came[0][0], landing.came[0][2]["state"])


@pytest.mark.parametrize("mode", ["query", "fragment"])
def test_the_answer_is_redirected(caller: Caller, landing: Landing, viewer: Viewer, mode: str) -> None:
    """
    A browser follows the redirect after a form, because the page's policy names the app's origin.
    """
    ada, page = caller.tenant.users.normal, viewer.page
    page.goto(caller.authorize_url(redirect_uri=landing.uri, response_mode=mode, login_hint=ada.upn))
    viewer.type(ada.password)

    expect(page.get_by_role("heading")).to_have_text("Thank you")
    assert "code=" in page.url
    page.goto(caller.authorize_url(redirect_uri=landing.uri, response_mode=mode, prompt="select_account"))
    viewer.complaints.clear()
    viewer.check("accounts", "Pick an account")
    page.get_by_role("button", name="Ada Larsen").click()
    expect(page.get_by_role("heading")).to_have_text("Thank you")


def test_cancelling(caller: Caller, landing: Landing, viewer: Viewer) -> None:
    """
    Cancel works without a typed name.
    """
    viewer.page.goto(caller.authorize_url(redirect_uri=landing.uri))
    viewer.press("Cancel")

    expect(viewer.page.get_by_role("heading")).to_have_text("Thank you")
    assert ["cancel"] == landing.came[0][2]["error_subcode"]


def test_what_only_an_administrator_may_grant(caller: Caller, landing: Landing, viewer: Viewer) -> None:
    """
    The page offers the way back.
    """
    ada, page = caller.tenant.users.normal, viewer.page
    page.goto(caller.authorize_url(redirect_uri=landing.uri, login_hint=ada.upn, scope="Directory.ReadWrite.All"))
    viewer.type(ada.password)
    viewer.check("administrator", "An administrator has to approve")
    viewer.press("Back to the app")

    expect(page.get_by_role("heading")).to_have_text("Thank you")


def test_an_administrator_consents_for_everybody(caller: Caller, landing: Landing, viewer: Viewer) -> None:
    """
    The page for administrators works by keyboard, and the browser follows its redirect.
    """
    mia, page = caller.tenant.users.mfa, viewer.page
    query = urlencode({"client_id": caller.tenant.public_client, "redirect_uri": landing.uri, "scope": MAIL})
    page.goto(f"{caller.tenant.url}/{caller.tenant.tenant_id}/v2.0/adminconsent?{query}")
    for heading, typed in (
        ("Sign in", mia.upn), ("Enter your password", mia.password), ("Verify your identity", mia.mfa_code),
    ):  # fmt: skip
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        viewer.type(typed)
    viewer.check("admin-consent", "Permissions requested")
    viewer.press("Accept")

    expect(page.get_by_role("heading")).to_have_text("Thank you")
    assert ["True"] == landing.came[0][2]["admin_consent"]


def test_a_device(caller: Caller, viewer: Viewer) -> None:
    """
    A device is signed in by code, sign-in, confirmation and last page.
    """
    ada, page = caller.tenant.users.normal, viewer.page
    device = caller.device()
    page.goto(device["verification_uri"])
    viewer.check("device", "Enter code")
    viewer.type(device["user_code"].lower())
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    viewer.type(ada.upn)
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter your password")
    viewer.type(ada.password)
    viewer.check("device-confirm", "Are you trying to sign in to Contoso Desk?")
    viewer.press("Continue")
    viewer.check("device-done", "You're signed in")

    assert "access_token" in caller.poll(device["device_code"]).json()


def test_a_device_that_is_refused(caller: Caller, viewer: Viewer) -> None:
    """
    Cancel during the sign-in declines the device.
    """
    device = caller.device()
    viewer.page.goto(device["verification_uri"])
    viewer.type(device["user_code"])
    expect(viewer.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    viewer.press("Cancel")
    viewer.check("device-declined", "Sign-in cancelled")

    assert "authorization_declined" == caller.poll(device["device_code"]).json()["error"]


def test_pages_that_tell(caller: Caller, viewer: Viewer) -> None:
    """
    Pages show the error of a request, the explanation of a number, and the end of a session.
    """
    page = viewer.page
    page.goto(caller.authorize_url(redirect_uri="https://evil.example/"))
    viewer.complaints.clear()
    viewer.check("trouble", "We can't sign you in")
    page.goto(f"{caller.tenant.url}/error?code=50076")
    viewer.check("error", "AADSTS50076")
    page.goto(f"{caller.tenant.url}/common/oauth2/v2.0/logout")
    viewer.check("signed-out", "You're signed out")


def test_without_scripts_there_is_a_button(caller: Caller, landing: Landing, chromium: Browser) -> None:
    """
    Without scripts, a button sends the form.
    """
    context = window(chromium, "wide", scripts=False)
    page = context.new_page()
    page.goto(caller.authorize_url(redirect_uri=landing.uri, response_mode="form_post", prompt="none"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Back to the app")
    page.screenshot(path=SCREENSHOTS / "emulator-form-post-wide.png")
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading")).to_have_text("Thank you")
    assert ["login_required"] == landing.came[0][2]["error"]
    context.close()
