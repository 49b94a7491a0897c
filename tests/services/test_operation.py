"""Operations as values: the first request, and the outcomes that a runner sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.authority.clouds import GLOBAL
from entrakit.errors import NetworkError, ParameterError
from entrakit.services.operation import (
    Call,
    Held,
    Outcome,
    Request,
    Response,
    TheService,
    Undelivered,
    Wait,
    first_request,
    held_of,
    outcomes_of,
    response_of,
    service_of,
)
from entrakit.services.service import find_service

if TYPE_CHECKING:
    from collections.abc import Generator

    from entrakit.services.operation import Step

GRAPH = find_service("graph", GLOBAL)
GET = Request("GET", "https://graph.microsoft.com/v1.0/users?$filter=mail eq 'canary'")


def test_the_first_request_ends_the_operation() -> None:
    """
    Asking an operation for its first request runs it to that request only, and then closes it.
    """
    events: list[str] = []

    def operation() -> Generator[Step, object, None]:
        try:
            events.append("begun")
            yield GET
            events.append("continued")
        finally:
            events.append("closed")

    one = operation()

    assert GET == first_request(one, GRAPH)
    assert ["begun", "closed"] == events
    assert None is next(one, None)


def test_a_call_has_its_request_any_number_of_times() -> None:
    """
    A call is a value: asking for its request does not use it up.
    """
    call = Call(GET, lambda response: response)

    assert GET == first_request(call, GRAPH) == first_request(call, GRAPH)


def test_an_operation_is_told_its_service_first() -> None:
    """
    The first request may depend on the service, which a preview tells the operation as a runner does.
    """

    def operation() -> Generator[Step, object, None]:
        service = service_of((yield TheService()))
        yield Request("GET", f"{service.url}/me")

    assert f"{GRAPH.url}/me" == first_request(operation(), GRAPH).url
    with pytest.raises(TypeError, match="must be a Service, not str"):
        service_of("graph")


@pytest.mark.parametrize("steps", [[Wait(1.0, "test"), GET], []])
def test_an_operation_that_does_not_begin_with_a_request_has_none(steps: list[Step]) -> None:
    """
    An operation that waits first, or does nothing, has no first request.
    """

    def operation() -> Generator[Step, object, None]:
        yield from steps

    with pytest.raises(ParameterError, match="does not begin with a request") as caught:
        first_request(operation(), GRAPH)
    assert "Preview its parts." == caught.value.remedy


def test_a_call_shows_neither_query_nor_body() -> None:
    """
    The `repr` of a call has the method and the address without the query.
    """
    call = Call(GET._replace(method="POST", body=b"canary"), lambda response: response)

    assert "Call(POST https://graph.microsoft.com/v1.0/users)" == repr(call)


def test_an_outcome_of_the_wrong_kind_is_an_error() -> None:
    """
    An operation gets the outcome that its step promises; any other kind is a TypeError that names it.
    """
    response = Response(GET, 200, {}, b"")
    outcomes = [Outcome(1), Outcome(error=NetworkError("lost"))]

    assert response is response_of(response)
    assert outcomes is outcomes_of(outcomes)
    assert Held(("User.Read",)) == held_of(Held(("User.Read",)))
    assert Held() == held_of(None)
    with pytest.raises(TypeError, match="must be a Response, not NoneType"):
        response_of(None)
    with pytest.raises(TypeError, match="must be a list, not Response"):
        outcomes_of(response)


def test_a_failed_request_is_raised_in_the_operation() -> None:
    """
    Undelivered carries the error, which an operation can return instead of failing.
    """
    error = NetworkError("lost")

    def operation() -> Generator[Step, object, object]:
        try:
            yield GET
        except Undelivered as lost:
            return lost.error
        return None

    one = operation()
    next(one)
    with pytest.raises(StopIteration) as end:
        one.throw(Undelivered(error))
    assert error is end.value.value
