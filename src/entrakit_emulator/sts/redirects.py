"""Redirect URIs: matching of requests, and addresses of answers.

The match is exact with one exception: `http` to localhost or 127.0.0.1 matches any port, because a native app can't
know its port in advance (RFC 8252, 7.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.state.identities import App, Redirect

LOOPBACK = ("localhost", "127.0.0.1")


def registered(app: App, uri: str) -> Redirect:
    """Return the registered redirect that matches a request's URI; without a URI, the only registered one.

    Raises:
        ServiceError: No redirect matches (50011), none is registered (500113), or there are several and the request
            names none (900144).
    """
    if not app.redirects:
        raise ServiceError(500113)
    if not uri:
        if len(app.redirects) > 1:
            raise ServiceError(900144, parameter="redirect_uri")
        return app.redirects[0]
    for redirect in app.redirects:
        if fits(redirect.uri, uri):
            return redirect
    raise ServiceError(50011, redirect=uri, app=app.client_id)


def fits(registered_uri: str, uri: str) -> bool:
    """Return whether a request's redirect URI matches a registered one."""
    if registered_uri == uri:
        return True
    try:
        one, other = urlsplit(registered_uri), urlsplit(uri)
        ports = (one.port, other.port)
    except ValueError:
        return False
    if other.username is not None or other.fragment or any(ord(letter) < 33 for letter in uri):
        return False
    is_loopback = one.scheme == "http" and one.hostname in LOOPBACK
    same_port = is_loopback or ports[0] == ports[1]
    # A host alone equals the host with a slash; everything else must be identical.
    return (
        (one.scheme, one.hostname, one.path or "/", one.query)
        == (other.scheme, other.hostname, other.path or "/", other.query)
        and one.scheme in ("http", "https")
        and same_port
    )


def with_answer(uri: str, mode: str, answer: Mapping[str, str]) -> str:
    """Return a redirect URI with an answer in its query or fragment.

    Like the service, this adds the slash that an http or https URI without a path lacks.
    """
    text = urlencode(answer)
    address, mark, query = uri.partition("?")
    parts = urlsplit(address)
    if parts.scheme in ("http", "https") and not parts.path:
        address += "/"
    if mode == "fragment":
        return f"{address}{mark}{query}#{text}"
    return f"{address}?{query}{'&' if query else ''}{text}"


def source(uri: str) -> str:
    """Return a redirect URI as a source for the content security policy's `form-action`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
