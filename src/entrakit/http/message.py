"""HTTP messages: a request, its response, and their header fields (RFC 9110)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from entrakit.http.address import without_query

# Methods with which sending a request twice has the effect of sending it once (RFC 9110, 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
LONGEST_ID = 200
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Headers(Mapping[str, str]):
    """Header fields by name; the case of a name makes no difference (RFC 9110, 5.1).

    Args:
        fields: Values by name.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        # Values can be secrets, such as cookies.
        return f"Headers({', '.join(self._fields)})"


class Request(NamedTuple):
    """A request to a service.

    Args:
        method: HTTP method, upper case.
        url: Absolute `https` address.
        headers: Header fields, names in lower case; without the token, which is added when the request is sent.
        body: The body; None for none.
        is_authorized: Whether the token is added; never for an origin that is not the service's own.
        claims: Claims challenge that the token must answer, as JSON; empty for none.
        issued_after: Time of issue that the token must exceed, in seconds since 1970: that of a token that was refused.
        is_graph: Whether the service is Microsoft Graph, which promises that a request answered with 503 had no effect.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    is_authorized: bool = True
    claims: str = ""
    issued_after: float = 0.0
    is_graph: bool = False

    def __str__(self) -> str:
        # For logs and messages: a query may contain private values.
        address = without_query(self.url)
        return f"{self.method} {address if address.isprintable() else ascii(address)[1:-1]}"

    def __repr__(self) -> str:
        # A body may contain a password.
        return f"Request({self}, {len(self.body or b'')} bytes)"

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice has the effect of sending it once."""
        return self.method in IDEMPOTENT

    @property
    def is_safe(self) -> bool:
        """Whether its method changes nothing (RFC 9110, 9.2.1)."""
        return self.method in SAFE

    @property
    def client_request_id(self) -> str:
        """The id under which the service logs it."""
        return self.headers.get("client-request-id", "")


class Response(NamedTuple):
    """A response to a request: the one type of HTTP answer for the services and the token service.

    Args:
        request: The request, without its token.
        status: HTTP status.
        headers: Header fields; a transport gives `Headers`.
        body: The whole body.
        sent_at: Time at which the request was sent, in seconds since 1970.
        attempts: Number of attempts, retries included.
        waited_s: Seconds of waiting between the attempts.
    """

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float = 0.0
    attempts: int = 1
    waited_s: float = 0.0

    def __repr__(self) -> str:
        return f"Response({self.status} for {self.request!r}, {len(self.body)} bytes)"

    @property
    def is_success(self) -> bool:
        """Whether the service did what was requested (HTTP 2xx)."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as a string; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def media_type(self) -> str:
        """The media type of the body, such as `application/json`, without parameters; empty if there is none."""
        return media_type(self.headers.get("content-type", ""))

    @property
    def date(self) -> float | None:
        """The time on the server's clock, in seconds since 1970; None if the response does not contain it."""
        return parse_date(self.headers.get("date"))

    @property
    def request_id(self) -> str:
        """The service's id of this response, which its support requires, safe to show."""
        found = self.headers.get("request-id") or self.headers.get("x-ms-request-id", "")
        if found.isprintable():
            return found[:LONGEST_ID]
        from entrakit.shown_text import one_line

        return one_line(found, LONGEST_ID)


def media_type(content_type: str) -> str:
    """Return the media type in a `Content-Type` header (RFC 9110, 8.3.1), in lower case and without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Return whether a media type is JSON, or another format in JSON (RFC 6839, 3.1)."""
    return kind == "application/json" or kind.endswith("+json")


def parse_date(text: str | None) -> float | None:
    """Return an HTTP date (RFC 9110, 5.6.7) in seconds since 1970; None if it is not one."""
    from email.utils import parsedate_to_datetime

    if not text:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
