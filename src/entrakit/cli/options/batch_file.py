"""Files of requests: the JSON of Microsoft Graph for batches, of any length, or one request per line (NDJSON).

    {"requests": [{"id": "1", "method": "GET", "url": "/me"}, …]}
    {"id": "1", "method": "PATCH", "url": "/users/ada@contoso.com", "body": {"city": "London"}}

Errors name the request, and are raised before anything is sent. They never repeat values of bodies.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.options.body import is_json, text_of, unique
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from entrakit.services.operation import Request
    from entrakit.services.service import Service

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
_FIELDS = {"id", "method", "url", "headers", "body", "dependsOn"}
_REMEDY = "A request has id, method and url, and may have headers, body and dependsOn."


class BatchEntry(NamedTuple):
    """One request of a file.

    Args:
        id: Its id.
        method: HTTP method, upper case.
        url: Path below the base address of the service.
        headers: Header fields.
        body: Body of the request; None for none.
        depends_on: Ids of the requests that must succeed first.
        after: Positions of those requests, from 0.
    """

    id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    depends_on: tuple[str, ...] = ()
    after: tuple[int, ...] = ()

    def request_to(self, service: Service) -> Request:
        """Return the request to a service. Raises ParameterError, which names the request."""
        from entrakit.cli.options.query import address_of
        from entrakit.services.request import request_to

        try:
            return request_to(service, self.method, address_of(self.url), body=self.body, headers=self.headers)
        except ParameterError as error:
            raise ParameterError(f"Request {self.id!r}: {error.problem}", remedy=error.remedy) from error


def read_requests(data: bytes) -> list[BatchEntry]:
    """Return the requests of a file.

    Args:
        data: Content of the file.

    Raises:
        ParameterError: The file is invalid. The error names the request or line, and repeats no content.
    """
    entries: list[BatchEntry] = []
    places: dict[str, int] = {}
    for where, value in _values(data):
        entry = _entry(where, value)
        if entry.id in places:
            raise ParameterError(f"Two requests have the id {entry.id!r}.", remedy="Give each request its own id.")
        places[entry.id] = len(entries)
        entries.append(entry)
    if not entries:
        raise ParameterError("The file contains no requests.", remedy=_REMEDY)
    placed = [_placed(entry, places) for entry in entries]
    if any(entry.after for entry in placed):
        _refuse_circle(placed)
    return placed


def _values(data: bytes) -> Iterator[tuple[str, object]]:
    """Yield the JSON value of each request, with its position for errors."""
    try:
        text = text_of(data)
    except ValueError:
        raise ParameterError("The file is not UTF-8.", remedy="Save it as UTF-8.") from None
    try:
        whole = json.loads(text, object_pairs_hook=unique)
    except ParameterError:
        raise
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and "requests" in whole:
        strange = sorted(whole.keys() - {"requests"})
        if strange or not isinstance(whole["requests"], list):
            problem = f"unknown field {strange[0]!r} next to requests" if strange else "requests must be a list"
            raise ParameterError(f"Not a batch file: {problem}.", remedy=_REMEDY)
        for number, value in enumerate(whole["requests"], 1):
            yield f"Request {number}", value
        return
    if isinstance(whole, list):
        raise ParameterError("The file is a JSON list.", remedy='Use {"requests": […]}, or one request per line.')
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield f"Line {number}", json.loads(line, object_pairs_hook=unique)
            except ParameterError:
                raise
            except (ValueError, RecursionError):
                raise ParameterError(
                    f"Line {number} is not JSON.", remedy='Use one request per line, or one {"requests": […]}.'
                ) from None


def _entry(where: str, value: object) -> BatchEntry:
    if not isinstance(value, dict):
        raise ParameterError(f"{where} must be a JSON object.", remedy=_REMEDY)
    identity = value.get("id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if not isinstance(identity, str) or not identity:
        raise ParameterError(f"{where} has no id.", remedy=_REMEDY)
    where = f"Request {identity!r}"
    strange = sorted(value.keys() - _FIELDS)
    if strange:
        raise ParameterError(f"{where}: unknown field {strange[0]!r}.", remedy=_REMEDY)
    method, url = value.get("method"), value.get("url")
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise ParameterError(f"{where}: the method must be one of {', '.join(METHODS)}.", remedy=_REMEDY)
    if not isinstance(url, str) or not url.strip():
        raise ParameterError(f"{where} has no url.", remedy=_REMEDY)
    headers = value.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(one, str) for one in headers.values()):
        raise ParameterError(f"{where}: headers must be an object whose values are strings.", remedy=_REMEDY)
    after = value.get("dependsOn") or []
    if not isinstance(after, list) or not all(isinstance(one, str | int) for one in after):
        raise ParameterError(f"{where}: dependsOn must be a list of ids.", remedy=_REMEDY)
    body = _body(where, value.get("body"), headers)
    if body is not None and method.upper() == "GET":
        raise ParameterError(f"{where}: a GET has no body.", remedy="Remove the body.")
    return BatchEntry(identity, method.upper(), url, headers, body, tuple(dict.fromkeys(str(one) for one in after)))


def _body(where: str, body: object, headers: Mapping[str, str]) -> bytes | None:
    """Return the bytes to send: JSON, or base64 decoded if the content type is not JSON."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if body is None:
        return None
    if is_json(kind):
        try:
            return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        except ValueError:
            raise ParameterError(f"{where}: the body is not JSON.") from None
    from base64 import b64decode

    from entrakit.http.message import media_type

    try:
        return b64decode(str(body), validate=True)
    except ValueError:
        raise ParameterError(
            f"{where}: the body is not base64, which {media_type(kind)} requires.", remedy="Encode it."
        ) from None


def _refuse_circle(entries: list[BatchEntry]) -> None:
    from entrakit.graph.batch import circle_of

    names = ", ".join(repr(entries[place].id) for place in circle_of([entry.after for entry in entries]))
    if names:
        raise ParameterError(
            f"Requests depend on each other in a circle: {names[:200]}.", remedy="Remove one of the dependencies."
        )


def _placed(entry: BatchEntry, places: Mapping[str, int]) -> BatchEntry:
    for other in entry.depends_on:
        if other not in places or other == entry.id:
            problem = "itself" if other == entry.id else f"{other!r}, which is not in the file"
            raise ParameterError(
                f"Request {entry.id!r} depends on {problem}.", remedy="Name another request of the file."
            )
    return entry._replace(after=tuple(places[other] for other in entry.depends_on))
