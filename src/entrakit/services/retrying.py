"""Sending a request to a service, and sending it again: the only place where operations do this.

    429                      sent again with any method: the request had no effect
    503                      likewise, if it comes from Microsoft Graph, which promises this; other services do not, and
                             a proxy, which answers with a web page, does not either
    409 of the directory     "concurrent requests": likewise
    500, 502, 504, 408       sent again if the method is idempotent
    no answer                sent again if the method is idempotent, or if the request certainly did not arrive; once if
                             a name can't be resolved
    401                      sent a second time with a new token, and with the claims challenge of the answer
    301, 302, 303, 307, 308  followed for GET and HEAD; the token is left out if the origin changes

`http/retry.py` has the rules for statuses and waits. All waits of a request together stay within a budget. After the
last attempt, the answer is returned as it is, or the error is raised.
"""

from __future__ import annotations

import random as randomness
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from entrakit.errors import UnexpectedAnswerError
from entrakit.http import retry
from entrakit.http.address import Origin, shown_host
from entrakit.services.operation import Request, Response, Undelivered, Wait, response_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.errors import EntraError, NetworkError
    from entrakit.services.operation import Operation

ATTEMPTS = 8
PATIENCE_S = 300.0
REDIRECTS = 5

_CONCURRENT = b"Directory_ConcurrencyViolation"


class _Trip(NamedTuple):
    """The attempts so far."""

    attempts: int = 0
    waited_s: float = 0.0
    redirects: int = 0
    has_new_token: bool = False
    may_be_done: bool = False


def send(
    request: Request, *, random: Callable[[], float] = randomness.random, patience_s: float = PATIENCE_S
) -> Operation[Response]:
    """Send a request, again if that is safe and can help, and return the answer with any status.

    Args:
        request: The request.
        random: Returns numbers in [0, 1), which spread the waits.
        patience_s: Maximum number of seconds for all waits together.

    Raises:
        NetworkError: No answer arrived, also after the last attempt. It is an OutcomeUnknownError, too, if the request
            may have been done, and a repeat may do it twice.
        UnexpectedAnswerError: Redirects do not end, or lead to an address without TLS.
    """
    trip = _Trip()
    while True:
        trip = trip._replace(attempts=trip.attempts + 1)
        try:
            response = response_of((yield request))
        except Undelivered as failure:
            error = failure.error
            pause = None
            if retry.is_transient_failure(error, is_repeatable=request.is_idempotent):
                pause = _pause(trip, None, random, patience_s, retry.most_attempts(error, ATTEMPTS))
            if pause is None:
                raise _final(error, request) from failure
            yield Wait(pause, error.problem)
            trip = trip._replace(waited_s=trip.waited_s + pause, may_be_done=trip.may_be_done or error.may_have_arrived)
            continue
        if response.is_success:
            return response._replace(attempts=trip.attempts, waited_s=trip.waited_s)
        following = _following(request, response, trip)
        if following is not None:
            request, trip = following
            continue
        pause = None
        if _is_repeatable(request, response):
            pause = _pause(trip, retry.retry_after(response), random, patience_s)
        if pause is None:
            return _settled(response, trip)
        yield Wait(pause, f"HTTP {response.status}", is_throttled=response.status == 429)
        trip = trip._replace(
            waited_s=trip.waited_s + pause, may_be_done=trip.may_be_done or response.status in retry.UNCERTAIN
        )


def backoff(attempt: int, *, random: Callable[[], float] = randomness.random) -> float:
    """Return the seconds to wait after an attempt, if the service requires no time."""
    pause = retry.delay_before(attempt, elapsed_s=0.0, retry_after_s=None, random=random, attempts=attempt + 1)
    return pause or 0.0


def promises_no_effect(response: Response) -> bool:
    """Return whether the 503 of this response promises that the request had no effect.

    A 503 with a web page comes from a proxy, which promises nothing; Graph's own pages have a Retry-After.
    """
    return response.request.is_graph and (response.media_type != "text/html" or "retry-after" in response.headers)


def _pause(
    trip: _Trip, retry_after_s: float | None, random: Callable[[], float], patience_s: float, attempts: int = ATTEMPTS
) -> float | None:
    return retry.delay_before(
        trip.attempts,
        elapsed_s=trip.waited_s,
        retry_after_s=retry_after_s,
        random=random,
        attempts=attempts,
        patience_s=patience_s,
    )


def _final(error: NetworkError, request: Request) -> EntraError:
    """Return the error to raise after the last attempt that got no answer."""
    from entrakit.services import outcome

    if not error.may_have_arrived or not outcome.may_double(request):
        return error
    return outcome.as_unknown(error, f"{error.problem} {outcome.not_known(request)}")


def _is_repeatable(request: Request, response: Response) -> bool:
    if response.status == 409:
        return _CONCURRENT in response.body
    return retry.is_transient(
        response.status, is_repeatable=request.is_idempotent, is_unavailable_safe=promises_no_effect(response)
    )


def _following(request: Request, response: Response, trip: _Trip) -> tuple[Request, _Trip] | None:
    """Return the request to send next, without a wait: with a new token, or to the target of a redirect; else None."""
    if response.status == 401 and request.is_authorized and not trip.has_new_token:
        from entrakit.tokens.claims_challenge import challenge_in

        claims = challenge_in(response.headers.get("www-authenticate", ""))
        renewed = request._replace(claims=claims, issued_after=response.sent_at)
        return renewed, trip._replace(has_new_token=True)
    location = response.headers.get("location", "")
    if response.status not in (301, 302, 303, 307, 308) or not location or request.method not in ("GET", "HEAD"):
        return None
    here = response.request.url
    try:
        url = urljoin(here, location)
    except ValueError:
        url = ""
    if trip.redirects >= REDIRECTS or Origin.of(url) is None:
        raise UnexpectedAnswerError(
            f"{shown_host(here)} sends us on to {shown_host(url) or 'another page'} instead of answering.",
            remedy="Check the address, the network and the proxy.",
            host=shown_host(here),
            correlation_id=request.client_request_id,
            request_id=response.request_id,
            retryable=False,
        )
    origin = Origin.of(here)
    same = origin is not None and origin.owns(url)
    # The target of the redirect must not receive the token, nor the other headers for the service.
    headers = request.headers if same else {}
    followed = request._replace(url=url, headers=headers, is_authorized=request.is_authorized and same)
    return followed, trip._replace(redirects=trip.redirects + 1)


def _settled(response: Response, trip: _Trip) -> Response:
    """Return the answer with its attempts; 404 after a DELETE that perhaps worked counts as deleted."""
    response = response._replace(attempts=trip.attempts, waited_s=trip.waited_s)
    if response.status == 404 and trip.may_be_done and response.request.method == "DELETE":
        return response._replace(status=204, body=b"")
    return response
