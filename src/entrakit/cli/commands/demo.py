"""`entra demo`: all five flows on the embedded tenant, each with one request to a protected endpoint."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from entrakit.cli.commands.emulator import start
from entrakit.cli.options.output import add_output
from entrakit.cli.work import Result, Rows, Work
from entrakit.errors import EntraError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from entrakit import Connection, Transport
    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit_emulator import Tenant


class DemoOutcome(NamedTuple):
    """The outcome of one flow.

    Args:
        flow: Name of the flow.
        account: Account of the connection.
        called: Path of the request.
        result: `ok` with the name of the returned object, or `failed` with the reason.
        milliseconds: Duration.
    """

    flow: str
    account: str
    called: str
    result: str
    milliseconds: int


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("--no-browser", action="store_true", help="sign in with a scripted user instead of you")
    add_output(parser, default="text")


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the sign-ins."""
    return Work(_sign_in(context, by_user=not options.no_browser and context.is_terminal(context.streams.output)))


def _sign_in(context: Context, *, by_user: bool) -> Steps:
    """Sign in with each flow, and report the outcomes."""
    from entrakit.cli.output.tables import short
    from entrakit.http.transport import Transport

    tenant = start()
    try:
        yield f"The embedded tenant runs at {tenant.url}."
        if by_user:
            user = tenant.users.normal
            yield f"If a browser opens, sign in there as {user.upn}, password {user.password}"
        transport = Transport(ca_bundle=tenant.ca_path)
        outcomes = [
            _try(flow, connect, path, tenant, transport)
            for flow, path, connect in _flows(tenant, transport, context, by_user=by_user)
        ]
        transport.close()
    finally:
        tenant.stop()
    cells = [
        (one.flow, short(one.account, context), one.called, one.result, f"{one.milliseconds} ms") for one in outcomes
    ]
    rows = Rows(("FLOW", "CONNECTED AS", "CALLED", "RESULT", "TOOK"), cells)
    yield Result([one._asdict() for one in outcomes], table=rows)
    return 0 if all(one.result.startswith("ok") for one in outcomes) else 1


def _flows(
    tenant: Tenant, transport: Transport, context: Context, *, by_user: bool
) -> list[tuple[str, str, Callable[[], Connection]]]:
    """Return each flow with the path of its request and the function that connects."""
    from entrakit.authority.clouds import find_cloud
    from entrakit.connecting import connect
    from entrakit.secret import UsernamePassword
    from entrakit.sign_in.parameter_types import CommonParameters

    common = CommonParameters(cloud=find_cloud(tenant.url), graph_url=tenant.url, transport=transport, timeout=120)
    user = tenant.users.normal
    person = tenant.person()
    pem = (tenant.certificate_pem + tenant.private_key_pem).encode()
    public, app, home = tenant.public_client, tenant.confidential_client, tenant.tenant_id

    def open_browser(url: str) -> bool:
        from entrakit.sign_in.system_browser import open_browser as open_real

        return (by_user and open_real(url, context.environ)) or person.open_browser(url)

    def approve(code: DeviceCode) -> None:
        person.approve_device(code.user_code)

    return [
        ("browser", "/v1.0/me", lambda: connect(
            client_id=public, tenant_id=home, open_browser=open_browser, **common)),
        ("device code", "/v1.0/me", lambda: connect(
            client_id=public, tenant_id=home, device_code=True, on_device_code=approve, **common)),
        ("certificate", "/v1.0/organization", lambda: connect(
            client_id=app, tenant_id=home, certificate=pem, **common)),
        ("secret", "/v1.0/organization", lambda: connect(
            client_id=app, tenant_id=home, client_secret=tenant.client_secret, **common)),
        ("password", "/v1.0/me", lambda: connect(
            client_id=public, tenant_id=home, credential=UsernamePassword(user.upn, user.password), **common)),
    ]  # fmt: skip


def _try(flow: str, connect: Callable[[], Connection], path: str, tenant: Tenant, transport: Transport) -> DemoOutcome:
    begun = time.monotonic()
    account = ""
    try:
        connection = connect()
        account = connection.account.name or connection.account.username
        answer = transport.send("GET", f"{tenant.url}{path}", headers=connection.headers())
        result = _described(answer.status, answer.text)
    except EntraError as error:
        result = f"failed: {error.problem}"
    return DemoOutcome(flow, account, path, result, round((time.monotonic() - begun) * 1000))


def _described(status: int, text: str) -> str:
    """Return a short description of the response."""
    body = json.loads(text)
    if status != 200:
        return f"failed: HTTP {status}"
    first = body["value"][0] if "value" in body else body
    return f"ok: {first['displayName']}"
