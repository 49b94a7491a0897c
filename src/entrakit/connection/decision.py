"""What to do with the cached tokens for a request: use one, try to renew it, or renew it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.tokens.request import TokenRequest
    from entrakit.tokens.token import Token


class Use(NamedTuple):
    """Use this token as it is."""

    token: Token


class TryToRenew(NamedTuple):
    """Try once to get a better token; use the fallback if that fails."""

    fallback: Token


class MustRenew(NamedTuple):
    """No cached token can be used."""


Decision: TypeAlias = Use | TryToRenew | MustRenew


def decide(
    now: float,
    request: TokenRequest,
    token: Token | None,
    *,
    others: Sequence[Token] = (),
    refused_at: float = -1.0,
    answered: str = "",
    pause_until: float = 0.0,
) -> Decision:
    """Decide what to do with the cached tokens for a request. The first row that applies:

    | Request and cached tokens | Decision |
    |---|---|
    | the token is fresh and sufficient; no claims challenge, or the token answers it | use the token |
    | a claims challenge | must renew |
    | the token is sufficient, but stale | try to renew, with the token as fallback |
    | another usable token is sufficient and was not refused | try to renew, with that one as fallback |
    | any other | must renew |

    Sufficient: not expired, valid for the minimum lifetime, and issued after the required time. During the pause after
    an early renewal that failed, the fallback is used and nothing is tried.

    Args:
        now: Seconds since 1970.
        request: The request.
        token: The token that is cached for it.
        others: Other tokens that can be used for it, the best first: the one for the same scopes without CAE; for a
            client of the resource, any other of the resource.
        refused_at: Latest time of issue of such a token that a service has refused.
        answered: Claims challenge that the token was issued for.
        pause_until: End of the pause after an early renewal that failed.
    """
    is_usable = token is not None and token.is_fresh(now) and _is_sufficient(token, request, now)
    if token is not None and is_usable and request.claims in ("", answered):
        return Use(token)
    if request.claims:
        return MustRenew()
    for fallback in (token, *(one for one in others if one.issued_at > refused_at)):
        if fallback is not None and not fallback.is_expired(now) and _is_sufficient(fallback, request, now):
            return Use(fallback) if now < pause_until else TryToRenew(fallback)
    return MustRenew()


def _is_sufficient(token: Token, request: TokenRequest, now: float) -> bool:
    return now + request.min_validity_s <= token.expires_at and token.issued_at > request.issued_after
