"""The options of one request, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

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
