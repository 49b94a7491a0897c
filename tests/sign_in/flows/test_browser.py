"""Authorization code with PKCE in a browser: scripted, pasted, and in real Chromium."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import ssl
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from entrakit import Connection, Transport
from entrakit.errors import ParameterError, SignInError
from entrakit_emulator import faults
from entrakit_emulator.useragent import Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

SCREENSHOTS = Path(__file__).parents[3] / "artifacts" / "screenshots"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


def parameters(url: str) -> dict[str, str]:
    """Return the parameters of an authorization request."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def person(entra_tenant: Tenant) -> Iterator[Person]:
    """Return a user with a scripted browser."""
    one = entra_tenant.person()
    yield one
    one.wait()


def test_a_person_signs_in(emulator: Connect, entra_tenant: Tenant, person: Person) -> None:
    """
    The user is connected, and the last page names the account.
    """
    connection = emulator(open_browser=person.open_browser)
    person.wait()

    assert entra_tenant.users.normal.upn == connection.account.username
    assert "browser" == connection.token().flow
    assert entra_tenant.users.normal.upn in person.pages[-1].text
    assert [] == entra_tenant.journal.violations


def test_the_request_is_protected(emulator: Connect, person: Person) -> None:
    """
    PKCE S256, state and nonce of high entropy, form_post, loopback; new for each sign-in (checklist 2, 3, 4, 7, 10).
    """
    seen: list[dict[str, str]] = []

    def note(url: str) -> bool:
        seen.append(parameters(url))
        return person.open_browser(url)

    for _ in range(2):
        emulator(open_browser=note)

    for sent in seen:
        assert ("S256", "form_post", "code") == (
            sent["code_challenge_method"],
            sent["response_mode"],
            sent["response_type"],
        )
        assert len(sent["state"]) >= 43
        assert len(sent["nonce"]) >= 32
        assert 43 == len(sent["code_challenge"])
        assert sent["redirect_uri"].startswith("http://localhost:")
    for name in ("code_challenge", "state", "nonce"):
        assert seen[0][name] != seen[1][name]


def test_the_hints_are_sent(emulator: Connect, person: Person) -> None:
    """
    Login hint, domain hint and prompt are sent unchanged (request 10 of the users).
    """
    seen: list[dict[str, str]] = []

    def note(url: str) -> bool:
        seen.append(parameters(url))
        return person.open_browser(url)

    emulator(open_browser=note, login_hint=person.upn, domain_hint="contoso.example", prompt="select_account")

    assert (person.upn, "contoso.example", "select_account") == (
        seen[0]["login_hint"],
        seen[0]["domain_hint"],
        seen[0]["prompt"],
    )


def test_a_fixed_port_is_listened_on(emulator: Connect, person: Person) -> None:
    """
    The port may be chosen, for a tunnel over SSH (checklist 7).
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen: list[dict[str, str]] = []

    def note(url: str) -> bool:
        seen.append(parameters(url))
        return person.open_browser(url)

    emulator(open_browser=note, port=port)

    assert f"http://localhost:{port}" == seen[0]["redirect_uri"]


def test_a_busy_port_is_told(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    A port in use gives an error with a remedy (checklist 7).
    """
    with socket.create_server(("127.0.0.1", 0)) as busy, pytest.raises(ParameterError, match="Can't listen on port"):
        emulator(port=busy.getsockname()[1])

    assert 0 == len(entra_tenant.journal.of("token"))


def test_who_cancels_is_told(emulator: Connect, person: Person) -> None:
    """
    A cancelled sign-in ends at once, in the program and on the page.
    """
    person.cancels = True

    with pytest.raises(SignInError) as caught:
        emulator(open_browser=person.open_browser)
    person.wait()

    assert "access_denied" == caught.value.error
    assert "Not signed in" in person.pages[-1].text


