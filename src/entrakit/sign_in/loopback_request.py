"""A request to the redirect listener, read from a connection piece by piece and within limits. h11 parses HTTP."""

from __future__ import annotations

from typing import NamedTuple

import h11

MAX_LINE = 16 * 1024
# Cookies know no ports: the other programs on localhost fill the head, and browsers send up to 256 KiB of them.
MAX_HEAD = 512 * 1024
MAX_BODY = 64 * 1024


class RedirectRequest(NamedTuple):
    """One complete request.

    Args:
        method: `GET`, `POST`, …
        target: Path with query.
        host: Value of the `Host` header, in lower case.
        body: The body.
    """

    method: str
    target: str
    host: str
    body: bytes = b""


class RefusedError(Exception):
    """The bytes can't be the answer; contains the status of the response."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Reader:
    """Reads one request from a connection (RFC 9112).

    Args:
        since: Time at which the connection was opened, on the listener's clock.
    """

    def __init__(self, since: float) -> None:
        self.since = since
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._received = 0
        self._beginning = b""
        self._request: RedirectRequest | None = None

    def read(self, data: bytes) -> RedirectRequest | None:
        """Return the request if it is complete after these bytes, else None.

        Raises:
            RefusedError: The request can't be the answer.
        """
        self._received += len(data)
        if len(self._beginning) <= MAX_LINE:
            self._beginning += data[: MAX_LINE + 1]
            if self._beginning.find(b"\n", 0, MAX_LINE) < 0 and len(self._beginning) > MAX_LINE:
                raise RefusedError(431)
        try:
            self._parser.receive_data(data)
            while True:
                event = self._parser.next_event()
                if isinstance(event, h11.Request):
                    self._request = self._checked(event)
                elif isinstance(event, h11.Data) and self._request is not None:
                    self._request = self._request._replace(body=self._request.body + event.data)
                else:
                    return self._request if isinstance(event, h11.EndOfMessage) else None
        except h11.RemoteProtocolError as error:
            raise RefusedError(431 if error.error_status_hint == 431 else 400) from None

    def _checked(self, event: h11.Request) -> RedirectRequest:
        """Return the request without its body, if its head is one that a browser sends with the answer."""
        headers = dict(event.headers)
        # The parser limits only a head that arrives in pieces.
        if self._received - len(self._parser.trailing_data[0]) > MAX_HEAD:
            raise RefusedError(431)
        if not event.http_version.startswith(b"1.") or b"transfer-encoding" in headers:
            raise RefusedError(400)
        # The parser has checked that this is a number, and that there is one host.
        if int(headers.get(b"content-length", b"0")) > MAX_BODY:
            raise RefusedError(413)
        host = headers.get(b"host", b"").decode("ascii", "replace").lower()
        return RedirectRequest(event.method.decode("ascii"), event.target.decode("ascii"), host)
