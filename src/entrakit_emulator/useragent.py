"""A simulated user without a browser: follows links, fills in the sign-in forms, presses buttons.

Uses the standard library only and none of the server's code. It reads the pages as a browser does, and so tests them.
Cookies and secrets are sent to the sign-in pages only; all other requests go to loopback addresses.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from http.cookies import SimpleCookie
from typing import NamedTuple, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from entrakit_emulator.page_reader import Form, read

MAX_STEPS = 20
TIMEOUT_S = 30.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class DeviceCode(Protocol):
    """An object with the code that a client shows to its user."""

    @property
    def user_code(self) -> str:
        """The code to type."""
        ...


class Page(NamedTuple):
    """A page that the user reached.

    Args:
        url: Its address.
        status: HTTP status; 0 for an address that was not visited, because it is not on loopback.
        text: The body.
    """

    url: str
    status: int
    text: str

    @property
    def title(self) -> str:
        """Heading of the page; empty if it has none."""
        return read(self.text).heading

    @property
    def message(self) -> str:
        """Error message of the page; empty if it has none."""
        return read(self.text).message


class Person:
    """A simulated user with a sign-in name, a password and the cookies of a browser.

    Args:
        origin: Origin of the sign-in pages: `https://localhost:PORT`.
        ca_path: File of the CA certificate that they are trusted by.
        upn: Sign-in name.
        password: Password.
        mfa_code: Code of the second factor; empty if there is none.

    Attributes:
        accepts: Whether permissions are accepted; False declines them.
        cancels: Whether the first page of a sign-in is cancelled.
        pages: All pages, in order.
    """

    def __init__(self, origin: str, ca_path: str, upn: str, password: str, *, mfa_code: str = "") -> None:
        self.upn = upn
        self.accepts = True
        self.cancels = False
        self.pages: list[Page] = []
        self._origin = origin
        self._password = password
        self._mfa_code = mfa_code
        self._tls = ssl.create_default_context(cafile=ca_path)
        self._cookies: dict[str, str] = {}
        self._threads: list[threading.Thread] = []

    def __repr__(self) -> str:
        return f"Person(upn={self.upn!r})"

    def open_browser(self, url: str) -> bool:
        """Sign in on a thread, as a browser runs next to the program that opened it.

        Args:
            url: Address of an authorization request.

        Returns:
            True: a browser was opened.
        """
        thread = threading.Thread(target=self.visit, args=(url,), name="person", daemon=True)
        self._threads.append(thread)
        thread.start()
        return True

    def wait(self) -> None:
        """Wait until all sign-ins begun by `open_browser` have ended."""
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def visit(self, url: str) -> Page:
        """Follow a link and answer every page of the sign-in.

        Args:
            url: Address of an authorization request.

        Returns:
            The last page: the page of the app, or the page of the sign-in that stopped it.
        """
        return self._walk(self._fetch(url), confirms=True)

    def approve_device(self, user_code: str | DeviceCode) -> Page:
        """Type a user code at the device page, sign in, and confirm.

        Args:
            user_code: The code, or the object with a `user_code` that a client passes to its callback.
        """
        return self._device(user_code, confirms=True)

    def deny_device(self, user_code: str | DeviceCode) -> Page:
        """Type a user code at the device page, sign in, and refuse; arguments as for `approve_device`."""
        return self._device(user_code, confirms=False)

    def _device(self, code: str | DeviceCode, *, confirms: bool) -> Page:
        user_code = code if isinstance(code, str) else code.user_code
        page = self._fetch(f"{self._origin}/devicelogin")
        form = read(page.text).form
        if form is None:
            return page
        body = {**form.hidden, "otc": user_code, "action": "go"}
        return self._walk(self._fetch(urljoin(page.url, form.action), body), confirms=confirms)

    def _walk(self, page: Page, *, confirms: bool) -> Page:
        """Answer one page after the other, until a page has no form or an error message."""
        for _ in range(MAX_STEPS):
            form = read(page.text).form
            if form is None or page.message or not page.url.startswith(f"{self._origin}/"):
                break
            page = self._fetch(urljoin(page.url, form.action), form.hidden | self._typed(form, confirms=confirms))
        return page

    def _typed(self, form: Form, *, confirms: bool) -> dict[str, str]:
        """Return the fields that the user fills in, and the button."""
        step = form.hidden.get("step", "")
        if step and self.cancels:
            return {"action": "cancel"}
        if step == "account" and "loginfmt" not in form.fields:
            return {"account": next((one.value for one in form.buttons if self.upn in one.text), "other")}
        if step == "consent":
            is_offered = any(one.value == "accept" for one in form.buttons)
            return {"action": "accept" if self.accepts and is_offered else "decline"}
        if step == "confirm" and not confirms:
            return {"action": "cancel"}
        typed = {"loginfmt": self.upn, "passwd": self._password, "otc": self._mfa_code}
        filled = {name: typed[name] for name in form.fields if name in typed}
        return {**filled, "action": "go"} if step else filled

    def _fetch(self, url: str, body: dict[str, str] | None = None) -> Page:
        """Return the page of an address, following redirects."""
        for _ in range(MAX_STEPS):
            if urlsplit(url).hostname not in LOOPBACK:
                return self._seen(Page(url, 0, ""))
            status, location, text = self._exchange(url, body)
            if not 300 <= status < 400 or not location:
                return self._seen(Page(url, status, text))
            # RFC 9110, 15.4.3: a redirect after a form is followed with GET.
            url, body = urljoin(url, location), None
        return self._seen(Page(url, 0, ""))

    def _seen(self, page: Page) -> Page:
        self.pages.append(page)
        return page

    def _exchange(self, url: str, body: dict[str, str] | None) -> tuple[int, str, str]:
        """Send one request, and return status, redirect and text of the answer."""
        parts = urlsplit(url)
        is_own = f"{parts.scheme}://{parts.netloc}" == self._origin
        headers = {"Accept": "text/html", "User-Agent": "entra-emulator-person"}
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": self._origin if is_own else "null",
            }
        if is_own and self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        connection = self._connect(parts.scheme, str(parts.hostname), parts.port)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            content = None if body is None else urlencode(body)
            connection.request("GET" if body is None else "POST", target, content, headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            if is_own:
                self._keep(response.headers.get_all("Set-Cookie", []))
            return response.status, response.headers.get("Location", ""), text
        finally:
            connection.close()

    def _connect(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, context=self._tls, timeout=TIMEOUT_S)
        return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)

    def _keep(self, cookies: list[str]) -> None:
        for line in cookies:
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
                if not morsel.value:
                    del self._cookies[name]
