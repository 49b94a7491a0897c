"""`entra emulator`: run the embedded tenant until it is interrupted."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from entrakit.cli.options.credentials import not_empty
from entrakit.cli.options.output import add_output
from entrakit.cli.work import Result, Work
from entrakit.errors import ExportError, ParameterError
from entrakit.files.result import check_target
from entrakit.paths import absolute

if TYPE_CHECKING:
    import argparse

    from entrakit.cli.context import Context
    from entrakit.cli.parser import Parser
    from entrakit.cli.work import Steps
    from entrakit_emulator import Tenant

# Hosts of managed identities; the emulator's own names have underscores.
HOSTS = ("imds", "app-service", "container-apps", "arc", "service-fabric", "cloud-shell", "azure-ml")


def arguments(parser: Parser) -> None:
    """Add the options of the command."""
    parser.add_argument("--port", type=int, default=0, help="loopback port (default: any free port)")
    parser.add_argument(
        "--users", type=int, default=0, metavar="N", help="number of additional users, always the same ones"
    )
    parser.add_argument("--restore", type=not_empty, metavar="FILE", help="snapshot to start with")
    parser.add_argument(
        "--identity",
        choices=HOSTS,
        metavar="HOST",
        help=f"host of managed identities, whose variables are printed: {', '.join(HOSTS)}",
    )
    add_output(parser, default="none")
    parser.add_argument(
        "--snapshot", type=not_empty, metavar="FILE", help="file for a snapshot of the tenant at the end"
    )


def work(options: argparse.Namespace, context: Context) -> Work:
    """Return the run of the tenant."""
    del context
    _check(options)
    return Work(_serve(options), is_stream=True)


def _serve(options: argparse.Namespace) -> Steps:
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # A program that ignores a closed terminal, as `nohup` makes it, continues to do so.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: ended.set())
    tenant = start(options.port, users=options.users, restore=options.restore or "")
    try:
        variables = _variables(tenant, options.identity or "")
        yield Result(_as_json(tenant) | ({"identity": variables} if variables else {}), _lines(tenant, variables))
        ended.wait()
    except KeyboardInterrupt:
        yield ""
    finally:
        try:
            if options.snapshot:
                _write(tenant, options.snapshot)
        finally:
            tenant.stop()
    if options.snapshot:
        yield f"The tenant was saved to {options.snapshot}."
    return 0


def _check(options: argparse.Namespace) -> None:
    """Check now the options that would otherwise fail only at the end."""
    if not 0 <= options.port <= 65535:
        raise ParameterError(
            f"{options.port} is not a port.", remedy="Give a number from 1024 to 65535, or leave --port out."
        )
    if options.users < 0:
        raise ParameterError(
            f"--users must be a number of users, not {options.users}.", remedy="Use 0 or more, or leave --users out."
        )
    if options.users and options.restore:
        raise ParameterError(
            "--users and --restore don't go together: a snapshot has its own users.", remedy="Leave one of them out."
        )
    if options.snapshot:
        check_target(options.snapshot)


def _variables(tenant: Tenant, host: str) -> dict[str, str]:
    """Start a host of managed identities, and return the variables of its programs; none without a host."""
    try:
        return tenant.identity.variables(host.replace("-", "_")) if host else {}
    except OSError as error:
        raise ParameterError(
            f"{error.filename} can't be written: {error.strerror}. Azure Arc requires files in that directory.",
            remedy="Run the command as a user who is allowed to create it, or choose another host for --identity.",
        ) from error


def _write(tenant: Tenant, path: str) -> None:
    try:
        tenant.snapshot(path)
    except OSError as error:
        raise ExportError(
            f"{path} can't be written: {error.strerror}.", remedy="Use another file for --snapshot."
        ) from error


def start(port: int = 0, *, users: int = 0, restore: str = "") -> Tenant:
    """Start the embedded tenant.

    Raises:
        ParameterError: Its packages are not installed, the port is in use, or the snapshot can't be used.
    """
    try:
        import entrakit_emulator

        return entrakit_emulator.start(port=port, users=users, restore=restore or None)
    except ValueError as error:
        raise ParameterError(f"{error}", remedy="Use a file that --snapshot wrote.") from error
    except ModuleNotFoundError as error:
        raise ParameterError(
            f"The embedded tenant needs the package {error.name}.", remedy="Type: pip install 'entrakit[emulator]'"
        ) from error
    except OSError as error:
        if restore and error.filename:
            absolute(restore)
            raise ParameterError(
                f"{restore} can't be read: {error.strerror}.", remedy="Use a file that --snapshot wrote."
            ) from error
        raise ParameterError(
            f"Can't listen on port {port}: {error.strerror}.", remedy="Use another --port, or leave it out."
        ) from error


def _as_json(tenant: Tenant) -> dict[str, object]:
    return {
        "url": tenant.url,
        "ca_path": tenant.ca_path,
        "tenant_id": tenant.tenant_id,
        "domain": tenant.domain,
        "public_client": tenant.public_client,
        "confidential_client": tenant.confidential_client,
        "client_secret": tenant.client_secret,
        "control_key": tenant.control_key,
        "users": {kind: {"upn": user.upn, "password": user.password} for kind, user in tenant.users._asdict().items()},
    }


def _lines(tenant: Tenant, variables: dict[str, str]) -> list[str]:
    users = tenant.users._asdict()
    return [
        f"The embedded tenant runs at {tenant.url}. It is not a real tenant.",
        "",
        f"  CA certificate       {tenant.ca_path}",
        f"  tenant               {tenant.tenant_id} ({tenant.domain})",
        f"  public client        {tenant.public_client}",
        f"  confidential client  {tenant.confidential_client}",
        f"  its secret           {tenant.client_secret}",
        *(f"  user ({kind}){' ' * (13 - len(kind))} {user.upn}  {user.password}" for kind, user in users.items()),
        "",
        "Connect to it:",
        f"  entra connect --authority-url {tenant.url} --graph-url {tenant.url} --ca-bundle {tenant.ca_path} \\",
        f"    --tenant-id {tenant.domain} --client-id {tenant.public_client}",
        *(["", "Variables of a program with a managed identity:"] if variables else []),
        *(f"  export {name}={value}" for name, value in variables.items()),
        "",
        "Stop it with Ctrl-C.",
    ]
