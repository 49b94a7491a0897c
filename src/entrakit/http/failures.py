"""What went wrong on the way to a server, told from its causes: whose fault it is, and what to do."""

from __future__ import annotations

from entrakit.errors import NetworkError, TlsError
from entrakit.http.address import Origin, shown_host


def explained(error: Exception, url: str, correlation_id: str, timeout_s: float) -> NetworkError:
    """Return the error of the tree for what went wrong below, told from its causes."""
    import socket
    import ssl

    import httpx2

    host = shown_host(url)
    causes = _causes(error)
    before_sending = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    arrived = not isinstance(error, before_sending)
    secure = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(secure, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLWantReadError):
        # The connection ended, or was given up, while TLS was at it: nothing that trust has to do with.
        secure = None
    if secure is not None and not arrived:
        return _tls_error(secure, url, correlation_id)
    if isinstance(error, httpx2.ProxyError):
        problem = f"The proxy refused to pass the request on to {host}."
        remedy = "Check HTTPS_PROXY and NO_PROXY, and whether the proxy wants a sign-in."
    elif any(isinstance(cause, socket.gaierror) for cause in causes):
        problem = f"The name {host} can't be found, or that of the proxy."
        remedy = "Check the network connection, DNS, the proxy and the cloud that you named."
    elif isinstance(error, httpx2.ConnectTimeout):
        problem = f"{host} can't be reached ({timeout_s:g} s passed)."
        remedy = "Check the network connection, a firewall and the proxy."
    elif isinstance(error, httpx2.TimeoutException):
        problem = f"{host} stopped answering ({timeout_s:g} s passed)."
        remedy = "Try again; check the network connection and the proxy."
    elif isinstance(error, httpx2.ConnectError):
        problem = f"{host} refuses the connection."
        remedy = "Check the network connection, a firewall and the proxy."
    else:
        problem = f"The connection to {host} broke."
        remedy = "Try again; check the network connection and the proxy."
    return NetworkError(problem, remedy=remedy, host=host, correlation_id=correlation_id, may_have_arrived=arrived)


def _tls_error(cause: Exception, url: str, correlation_id: str) -> TlsError:
    """Return the error for a failed handshake, with the issuer that was seen if the certificate was the reason."""
    from entrakit.http.tls import issuer_seen

    host = shown_host(url)
    reason = str(getattr(cause, "verify_message", "")).lower()
    if not reason:
        problem = f"No secure connection to {host}: {str(getattr(cause, 'reason', '') or 'TLS failed').lower()}."
    else:
        origin = Origin.of(url)
        issuer = issuer_seen(origin.host.strip("[]"), origin.port) if origin else ""
        seen = f" It was issued by {issuer}." if issuer else ""
        problem = f"The certificate that {host} shows is not trusted: {reason}.{seen}"
    return TlsError(
        problem,
        remedy="If your network inspects TLS, name its CA file with `ca_bundle` or SSL_CERT_FILE; "
        "otherwise do not go on.",
        host=host,
        correlation_id=correlation_id,
        retryable=False,
        may_have_arrived=False,
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and what caused it, nearest first."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain
