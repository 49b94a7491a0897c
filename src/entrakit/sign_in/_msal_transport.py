"""MSAL's HTTP client, which is ours: `get` and `post` are what it calls.

Discovery is answered from what we know. Answers are checked before MSAL sees them: it would write what is not JSON
to its log, replay a 5xx for a minute, and stumble over numbers that came as text.
"""

from __future__ import annotations

import json
import logging
from urllib.parse import quote, urlencode

from entrakit.errors import NetworkError, ThrottledError, UnexpectedAnswerError
from entrakit.http.address import shown_host
from entrakit.http.retry import parse_retry_after
from entrakit.http.transport import unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.http.transport import HttpAnswer, Transport
    from entrakit.sign_in.discovery import Authority

NUMBERS = ("expires_in", "ext_expires_in", "refresh_in", "interval", "not_before", "expires_on")

log = logging.getLogger("entrakit.msal")


class Reply:
    """An HTTP answer in the shape that MSAL reads."""

    def __init__(self, status_code: int, text: str, headers: Mapping[str, str]) -> None:
        self.status_code = status_code
        self.text = text
        self.headers = headers

    def raise_for_status(self) -> None:
        """Raise for a status of 400 or more."""
        if self.status_code >= 400:
            raise NetworkError(f"The service answered with HTTP {self.status_code}.")


class MsalHttp:
    """The HTTP client for one use of MSAL; remembers what its last answer said beside the body.

    Args:
        authority: The authority that is spoken to.
        transport: What sends.
        repeatable: False where a request must not be sent twice.
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

    def get(self, url: str, params: object = None, headers: Mapping[str, str] | None = None, **unused: object) -> Reply:
        """Answer MSAL's discovery from what we know; send its other requests to where they belong."""
        del params, unused
        authority = self.authority
        if url.endswith("/.well-known/openid-configuration"):
            return Reply(200, authority.document, {})
        _, found, user = url.partition("/common/userrealm/")
        if found:
            # MSAL leaves the port out, and the user name as it is.
            name = quote(user.rpartition("?")[0], safe="@")
            url = f"{authority.cloud.authority}/common/userrealm/{name}?api-version=1.0"
        answer = self.transport.send("GET", url, headers=headers)
        if found and answer.status != 404:
            return self._json(answer, url)
        return Reply(answer.status, answer.text, answer.headers)

    def post(
        self,
        url: str,
        params: object = None,
        data: object = None,
        headers: Mapping[str, str] | None = None,
        **unused: object,
    ) -> Reply:
        """Send MSAL's form, or its SOAP message to the tenant's federation service."""
        del params, unused
        fields = dict(headers or {})
        repeatable = self.repeatable
        self.correlation_id = fields.get("client-request-id", "")
        # As in every form that MSAL fills in, None means that there is no such field; a SAML assertion is bytes.
        form = {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else None
        body = str(data or "") if form is None else urlencode(form)
        if form is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            # Such services answer a wrong password with 500: asking again would lock the account.
            repeatable = False
            log.warning("The password goes to %s, the federation service of this tenant.", shown_host(url))
        self.asked_at = self.transport.clock.time()
        answer = self.transport.send("POST", url, headers=fields, body=body, repeatable=repeatable)
        return self._json(answer, url) if form is not None else Reply(answer.status, answer.text, answer.headers)

    def close(self) -> None:
        """Do nothing: the transport outlives the call."""

    def _json(self, answer: HttpAnswer, url: str) -> Reply:
        """Return a reply that MSAL can read, or raise for what it would stumble over."""
        now = self.transport.clock.time()
        self.status = answer.status
        self.retry_after_s = parse_retry_after(answer.headers.get("retry-after"), now=now)
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
            raise unavailable(answer, host=shown_host(url), correlation_id=self.correlation_id)
        if not isinstance(body, dict):
            raise _no_json(answer, url, self.correlation_id)
        for name in NUMBERS:
            if body.get(name) is not None:
                body[name] = int(seconds_of(body[name], 0.0))
        refresh_in = body.get("refresh_in")
        self.refresh_in = float(refresh_in) if refresh_in else None
        kept = {name: value for name, value in body.items() if value is not None}
        # MSAL raises for a status of 500 and more only; below that the body decides.
        return Reply(min(answer.status, 400), json.dumps(kept), {})


def _no_json(answer: HttpAnswer, url: str, correlation_id: str) -> UnexpectedAnswerError:
    page = "<html" in answer.text[:4096].lower() or "text/html" in answer.headers.get("content-type", "")
    host = shown_host(url)
    return UnexpectedAnswerError(
        f"{host} answered with {'a web page' if page else 'something else'} instead of a token (HTTP {answer.status}).",
        remedy="This network may want you to sign in first (captive portal), or a proxy answers instead: "
        "open a page in a browser, then try again.",
        host=host,
        correlation_id=correlation_id,
    )


def seconds_of(value: object, default: float) -> float:
    """Return a number of seconds that may have come as text, as the v1 service sends it; else the default."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else default
    except ValueError:
        return default
    return seconds if 0 <= seconds < 1e9 else default
