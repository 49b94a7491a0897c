"""A service with several collections of three pages each, and listings of them."""

from __future__ import annotations

import json
import threading

from entrakit.errors import NetworkError
from entrakit.http.message import Headers, Request, Response
from entrakit.services.listing import Listing, NumberedPage, listing
from entrakit.services.service import Service
from entrakit.tokens.token import Token

SERVICE = Service("mine", "https://api.contoso.com/v1", "api://x")
PAGES = 3


class Box:
    """A connection with one token."""

    tenant_id = "contoso.com"
    token = Token("canary", issued_at=0.0, expires_at=10.0**10)

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Return the token."""
        return self.token

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return the token."""
        return self.token


class Collections:
    """The collections; counts requests and how many run at the same time.

    Args:
        broken: Name of a collection whose requests fail.
    """

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.asked: list[str] = []
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def begin(self, request: Request) -> None:
        """Note that a request has begun. Raises NetworkError for the broken collection."""
        with self._lock:
            self.asked.append(request.url)
            self.running += 1
            self.most = max(self.most, self.running)

    def end(self, request: Request) -> Response:
        """Note that a request has ended, and return its page."""
        with self._lock:
            self.running -= 1
        name, _, number = request.url.rpartition("/")[2].partition("?page=")
        if name == self.broken:
            raise NetworkError("broken", retryable=False)
        after = int(number or 1) + 1
        body: dict[str, object] = {"value": [f"{name}{number or 1}"]}
        if after <= PAGES:
            body["nextLink"] = f"{SERVICE.url}/{name}?page={after}"
        return Response(request, 200, Headers({"content-type": "application/json"}), json.dumps(body).encode())


def listings(*names: str) -> list[Listing[object]]:
    """Return a listing of each collection."""
    return [listing(SERVICE, f"/{name}", object, None, {}) for name in names]


def items_by_number(pages: list[NumberedPage[object]], count: int) -> list[list[object]]:
    """Return the items of each listing in the order in which they arrived."""
    return [[item for one in pages if one.number == number for item in one.page.items] for number in range(count)]
