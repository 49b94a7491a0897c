"""The answer at the redirect URI (RFC 6749, 4.1.2), from a browser or pasted by the user."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import parse_qsl, urlsplit

from entrakit.errors import ParameterError

MAX_PARAMETERS = 32


class NotOursError(ValueError):
    """The text is not the answer to this sign-in."""


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
    if not address:
        raise ParameterError("Nothing was pasted.", remedy=_HOW)
    try:
        parts, expected = urlsplit(address), urlsplit(redirect_uri)
        same = (parts.scheme, parts.hostname, parts.port or 80) == (
            expected.scheme,
            expected.hostname,
            expected.port or 80,
        )
    except ValueError:
        raise ParameterError("The pasted text is not an address.", remedy=_HOW) from None
    if not parts.scheme or not parts.netloc:
        raise ParameterError("The pasted text is not a complete address.", remedy=_HOW)
    if "/oauth2/" in parts.path or parts.path.endswith("/authorize"):
        raise ParameterError("The pasted text is the sign-in link, not the address after the sign-in.", remedy=_HOW)
    if not same or parts.path not in ("", "/"):
        raise ParameterError(f"The pasted address does not begin with {redirect_uri}.", remedy=_HOW)
    try:
        return parse_answer(parts.query or parts.fragment, state=state)
    except NotOursError:
        raise ParameterError(
            "The pasted address belongs to another sign-in, or is not complete.",
            remedy="Open the link that was shown just now, sign in, and paste the complete address.",
        ) from None


_HOW = (
    "After the sign-in the browser can't open its last page: copy that page's complete address, "
    "which begins with http://localhost, and paste it."
)
