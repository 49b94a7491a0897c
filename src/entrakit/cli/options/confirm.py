"""Previews and confirmations: `--what-if` shows the exact requests, and the user confirms what changes something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.cli.work import DeclinedError, Result
from entrakit.errors import ParameterError
from entrakit.http.address import shown_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.cli.context import Context
    from entrakit.connection.settings import Settings
    from entrakit.services.operation import Request


def preview(requests: Sequence[Request], *, is_many: bool = False) -> Result:
    """Return requests exactly as they would be sent, without the token.

    Args:
        requests: The requests.
        is_many: Whether the value is a list, even of one request.
    """
    values = [_as_value(request) for request in requests]
    return Result(values if is_many else values[0], ("\n\n".join(_as_text(request) for request in requests),))


def question_for(requests: Sequence[Request]) -> str:
    """Return the question before requests with writes are sent."""
    if len(requests) == 1:
        size = len(requests[0].body or b"")
        return f"{requests[0].method} {requests[0].url}\n{f'body: {size} bytes' if size else 'no body'}\nSend it?"
    methods = sorted({request.method for request in requests})
    counts = ", ".join(f"{sum(one.method == method for one in requests)} {method}" for method in methods)
    write = next(request for request in requests if not request.is_safe)
    return f"{len(requests)} requests to {shown_host(write.url)}: {counts}\nSend them?"


def require_confirmation(context: Context, question: str, declined: str) -> None:
    """Ask the user. Without a terminal nobody can answer, and the command continues.

    Args:
        context: Context of the command.
        question: The question, without the answers.
        declined: Clause that says what a refusal prevents, such as `Nothing was sent`.

    Raises:
        DeclinedError: The user does not agree.
        ParameterError: Standard input is a terminal, but the question would not be visible.
    """
    if not context.is_terminal(context.streams.input):
        return
    if not context.is_terminal(context.streams.error):
        raise ParameterError(
            f"{declined}: this requires a confirmation, but standard error is not a terminal.",
            remedy="Add --yes, or leave standard error on the terminal.",
        )
    from entrakit.cli.options.prompts import confirm

    try:
        is_confirmed = confirm(context, question)
    except KeyboardInterrupt:
        print(file=context.streams.error)
        is_confirmed = False
    if not is_confirmed:
        raise DeclinedError(declined)


def confirm_replacement(old: Settings, new: Settings, context: Context) -> None:
    """Ask whether a saved connection of another account is replaced. Raises DeclinedError, ParameterError."""
    question = (
        f"The saved connection {old.name!r} is {old.describe_account()}.\nReplace it with {new.describe_account()}?"
    )
    require_confirmation(context, question, "Nothing was saved")


def confirm_user(new: Settings, named: str, context: Context) -> None:
    """Ask whether a sign-in is saved, unless the user who signed in is the named one. Raises DeclinedError.

    Args:
        new: Settings of the new connection.
        named: Name of the user who should sign in; empty if nobody was named.
        context: Context of the command.
    """
    if not named or named.casefold() != new.account.username.casefold():
        question = f"The sign-in was {new.describe_account()}.\nSave this connection?"
        require_confirmation(context, question, "Nothing was saved")


def _as_value(request: Request) -> dict[str, object]:
    import json

    value: dict[str, object] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    if request.body is not None:
        try:
            value["body"] = json.loads(request.body)
        except (ValueError, RecursionError):
            value["body"] = request.body.decode("utf-8", "replace")
    return value


def _as_text(request: Request) -> str:
    lines = [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers.items())]
    if request.body:
        lines += ["", request.body.decode("utf-8", "replace")]
    return "\n".join(lines)