def test_who_declines_consent_is_told(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    Declined permissions give their own error (AADSTS65004).
    """
    person = entra_tenant.person(entra_tenant.users.consent)
    person.accepts = False

    with pytest.raises(SignInError) as caught:
        emulator(open_browser=person.open_browser)
    person.wait()

    assert 65004 == caught.value.code


def test_a_person_with_a_second_factor_signs_in(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    Accounts that the password flow refuses can sign in with the browser.
    """
    person = entra_tenant.person(entra_tenant.users.mfa)

    connection = emulator(open_browser=person.open_browser)
    person.wait()

    assert entra_tenant.users.mfa.upn == connection.account.username


@pytest.mark.parametrize(
    ("claims", "reason"), [({"aud": "x"}, "another app"), ({"nonce": "x"}, "nonce"), ({"tid": "x"}, "tenant")]
)
def test_an_id_token_of_another_sign_in_is_refused(
    emulator: Connect, entra_tenant: Tenant, person: Person, claims: dict[str, object], reason: str
) -> None:
    """
    If audience, nonce or tenant of the ID token is wrong, the page does not report success (checklist 37).
    """
    entra_tenant.faults.add(faults.Tokens(id_token=claims))

    with pytest.raises(SignInError, match=reason):
        emulator(open_browser=person.open_browser)
    person.wait()

    assert "Not signed in" in person.pages[-1].text


def test_an_answer_of_another_sign_in_is_ignored(emulator: Connect, entra_tenant: Tenant, person: Person) -> None:
    """
    A wrong state redeems nothing and does not end the wait (checklist 3).
    """
    refused: list[int] = []

    def attack(url: str) -> None:
        body = urlencode({"code": "evil", "state": "guessed"}).encode()
        request = urllib.request.Request(parameters(url)["redirect_uri"], body)  # noqa: S310 - the listener on loopback
        try:
            urllib.request.urlopen(request, timeout=10)  # noqa: S310 - the listener on loopback
        except urllib.error.HTTPError as error:
            refused.append(error.code)
            error.close()
        person.open_browser(url)

    attackers: list[threading.Thread] = []

    def attack_then_sign_in(url: str) -> bool:
        attackers.append(threading.Thread(target=attack, args=(url,)))
        attackers[0].start()
        return True

    assert "browser" == emulator(open_browser=attack_then_sign_in).token().flow
    attackers[0].join(10)
    assert [400] == refused
    assert 1 == len(entra_tenant.journal.of("token"))


def test_nobody_comes(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    The wait has an end (checklist 9).
    """
    transport = Transport(ca_bundle=entra_tenant.ca_path)

    with pytest.raises(SignInError, match=r"within 0\.2 seconds") as caught:
        emulator(open_browser=lambda url: True, timeout=0.2, transport=transport)
    transport.close()

    assert "timeout" == caught.value.error


def test_the_link_is_given_where_no_browser_opens(emulator: Connect, person: Person) -> None:
    """
    Without a browser the link goes to the callback, with the port for a tunnel.
    """
    ports: list[int] = []

    def on_link(url: str, port: int) -> None:
        ports.append(port)
        assert f"localhost%3A{port}" in url
        person.open_browser(url)

    emulator(open_browser=lambda url: False, on_link=on_link)

    assert 1 == len(ports)


def test_the_link_is_logged_without_a_callback(
    emulator: Connect, entra_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A library does not print: the link is a warning of the logger `entrakit.sign_in.system_browser`.
    """
    transport = Transport(ca_bundle=entra_tenant.ca_path)

    with pytest.raises(SignInError):
        emulator(open_browser=lambda url: False, timeout=0.2, transport=transport)
    transport.close()

    assert "Open this address" in caplog.text


def test_an_address_can_be_pasted(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    If no browser can reach this machine, the user pastes the address of the browser's last page.
    """
    user = entra_tenant.users.normal
    person = FarAway(entra_tenant.url, entra_tenant.ca_path, user.upn, user.password)

    def paste(url: str) -> str:
        assert "query" == parameters(url)["response_mode"]
        return f' "{person.visit(url).url}"\n'

    connection = emulator(paste=paste)

    assert user.upn == connection.account.username


def test_what_is_pasted_must_be_the_answer(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    The sign-in link itself, or another address, is refused, with a remedy that says what to paste.
    """
    with pytest.raises(ParameterError, match="sign-in link"):
        emulator(paste=lambda url: url)
    with pytest.raises(ParameterError, match="another sign-in"):
        emulator(paste=lambda url: "http://localhost/?code=x&state=y")
    assert 0 == len(entra_tenant.journal.of("token"))


def test_a_wrong_line_is_asked_for_again(
    emulator: Connect, entra_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A user who has signed in and pastes something else gets a message with the mistake, and is asked again, twice at
    most.
    """
    user = entra_tenant.users.normal
    person = FarAway(entra_tenant.url, entra_tenant.ca_path, user.upn, user.password)
    pasted: list[str] = []

    def paste(url: str) -> str:
        pasted.append(url)
        return ["", url, person.visit(url).url][len(pasted) - 1]

    connection = emulator(paste=paste)

    assert user.upn == connection.account.username
    assert 3 == len(pasted)
    assert 1 == len(set(pasted))
    warnings = [one.getMessage().partition(".")[0] for one in caplog.records if "pasted" in one.getMessage()]
    assert ["Nothing was pasted", "The pasted text is the sign-in link, not the address after the sign-in"] == warnings


def test_a_line_that_stays_wrong_ends_the_sign_in(emulator: Connect) -> None:
    """
    A program that always returns something else is asked three times.
    """
    asked: list[str] = []

    def paste(url: str) -> str:
        asked.append(url)
        return "x"

    with pytest.raises(ParameterError, match="not a complete address"):
        emulator(paste=paste)
    assert 3 == len(asked)


class FarAway(Person):
    """A user whose browser can't reach this machine and stops at the address that it can't open."""

    def _exchange(self, url: str, body: dict[str, str] | None) -> tuple[int, str, str]:
        if url.startswith(("http://localhost", "https://login.microsoftonline.com/", "https://app.contoso.example/")):
            return 0, "", "This site can't be reached"
        return super()._exchange(url, body)


@pytest.fixture
def registered(entra_tenant: Tenant) -> Callable[[str], str]:
    """Return a function that registers an app with one redirect URI, and returns its client id."""

    def register(uri: str) -> str:
        app = entra_tenant.seed.add_app("Desk", redirect_uris=[uri], is_public=True)
        for names in (["User.Read", "openid"], ["profile", "offline_access"]):
            entra_tenant.seed.grant("*", app.client_id, "https://graph.microsoft.com", names)
        return app.client_id

    return register


@pytest.mark.parametrize("uri", ["http://localhost/signed-in", "http://127.0.0.1/signed-in", "http://127.0.0.1"])
@pytest.mark.parametrize("place", ["free", "port", "uri"])
def test_an_app_with_another_redirect_uri(
    emulator: Connect, registered: Callable[[str], str], person: Person, uri: str, place: str
) -> None:
    """
    The answer is received at the path of the URI that is registered for the app; the port is a free one, the given one,
    or the one in the URI. Without the parameter, the service refuses the sign-in.
    """
    app = registered(uri)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host, path = urlsplit(uri).hostname, urlsplit(uri).path
    seen: list[str] = []

    def note(url: str) -> bool:
        seen.append(parameters(url)["redirect_uri"])
        return person.open_browser(url)

    with_port = f"http://{host}:{port}{path}"
    given = with_port if place == "uri" else uri
    connection = emulator(
        client_id=app, redirect_uri=given, open_browser=note, **({"port": port} if place == "port" else {})
    )

    assert person.upn == connection.account.username
    if place == "free":
        assert re.fullmatch(rf"http://{host}:\d+{path}", seen[0])
    else:
        assert [with_port] == seen


def test_the_path_of_the_redirect_uri_counts(
    emulator: Connect, registered: Callable[[str], str], entra_tenant: Tenant, person: Person
) -> None:
    """
    A request for another path is not the answer: it gets 404, and the sign-in continues.
    """
    app = registered("http://localhost/signed-in")
    statuses: list[int] = []

    def note(url: str) -> bool:
        uri = parameters(url)["redirect_uri"]
        for path in ("/", "/signed-in/more", "/Signed-in"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(uri.replace("/signed-in", path))  # noqa: S310 - loopback
            statuses.append(caught.value.code)
            caught.value.close()
        return person.open_browser(url)

    # The listener answers while the browser is opened, so another thread requests.
    thread: list[threading.Thread] = []

    def open_browser(url: str) -> bool:
        thread.append(threading.Thread(target=note, args=(url,)))
        thread[0].start()
        return True

    connection = emulator(client_id=app, redirect_uri="http://localhost/signed-in", open_browser=open_browser)
    thread[0].join(20)

    assert entra_tenant.users.normal.upn == connection.account.username
    assert [404, 404, 404] == statuses


@pytest.mark.parametrize(
    "uri", ["https://login.microsoftonline.com/common/oauth2/nativeclient", "https://app.contoso.example/in"]
)
def test_an_address_of_another_redirect_uri_can_be_pasted(
    emulator: Connect, registered: Callable[[str], str], entra_tenant: Tenant, uri: str
) -> None:
    """
    With `paste`, an app with any https redirect URI can be used: the user pastes the address of the last page.
    """
    user = entra_tenant.users.normal
    person = FarAway(entra_tenant.url, entra_tenant.ca_path, user.upn, user.password)

    connection = emulator(client_id=registered(uri), redirect_uri=uri, paste=lambda url: person.visit(url).url)

    assert user.upn == connection.account.username


@contextmanager
def chromium(tenant: Tenant, *, dark: bool = False, width: int = 1280) -> Iterator[Page]:
    """Return a page of real Chromium that trusts the embedded tenant's key."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*QUIET, f"--ignore-certificate-errors-spki-list={spki(tenant)}"]
        )
        context = browser.new_context(
            color_scheme="dark" if dark else "light", viewport={"width": width, "height": 800}
        )
        yield context.new_page()
        context.close()
        browser.close()


def spki(tenant: Tenant) -> str:
    """Return the hash that makes Chromium trust the server's key."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    parts = urlsplit(tenant.url)
    context = ssl.create_default_context(cafile=tenant.ca_path)
    with (
        socket.create_connection((parts.hostname, parts.port)) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as secured,
    ):
        der = secured.getpeercert(binary_form=True) or b""
    key = x509.load_der_x509_certificate(der).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return base64.b64encode(digest).decode()


def picture(page: Page, name: str) -> None:
    """Save a screenshot for visual review."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def sign_in_beside(emulator: Connect, drive: Callable[[str], None], **more: object) -> tuple[list[object], str]:
    """Connect on a thread, and drive the browser on this one; return the outcome and the address."""
    address: list[str] = []
    opened = threading.Event()
    outcome: list[object] = []

    def open_browser(url: str) -> bool:
        address.append(url)
        opened.set()
        return True

    def run() -> None:
        try:
            outcome.append(emulator(open_browser=open_browser, **more))
        except SignInError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert opened.wait(20)
    drive(address[0])
    thread.join(20)
    return outcome, address[0]


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 360)])
def test_in_chromium(emulator: Connect, entra_tenant: Tenant, dark: bool, width: int) -> None:
    """
    A real browser signs in on the real page, posts the answer, and shows the last page.
    """
    user = entra_tenant.users.normal
    look = f"{'dark' if dark else 'light'}-{width}"
    with chromium(entra_tenant, dark=dark, width=width) as page:

        def drive(url: str) -> None:
            page.goto(url)
            _type_name_and_password(page, user.upn, user.password)
            page.get_by_text("You are signed in as").wait_for()
            picture(page, f"client-success-{look}")

        outcome, _ = sign_in_beside(emulator, drive)

    assert isinstance(outcome[0], Connection)
    assert user.upn == outcome[0].account.username


