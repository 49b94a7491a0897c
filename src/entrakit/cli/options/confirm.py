"""Requests before they are sent: shown exactly with `--what-if`, and asked about where they would change something."""

from __future__ import annotations

from entrakit.errors import ParameterError
from entrakit.http.address import shown_host
from entrakit.shown_text import on_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.cli.context import Context
    from entrakit.services.operation import Request

DECLINED = 130
_READS = ("GET", "HEAD", "OPTIONS")


def is_write(method: str) -> bool:
    """Return whether a request may change something."""
    return method.upper() not in _READS


def give_requests(context: Context, requests: Sequence[Request], *, as_list: bool = False) -> int:
    """Write requests as they would be sent, without the token; send nothing.

    Args:
        context: Where to write.
        requests: What would be sent.
        as_list: Write a list of JSON where there is but one, too.

    Returns:
        The exit code.
    """
    if context.as_json:
        values = [_as_value(request) for request in requests]
        context.give_json(values if as_list else values[0])
    else:
        context.give("\n\n".join(_as_text(context, request) for request in requests))
    context.tell("Nothing was sent. The token, which is left out here, goes with it.")
    return 0


def may_send(context: Context, requests: Sequence[Request], *, yes: bool) -> bool:
    """Return whether requests may be sent: a person at a terminal is asked about writes, nobody else is.

    Args:
        context: Where a person may be.
        requests: What would be sent.
        yes: Whether the answer was given already.

    Raises:
        ParameterError: A person is there, but would not see the question.
    """
    writes = [request for request in requests if is_write(request.method)]
    streams = context.streams
    if yes or not writes or not context.is_terminal(streams.input):
        return True
    if not context.is_terminal(streams.error):
        raise ParameterError(
            "A write asks before it acts, and standard error, where the question would be, is no terminal.",
            remedy="Add --yes, or leave standard error on the terminal. Nothing was sent.",
        )
    from entrakit.cli.options.prompts import confirm

    if len(requests) == 1:
        size = len(writes[0].body or b"")
        question = f"{writes[0].method} {writes[0].url}\n{f'body: {size} bytes' if size else 'no body'}\nSend it?"
    else:
        methods = sorted({request.method for request in requests})
        counts = ", ".join(f"{sum(one.method == method for one in requests)} {method}" for method in methods)
        question = f"{len(requests)} requests to {shown_host(writes[0].url)}: {counts}\nSend them?"
    try:
        if confirm(context, question):
            return True
    except KeyboardInterrupt:
        print(file=streams.error)
    context.tell("Nothing was sent.")
    return False


def _as_value(request: Request) -> dict[str, object]:
    import json

    value: dict[str, object] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    if request.body is not None:
        try:
            value["body"] = json.loads(request.body)
        except (ValueError, RecursionError):
            value["body"] = request.body.decode("utf-8", "replace")
    return value


def _as_text(context: Context, request: Request) -> str:
    lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers.items())]
    if request.body:
        lines += ["", request.body.decode("utf-8", "replace")]
    text = "\n".join(lines)
    return on_terminal(text) if context.is_terminal(context.streams.output) else text
