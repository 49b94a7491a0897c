"""The HTTP client that MSAL uses: ours, with the methods `get` and `post`.

MSAL's request for the metadata is answered with the stored document. Answers of the token service are checked before
MSAL sees them: it would write what is not JSON to its log, repeat a 5xx to itself for a minute, and fail for numbers
that are strings.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from entrakit.errors import NetworkError, ThrottledError, UnexpectedAnswerError
from entrakit.http.address import shown_host
from entrakit.http.failures import unavailable
from entrakit.http.message import Headers, Request, Response
from entrakit.http.retry import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.http.transport import Transport
    from entrakit.sign_in.discovery import Authority

NUMBERS = ("expires_in", "ext_expires_in", "refresh_in", "interval", "not_before", "expires_on")
NO_HEADERS = Headers({})

log = logging.getLogger("entrakit.msal")


class MsalResponse(Response):
    """A response with the two members that MSAL calls by other names."""

    __slots__ = ()

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.status

    def raise_for_status(self) -> None:
        """Raise NetworkError for a status of 400 or more."""
        if self.status >= 400:
            raise NetworkError(f"The service answered with HTTP {self.status}.")


class MsalHttp:
    """The HTTP client for one call of MSAL; remembers status, time and headers of the last answer.

    Args:
        authority: The authority that MSAL calls.
        transport: Transport that sends the requests.
        repeatable: False if no request may be sent twice.
    """

    def __init__(self, authority: Authority, transport: Transport, *, repeatable: bool) -> None:
        self.authority = authority
        self.transport = transport
        self.repeatable = repeatable
        self.asked_at = transport.clock.time()
        self.correlation_id = ""
        self.retry_after_s: float | None = None
        self.status = 400
        self.refresh_in: float | None = None

    def get(
        self, url: str, params: object = None, headers: Mapping[str, str] | None = None, **unused: object
    ) -> MsalResponse:
        """Answer the request for the metadata from the stored document; send other requests."""
        del params, unused
        authority = self.authority
        if url.endswith("/.well-known/openid-configuration"):
            return MsalResponse(Request("GET", url), 200, NO_HEADERS, authority.document.encode())
        _, found, user = url.partition("/common/userrealm/")
        if found:
            # MSAL leaves the port out, and the user name as it is.
            name = quote(user.rpartition("?")[0], safe="@")
            url = f"{authority.cloud.authority}/common/userrealm/{name}?api-version=1.0"
        answer = self.transport.send("GET", url, headers=headers)
        return self._json(answer) if found and answer.status != 404 else MsalResponse(*answer)

    def post(
        self,
        url: str,
        params: object = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        **unused: object,
    ) -> MsalResponse:
        """Send MSAL's form, or its SOAP message to the tenant's federation service."""
        del params, unused
        fields = dict(headers or {})
        repeatable = self.repeatable
        self.correlation_id = fields.get("client-request-id", "")
        # In the forms of MSAL, None means that the field is left out; a SAML assertion is bytes.
        form = {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else None
        body = str(data or "") if form is None else urlencode(form)
        if form is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            # Federation services answer a wrong password with 500: another attempt could lock the account.
            repeatable = False
            log.warning("The password goes to %s, the federation service of this tenant.", shown_host(url))
        self.asked_at = self.transport.clock.time()
        answer = self.transport.send("POST", url, headers=fields, body=body, repeatable=repeatable)
        return self._json(answer) if form is not None else MsalResponse(*answer)

    def close(self) -> None:
        """Do nothing: the transport outlives the call."""

    def _json(self, answer: Response) -> MsalResponse:
        """Return an answer of the token service as MSAL can read it, or raise the error for one that it can't."""
        self.status = answer.status
        if not answer.is_success:
            self.retry_after_s = retry_after(answer)
        try:
            body = json.loads(answer.text)
        except (ValueError, RecursionError):
            body = None
        described = isinstance(body, dict) and isinstance(body.get("error"), str)
        if answer.status == 429 and not described:
            raise ThrottledError(
                "The token service asks to be called less often (HTTP 429).",
                retry_after_s=self.retry_after_s,
                remedy="Wait and try again.",
                correlation_id=self.correlation_id,
            )
        if answer.status >= 500:
            raise unavailable(answer)
        if not isinstance(body, dict):
            raise _no_json(answer)
        for name in NUMBERS:
            if body.get(name) is not None:
                body[name] = int(seconds_of(body[name], 0.0))
        refresh_in = body.get("refresh_in")
        self.refresh_in = float(refresh_in) if refresh_in else None
        kept = {name: value for name, value in body.items() if value is not None}
        # MSAL raises only for a status of 500 and more; below that, the body decides.
        return MsalResponse(answer.request, min(answer.status, 400), NO_HEADERS, json.dumps(kept).encode())


def _no_json(answer: Response) -> UnexpectedAnswerError:
    page = "<html" in answer.text[:4096].lower() or answer.media_type == "text/html"
    host = shown_host(answer.request.url)
    return UnexpectedAnswerError(
        f"{host} answered with {'a web page' if page else 'something else'} instead of a token (HTTP {answer.status}).",
        remedy="This network may want you to sign in first (captive portal), or a proxy answers instead: "
        "open a page in a browser, then try again.",
        host=host,
        correlation_id=answer.request.client_request_id,
    )


def seconds_of(value: object, default: float) -> float:
    """Return a number of seconds that may have come as text, as the v1 service sends it; else the default."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else default
    except ValueError:
        return default
    return seconds if 0 <= seconds < 1e9 else default
