"""Connections through a SOCKS proxy (RFC 1928, RFC 1929, SOCKS 4 and 4a), with PySocks.

PySocks exchanges the messages on a socket that has the deadline. The names of the proxy, and of the server if this
machine resolves it (`socks5`, `socks4`), are resolved here, because PySocks would wait for DNS without a limit.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import socks

from entrakit.errors import ParameterError
from entrakit.http.connection import PlainSocket, resolve
from entrakit.http.failures import ProxyRefusedError, ServerNotFoundError

if TYPE_CHECKING:
    from entrakit.http.connection import Deadline
    from entrakit.http.proxies import Proxy

# PySocks encodes larger sizes wrongly.
LONGEST = 127
# Replies of SOCKS 5 after which the same request may succeed (RFC 1928, section 6): the network's, not the proxy's.
TRANSIENT = ("0x01", "0x03", "0x04", "0x05", "0x06")


class SocksSocket(PlainSocket, socks.socksocket):  # type: ignore[misc] # PySocks has no types
    """A TCP socket with a deadline, which PySocks connects."""


def open_socks_socket(proxy: Proxy, host: str, port: int, deadline: Deadline) -> PlainSocket:
    """Return a TCP connection to a server through a SOCKS proxy.

    Args:
        proxy: The proxy.
        host: Name of the server, or its IP address without brackets.
        port: Port of the server.
        deadline: End of the exchange.

    Raises:
        ProxyRefusedError: The proxy did not open a connection to the server.
        ServerNotFoundError: This machine can't find the name of the server.
        OSError: The name of the proxy can't be found, or the proxy can't be reached in time.
        ParameterError: The user name, the password or the name of the server is too long.
    """
    if any(len(text.encode()) > LONGEST for text in (proxy.username, proxy.password, host)):
        raise ParameterError(
            f"User name, password and name of the server can't have more than {LONGEST} bytes with a SOCKS proxy.",
            remedy="Use a shorter password, or another proxy.",
        )
    if proxy.scheme in ("socks5", "socks4"):
        host = _resolved(host, port, deadline, is_ipv4_required=proxy.scheme == "socks4")
    version = socks.SOCKS5 if proxy.scheme.startswith("socks5") else socks.SOCKS4
    failure: OSError | None = None
    for family, kind, protocol, _, address in resolve(proxy.host, proxy.port, deadline):
        one = SocksSocket(family, kind, protocol)
        try:
            one.deadline = deadline
            one.settimeout(deadline.left_s())
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.set_proxy(version, address[0], address[1], True, proxy.username, proxy.password)
            one.connect((host, port))
            # The time-out of the handshake that follows.
            one.settimeout(deadline.left_s())
        except socks.ProxyConnectionError as error:
            one.close()
            failure = error.socket_err
        except socks.ProxyError as error:
            one.close()
            raise _explained(error, proxy) from error
        except BaseException:
            one.close()
            raise
        else:
            return one
    raise failure or OSError("the name has no address")


def _resolved(host: str, port: int, deadline: Deadline, *, is_ipv4_required: bool) -> str:
    """Return the IP address of a server, for a proxy that resolves no names."""
    try:
        found = resolve(host, port, deadline)
    except socket.gaierror as error:
        raise ServerNotFoundError(*error.args) from error
    addresses = [str(one[4][0]) for one in found if one[0] == socket.AF_INET or not is_ipv4_required]
    if not addresses:
        raise ProxyRefusedError("SOCKS 4 reaches IPv4 addresses only")
    return addresses[0]


def _explained(error: OSError, proxy: Proxy) -> OSError:
    """Return the error for an exception of PySocks after the proxy was reached."""
    # PySocks wraps every error of the negotiation, its own ones, too.
    while isinstance(error, socks.ProxyError) and isinstance(error.socket_err, OSError):
        error = error.socket_err
    if not isinstance(error, socks.ProxyError):
        return error
    if error.msg == "Connection closed unexpectedly":
        return ConnectionResetError(error.msg)
    if isinstance(error, socks.SOCKS5AuthError):
        is_known = proxy.username and proxy.password
        return ProxyRefusedError(f"user name and password {'rejected' if is_known else 'required'}", is_rejection=True)
    if isinstance(error, socks.SOCKS5Error | socks.SOCKS4Error):
        # Such as "0x05: Connection refused".
        code, _, reason = error.msg.partition(": ")
        is_transient = isinstance(error, socks.SOCKS5Error) and code in TRANSIENT
        return ProxyRefusedError(f"SOCKS: {reason.lower()}", is_transient=is_transient)
    return ProxyRefusedError("its answer is not SOCKS")
