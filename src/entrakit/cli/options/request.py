"""The options of one request, checked; and the work of a command that sends requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.cli.work import Steps
    from entrakit.services.odata import Query
    from entrakit.services.operation import Request
    from entrakit.services.service import Service


class RequestOptions(NamedTuple):
    """The options of a request. The service is known only when the connection is open.

    Args:
        method: HTTP method, upper case.
        path: The address.
        headers: Header fields.
        query: Query options.
        body: Body of the request; None for none.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Query
    body: bytes | None = None

    def to(self, service: Service) -> Request:
        """Return the request to a service. Raises ParameterError."""
        from entrakit.services.request import request_to

        return request_to(service, self.method, self.path, body=self.body, headers=self.headers, query=self.query)


def sending(requests: Sequence[Request], steps: Steps, *, is_many: bool = False, note: str = "") -> Work:
    """Return the work that sends requests: the preview is exact, and writes require a confirmation.

    Args:
        requests: The requests that are known before anything is sent.
        steps: Sends them, and writes the result.
        is_many: Whether the preview is a list, even of one request.
        note: Message after the preview; empty for none.
    """
    question = ""
    if not all(request.is_safe for request in requests):
        from entrakit.cli.options.confirm import question_for

        question = question_for(requests)
    preview = _preview(requests, is_many=is_many, note=note)
    return Work(steps, preview=preview, question=question, declined="Nothing was sent")


def _preview(requests: Sequence[Request], *, is_many: bool, note: str) -> Steps:
    from entrakit.cli.options.confirm import preview

    yield preview(requests, is_many=is_many)
    yield "Nothing was sent. The requests would have the token, which is omitted here."
    if note:
        yield note
    return 0
