"""Connections through proxies. The first one is opened alone, so that a wrong password is sent once.

A directory locks an account after a few wrong passwords, and parallel requests would send the same one all at once. So
the others wait until the proxy has opened a tunnel for the first one. If it rejects the user name and the password,
nothing is sent to it for half a minute: each request of a batch would be another attempt.
"""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING

from entrakit.http.failures import ProxyRefusedError, socks_missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.http.connection import Connection, Deadline, PlainSocket
    from entrakit.http.proxies import Proxy
    from entrakit.http.retry import Clock

# Seconds after a rejection without another attempt.
REMEMBERED_S = 30.0


class Approval:
    """Knowledge of a proxy and our user name and password. All threads and tasks of a transport share it.

    Attributes:
        is_granted: Whether the proxy has opened a tunnel, and has not rejected us since.
        turn: Held by the thread that opens the first tunnel.
    """

    def __init__(self) -> None:
        self.is_granted = False
        self.turn = Lock()
        self._reason = ""
        self._rejected_at = 0.0

    def check(self, now: float) -> None:
        """Raise ProxyRefusedError if the proxy rejected us a moment ago.

        Args:
            now: Seconds on a monotonic clock.
        """
        if self._reason and now - self._rejected_at < REMEMBERED_S:
            reason = f"{self._reason} to an earlier request, so this one was not sent"
            raise ProxyRefusedError(reason, is_rejection=True)

    def note(self, refusal: ProxyRefusedError, now: float) -> None:
        """Note a refusal of the proxy, if it means our user name and password.

        Args:
            refusal: The refusal.
            now: Seconds on a monotonic clock.
        """
        if refusal.is_rejection:
            self.is_granted = False
            self._reason, self._rejected_at = refusal.reason, now

    def grant(self) -> None:
        """Note that the proxy has opened a tunnel."""
        self.is_granted = True
        self._reason = ""


def open_through(
    connection: Connection, proxy: Proxy, approvals: dict[Proxy, Approval], deadline: Deadline, clock: Clock
) -> None:
    """Open a connection through a proxy.

    Args:
        connection: The connection.
        proxy: Its proxy.
        approvals: Knowledge of each proxy.
        deadline: End of the exchange.
        clock: Clock that tells the time.

    Raises:
        ProxyRefusedError: The proxy did not open a tunnel, or rejected us a moment ago.
        OSError: As for `Connection.connect()`.
    """
    approval = approvals.setdefault(proxy, Approval())
    with ExitStack() as turn:
        if not approval.is_granted:
            if not approval.turn.acquire(timeout=deadline.left_s()):
                raise TimeoutError
            turn.callback(approval.turn.release)
        if approval.is_granted:
            turn.close()
        approval.check(clock.monotonic())
        try:
            connection.connect()
        except ProxyRefusedError as error:
            approval.note(error, clock.monotonic())
            raise
        finally:
            if connection.has_tunnel:
                approval.grant()


def socks_opener(proxy: Proxy | None) -> Callable[[Proxy, str, int, Deadline], PlainSocket] | None:
    """Return the function that opens connections through a SOCKS proxy; None for any other, or for none.

    Raises:
        ParameterError: The extra `socks` is not installed.
    """
    if proxy is None or not proxy.is_socks:
        return None
    if find_spec("socks") is None:
        raise socks_missing(proxy.shown())
    from entrakit.http.socks import open_socks_socket

    return open_socks_socket
