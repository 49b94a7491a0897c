"""The redirect URI, and the answer there (RFC 6749, 4.1.2), from a browser or pasted by the user.

This machine can receive an answer at `http://localhost` and `http://127.0.0.1` only (RFC 8252, 7.3): for both, the
service ignores the port, but not the path. An answer at any other URI has to be pasted.
"""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

MAX_PARAMETERS = 32
LOOPBACK_HOSTS = ("localhost", "127.0.0.1")
DEFAULT_URI = "http://localhost"
_PORTS = {"http": 80, "https": 443}
# Printable ASCII without the signs that no URI contains (RFC 3986, 2).
_URI = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:(//)?[^\s"<>\\^`{|}\x00-\x1f\x7f-\U0010ffff]+""")


class NotOursError(ValueError):
    """The text is not the answer to this sign-in."""


def check_redirect_uri(uri: str, *, port: int = 0, is_pasted: bool = False) -> None:
    """Raise ParameterError unless an answer can be received at a redirect URI.

    Args:
        uri: Redirect URI, as it is registered for the app.
        port: Port that the caller chose; 0 for none.
        is_pasted: Whether the user pastes the answer, and nothing listens at the URI.
    """
    try:
        parts = urlsplit(uri)
        own_port = parts.port
    except ValueError:
        raise _wrong(uri, "is not a URI", _LIKE) from None
    if not _URI.fullmatch(uri):
        raise _wrong(uri, "is not a URI", _LIKE)
    if "#" in uri or "?" in uri or parts.username is not None:
        raise _wrong(uri, "must not have a query, a fragment or a user name", _LIKE)
    is_loopback = parts.hostname in (*LOOPBACK_HOSTS, "::1")
    if parts.hostname == "::1":
        raise _wrong(uri, "can't be registered: Microsoft Entra ID does not accept `[::1]`", _LIKE)
    if parts.scheme in _PORTS and not parts.hostname:
        raise _wrong(uri, "has no host", _LIKE)
    if parts.scheme == "http" and not is_loopback:
        raise _wrong(uri, "is not secure: http is for this machine only", "Use its https URI with `paste`.")
    if own_port == 0:
        raise _wrong(uri, "has the port 0", "Omit the port to listen on any free one.")
    if is_pasted:
        return
    if parts.scheme != "http":
        what = "with https" if parts.scheme == "https" else f"with the scheme {parts.scheme}"
        raise _wrong(uri, f"can't be listened at {what}", f"{_LIKE} Or add `paste`, and paste the browser's last page.")
    if port and own_port and port != own_port:
        raise _wrong(uri, f"has another port than `port`, which is {port}", "Use only one of them.")


def _wrong(uri: str, problem: str, remedy: str) -> ParameterError:
    return ParameterError(f"The redirect URI {uri[:200]!a} {problem}.", remedy=remedy)


_LIKE = "Give it as it is registered for the app, such as http://localhost:8400/signed-in."


def parse_answer(text: str, *, state: str) -> dict[str, str]:
    """Return the parameters of an answer by name, after a check of its state.

    Args:
        text: A form body, a query or a fragment.
        state: State of the authorization request.

    Raises:
        NotOursError: The state is missing or wrong, a parameter is repeated, or the text is not a list of parameters.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError as error:
        raise NotOursError("it is not a list of parameters") from error
    given = [value for name, value in pairs if name == "state"]
    # The state is checked first, and in constant time.
    if len(given) != 1 or not compare_digest(given[0].encode(), state.encode()):
        raise NotOursError("its state is wrong")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise NotOursError("a parameter is repeated")
    return parameters


def parse_pasted(text: str, *, state: str, redirect_uri: str) -> dict[str, str]:
    """Return the parameters of the address that the user pasted.

    Args:
        text: Address of the browser's last page, perhaps with quotes, brackets and line breaks.
        state: State of the authorization request.
        redirect_uri: Redirect URI of the authorization request.

    Raises:
        ParameterError: The text is another address, or the answer to another sign-in.
    """
    address = "".join(text.split()).strip("\"'<>`")
    how = _HOW.format(redirect_uri)
    if not address:
        raise ParameterError("Nothing was pasted.", remedy=how)
    try:
        parts, expected = urlsplit(address), urlsplit(redirect_uri)
        is_expected = _place(parts) == _place(expected)
    except ValueError:
        raise ParameterError("The pasted text is not an address.", remedy=how) from None
    if not is_expected:
        if not parts.scheme or (expected.netloc and not parts.netloc):
            raise ParameterError("The pasted text is not a complete address.", remedy=how)
        if "/oauth2/" in parts.path or parts.path.endswith("/authorize"):
            raise ParameterError("The pasted text is the sign-in link, not the address after the sign-in.", remedy=how)
        raise ParameterError(f"The pasted address does not begin with {redirect_uri}.", remedy=how)
    try:
        return parse_answer(parts.query or parts.fragment, state=state)
    except NotOursError:
        raise ParameterError(
            "The pasted address belongs to another sign-in, or is not complete.",
            remedy="Open the link that was shown just now, sign in, and paste the complete address.",
        ) from None


_HOW = (
    "After the sign-in the browser can't open its last page: copy that page's complete address, "
    "which begins with {}, and paste it."
)


def _place(parts: SplitResult) -> tuple[str, str | None, int | None, str]:
    """Return the part of an address that an answer does not change. Raises ValueError for a wrong port."""
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme), parts.path or "/"
