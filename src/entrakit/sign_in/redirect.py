"""What comes back at the redirect URI (RFC 6749, 4.1.2), from a browser or pasted by a person."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import parse_qsl, urlsplit

from entrakit.errors import ParameterError

MAX_PARAMETERS = 32


class NotOursError(ValueError):
    """The text is not the answer to this sign-in."""


def parse_answer(text: str, *, state: str) -> dict[str, str]:
    """Return the parameters of an answer by name, once its state was found to be ours.

    Args:
        text: A form body, a query or a fragment.
        state: What was sent with the authorization request.

    Raises:
        NotOursError: The state is missing or another, a parameter stands twice, or it is no such text.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError as error:
        raise NotOursError("it is not a list of parameters") from error
    given = [value for name, value in pairs if name == "state"]
    # Nothing else is looked at before the state, and looking at it takes as long whatever it is.
    if len(given) != 1 or not compare_digest(given[0].encode(), state.encode()):
        raise NotOursError("its state is not ours")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise NotOursError("a parameter stands twice")
    return parameters


def parse_pasted(text: str, *, state: str, redirect_uri: str) -> dict[str, str]:
    """Return the parameters of the address that a person pasted.

    Args:
        text: The address that the browser ended at, with quotes, brackets and line breaks that came along.
        state: What was sent with the authorization request.
        redirect_uri: Where the browser was told to end.

    Raises:
        ParameterError: It is another address, or the answer to another sign-in.
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
        raise ParameterError("What was pasted is not an address.", remedy=_HOW) from None
    if not parts.scheme or not parts.netloc:
        raise ParameterError("What was pasted is not a whole address.", remedy=_HOW)
    if "/oauth2/" in parts.path or parts.path.endswith("/authorize"):
        raise ParameterError("What was pasted is the link to sign in, not the address after it.", remedy=_HOW)
    if not same or parts.path not in ("", "/"):
        raise ParameterError(f"What was pasted does not begin with {redirect_uri}.", remedy=_HOW)
    try:
        return parse_answer(parts.query or parts.fragment, state=state)
    except NotOursError:
        raise ParameterError(
            "What was pasted belongs to another sign-in, or is not whole.",
            remedy="Open the link that was shown just now, sign in, and paste the whole address.",
        ) from None


_HOW = (
    "After the sign-in the browser can't open its last page: copy that page's whole address, "
    "which begins with http://localhost, and paste it."
)
