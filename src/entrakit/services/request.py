"""Single requests as values: this checks and combines address, query, headers and body."""

from __future__ import annotations

import json
import logging
import os
import re
from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.http.address import path_and_query, shown_host
from entrakit.services import odata
from entrakit.services.fetch import as_json, as_type
from entrakit.services.operation import Call, Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from typing_extensions import TypeVar

    from entrakit.services.odata import Query
    from entrakit.services.operation import Response
    from entrakit.services.service import Service

    T = TypeVar("T", default=dict[str, object])

JSON = "application/json"
# Set by the runner or the transport; other values could change where a request ends or how it is framed.
_RESERVED = frozenset(
    {"authorization", "host", "content-length", "transfer-encoding", "connection", "upgrade", "cookie"}
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
# Half of a character: a byte that is not UTF-8 in an argument of a program (PEP 383).
_HALF = re.compile("[\ud800-\udfff]")
_METHOD = re.compile(r"[A-Z]{1,20}")

log = logging.getLogger("entrakit.graph")


def call(
    service: Service,
    method: str,
    path: str,
    *,
    type: type[T] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    **query: Unpack[Query],
) -> Call[T]:
    """Return a request as a value, to run, await, preview or put into a batch.

    Args:
        service: The service.
        method: HTTP method.
        path: Path below the service's base address, such as `/users/ada@contoso.com`; or a complete address.
        type: Type of the result; None for the values of its JSON.
        body: Mapping, list, struct or other value, which becomes JSON; strings and bytes are sent as they are.
        headers: Header fields.
        query: Query options: `select`, `filter`, `expand`, `search`, `orderby`, `top`, `count`, `options`.

    Raises:
        ParameterError: A part of the request is invalid, or the address belongs to another service.
    """
    return _call(request_to(service, method, path, body=body, headers=headers, query=query), type)


def _call(request: Request, type: type[T] | None) -> Call[T]:
    if type is None:
        return Call(request, as_json)  # type: ignore[arg-type] # T's default
    result_type = type

    def read(response: Response) -> T:
        if not response.body and (response.status in (202, 204, 304) or request.method != "GET"):
            return None  # type: ignore[return-value] # post(), patch() and put() say so
        return as_type(response, result_type)

    return Call(request, read)


def path_call(
    method: str,
    path: str,
    *,
    type: type[T] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    **query: Unpack[Query],
) -> Call[T]:
    """Return a request as a value for any client: the client that runs it completes the address.

    Arguments as for `call`; the path must begin with a slash.

    Raises:
        ParameterError: The method, the path, a query option, the body or a header field is invalid.
    """
    if not path.startswith("/"):
        raise ParameterError("The path must begin with a slash.", remedy="Example: /users.")
    fields = _checked(headers or {})
    content = _content(method, body, fields)
    parameters = odata.encoded(odata.parameters(query)) if query else ""
    address = f"{path}{'&' if '?' in path else '?'}{parameters}" if parameters else path
    return _call(Request(_method(method), address, fields, content), type)


def on_service(request: Request, service: Service) -> Request:
    """Return a request whose address may be a path as the request to a service. Raises ParameterError."""
    if not request.url.startswith("/"):
        return request
    return request_to(service, request.method, request.url, body=request.body, headers=request.headers)


def request_to(
    service: Service,
    method: str,
    path: str,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    query: Query | None = None,
) -> Request:
    """Return a request to a service; arguments and errors as for `call`."""
    method = _method(method)
    parameters = odata.parameters(query) if query else {}
    fields = {"accept": JSON, "client-request-id": guid()}
    if headers:
        fields |= _checked(headers)
    address, path = _address(service, path)
    if not service.is_graph:
        parameters = {**dict(service.query), **parameters}
    elif parameters or "?" in path or "$" in path:
        # Without parameters, only a `$count` at the end of the path can require an advanced query.
        _add_consistency(path, parameters, fields)
    content = _content(method, body, fields)
    if parameters:
        address += ("&" if "?" in address else "?") + odata.encoded(parameters)
    return Request(method, address, fields, content, is_graph=service.is_graph)


def headers_key(headers: Mapping[str, str] | None) -> str:
    """Return header fields as a part of the key of a query: they can change its result."""
    fields = sorted((name.lower(), value) for name, value in (headers or {}).items())
    return "&".join(f"{name}={value}" for name, value in fields if name != "client-request-id")


def guid() -> str:
    """Return a random GUID (RFC 9562, 5.4). Loading the module `uuid` takes longer than preparing a request."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _method(method: str) -> str:
    if not _METHOD.fullmatch(method.upper()):
        raise ParameterError(f"{method!r} is not an HTTP method.", remedy="Use GET, POST, PATCH, PUT or DELETE.")
    return method.upper()


def _address(service: Service, path: str) -> tuple[str, str]:
    """Return the absolute address, and the path below the base address."""
    if any(letter <= " " or letter in "\\\x7f" or letter == "#" for letter in path):
        raise ParameterError(
            f"The address {path!r} contains invalid characters.",
            remedy="Escape ids and names with odata.segment(): # is %23, a space is %20.",
        )
    if not path.isascii() and _HALF.search(path):
        raise odata.not_text(path)
    if "://" in path.partition("?")[0]:
        if path[:7].lower() == "http://" and service.owns(f"https://{path[7:]}"):
            raise ParameterError(
                f"The address of {shown_host(path)} is not an https address, so nothing was sent.",
                remedy="Use https, or a path.",
            )
        if not service.owns(path):
            raise ParameterError(
                f"{shown_host(path) or path!r} is not a host of the service {service.name}, so nothing was sent.",
                remedy=f"Use a path, or an https address on {service.host}.",
            )
        root = _root(service)
        rest = path[len(root) :] if path.lower().startswith(f"{root.lower()}/") else path_and_query(path)
        return path, _below(service, rest.partition("/")[2])
    if ".." in path.partition("?")[0].split("/"):
        raise ParameterError(f"The path {path!r} leaves the service.", remedy="Remove the two dots.")
    path = path.lstrip("/")
    below = _below(service, path)
    base = service.url if below == path else _root(service)
    return f"{base}/{path}", below


def _root(service: Service) -> str:
    """Return the base address, without the version of Graph."""
    return service.url.rpartition("/")[0] if service.is_graph else service.url


def _below(service: Service, path: str) -> str:
    """Return a path, without the version of Graph at its beginning."""
    version, _, rest = path.partition("/")
    return rest if service.is_graph and version in ("v1.0", "beta") else path


def _add_consistency(path: str, parameters: dict[str, str], fields: dict[str, str]) -> None:
    """Add what an advanced query requires, if the request has to be one."""
    from urllib.parse import parse_qsl

    from entrakit.services import advanced_query

    given = dict(parse_qsl(path.partition("?")[2], keep_blank_values=True)) if "?" in path else {}
    query = given | parameters
    reason = advanced_query.reason(path, query)
    if not reason:
        return
    fields.setdefault(advanced_query.HEADER, "eventual")
    counted = advanced_query.needs_count(path, query) and "$count" not in query
    if counted:
        parameters["$count"] = "true"
    log.debug("ConsistencyLevel: eventual%s was added because of %s", " and $count=true" if counted else "", reason)


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in headers.items():
        lowered = name.lower()
        if lowered in _RESERVED:
            raise ParameterError(f"The header {name} is set by entrakit.", remedy="Leave it out.")
        is_plain = value.isascii() and all(" " <= one <= "~" or one == "\t" for one in value)
        if not _TOKEN.fullmatch(name) or not is_plain:
            raise ParameterError(f"The header {name!r} contains invalid characters.")
        fields[lowered] = value.strip()
    return fields


def _content(method: str, body: object, fields: dict[str, str]) -> bytes | None:
    """Return the body of a request; None for none. Only a PATCH, which describes changes, requires one (RFC 5789)."""
    if body in (None, "", b"") and method.upper() == "PATCH":
        raise ParameterError("A PATCH without a body changes nothing.", remedy="Pass the changes as `body`.")
    return None if body is None else _encoded(body, fields)


def _encoded(body: object, fields: dict[str, str]) -> bytes:
    fields.setdefault("content-type", JSON)
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    if isinstance(body, str):
        if _HALF.search(body):
            raise odata.not_text(body)
        return body.encode()
    try:
        if isinstance(body, dict | list):
            return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError):
        pass
    from entrakit.services import decoding

    try:
        return decoding.encode(body)
    except (TypeError, ValueError, UnicodeError) as error:
        raise ParameterError(
            f"The body can't be written as JSON: {error}.",
            remedy="Use dicts, lists, strings, numbers, structs or dates.",
        ) from error