@pytest.mark.parametrize("uri", ["http://localhost/signed-in", "http://127.0.0.1/signed-in"])
def test_another_redirect_uri_in_chromium(
    emulator: Connect, entra_tenant: Tenant, registered: Callable[[str], str], uri: str
) -> None:
    """
    A real browser posts the answer to another path and host of this machine, and shows the last page.
    """
    user = entra_tenant.users.normal
    with chromium(entra_tenant) as page:

        def drive(url: str) -> None:
            page.goto(url)
            _type_name_and_password(page, user.upn, user.password)
            page.get_by_text("You are signed in as").wait_for()
            assert urlsplit(page.url).path == "/signed-in"

        outcome, _ = sign_in_beside(emulator, drive, client_id=registered(uri), redirect_uri=uri)

    assert isinstance(outcome[0], Connection)
    assert user.upn == outcome[0].account.username


@pytest.mark.parametrize(("dark", "width"), [(True, 1280), (False, 360)])
def test_a_failure_in_chromium(emulator: Connect, entra_tenant: Tenant, dark: bool, width: int) -> None:
    """
    The last page gives the reason for a refused sign-in.
    """
    user = entra_tenant.users.normal
    entra_tenant.faults.add(faults.Refusal(endpoint="token", code=53003))
    with chromium(entra_tenant, dark=dark, width=width) as page:

        def drive(url: str) -> None:
            page.goto(url)
            _type_name_and_password(page, user.upn, user.password)
            page.get_by_text("Not signed in").first.wait_for()
            picture(page, f"client-failure-{'dark' if dark else 'light'}-{width}")

        outcome, _ = sign_in_beside(emulator, drive)

    assert isinstance(outcome[0], SignInError)
    assert 53003 == outcome[0].code


def test_a_stranger_in_chromium(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    Favicons, other tabs and other states are answered with a separate page, and the sign-in continues.
    """
    user = entra_tenant.users.normal
    with chromium(entra_tenant) as page:

        def drive(url: str) -> None:
            page.goto(f"{parameters(url)['redirect_uri']}/?code=x&state=y")
            page.get_by_text("This is not the answer").wait_for()
            picture(page, "client-stranger")
            page.goto(url)
            _type_name_and_password(page, user.upn, user.password)
            page.get_by_text("You are signed in as").wait_for()

        outcome, _ = sign_in_beside(emulator, drive)

    assert user.upn in repr(outcome[0])


def _type_name_and_password(page: Page, upn: str, password: str) -> None:
    page.set_default_timeout(10_000)
    page.locator("input[name=loginfmt]").fill(upn)
    page.keyboard.press("Enter")
    page.locator("input[name=passwd]").fill(password)
    page.keyboard.press("Enter")


def test_the_environment_of_tests_has_no_browser() -> None:
    """
    No test opens the system's browser by accident.
    """
    assert "BROWSER" not in os.environ
