"""Previews and confirmations: `--what-if` prints the exact requests, and the user confirms writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import ParameterError
from entrakit.http.address import shown_host
from entrakit.shown_text import on_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.cli.context import Context
    from entrakit.services.operation import Request

DECLINED = 130


def preview(context: Context, requests: Sequence[Request], *, as_list: bool = False) -> int:
    """Print requests exactly as they would be sent, without the token. Nothing is sent.

    Args:
        context: Context of the command.
        requests: The requests.
        as_list: Whether to print a JSON list even for one request.

    Returns:
        The exit code.
    """
    if context.as_json:
        values = [_as_value(request) for request in requests]
        context.write_json(values if as_list else values[0])
    else:
        context.write("\n\n".join(_as_text(context, request) for request in requests))
    context.info("Nothing was sent. The requests would have the token, which is omitted here.")
    return 0


def may_send(context: Context, requests: Sequence[Request], *, yes: bool) -> bool:
    """Return whether requests may be sent. Writes need the confirmation of the user if there is a terminal.

    Args:
        context: Context of the command.
        requests: The requests.
        yes: Whether the user has confirmed them already.

    Raises:
        ParameterError: Standard input is a terminal, but the question would not be visible.
    """
    writes = [request for request in requests if not request.is_safe]
    streams = context.streams
    if yes or not writes or not context.is_terminal(streams.input):
        return True
    if not context.is_terminal(streams.error):
        raise ParameterError(
            "Nothing was sent: a write requires a confirmation, but standard error is not a terminal.",
            remedy="Add --yes, or leave standard error on the terminal.",
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
    context.info("Nothing was sent.")
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
