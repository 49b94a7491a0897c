"""Errors for requests that got no usable response: the cause, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import NetworkError, ParameterError, ServiceUnavailableError, TlsError, UnexpectedAnswerError
from entrakit.http.address import Origin, shown_host, without_query

if TYPE_CHECKING:
    from entrakit.http.message import Request, Response

_CHECK_NETWORK = "Try again; check the network connection and the proxy."


def explained(error: Exception, request: Request, timeout_s: float) -> NetworkError:
    """Return the error for an exception of the HTTP client, from the chain of its causes.

    Args:
        error: The exception.
        request: The request that was sent.
        timeout_s: The time-out of the transport.
    """
    import socket
    import ssl

    import httpx2

    host = shown_host(request.url)
    causes = _causes(error)
    before_sending = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    arrived = not isinstance(error, before_sending)
    secure = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    if isinstance(secure, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLWantReadError):
        # The connection ended, or was given up, during the handshake: this has nothing to do with trust.
        secure = None
    if secure is not None and not arrived:
        return _tls_error(secure, request)
    if isinstance(error, httpx2.ProxyError):
        problem = f"The proxy refused to pass the request on to {host}."
        remedy = "Check HTTPS_PROXY and NO_PROXY, and whether the proxy requires a sign-in."
    elif any(isinstance(cause, socket.gaierror) for cause in causes):
        problem = f"The name {host} or that of the proxy can't be found."
        remedy = "Check the network connection, DNS, the proxy and the cloud that you named."
    elif isinstance(error, httpx2.ConnectTimeout):
        problem = f"{host} can't be reached ({timeout_s:g} s passed)."
        remedy = "Check the network connection, a firewall and the proxy."
    elif isinstance(error, httpx2.TimeoutException):
        problem = f"{host} stopped answering ({timeout_s:g} s passed)."
        remedy = _CHECK_NETWORK
    elif isinstance(error, httpx2.ConnectError):
        problem = f"{host} refuses the connection."
        remedy = "Check the network connection, a firewall and the proxy."
    else:
        problem = f"The connection to {host} broke."
        remedy = _CHECK_NETWORK
    return NetworkError(
        problem, remedy=remedy, host=host, correlation_id=request.client_request_id, may_have_arrived=arrived
    )


def not_https(url: str) -> ParameterError:
    """Return the error for an address to which nothing is sent because it is not `https`."""
    return ParameterError(f"{without_query(url)} is not an https address, so nothing is sent there.")


def unusable_proxy() -> ParameterError:
    """Return the error for the address of a proxy that the HTTP client does not accept."""
    return ParameterError("The proxy's address can't be used.", remedy="Use the form http://proxy.contoso.com:8080.")


def excess(request: Request, *, limit: int, is_too_large: bool) -> NetworkError:
    """Return the error for a response that is not read to its end.

    Args:
        request: The request.
        limit: Maximum size of a response in bytes.
        is_too_large: Whether the response is larger than this; else it arrives too slowly.
    """
    host = shown_host(request.url)
    if not is_too_large:
        problem = f"The answer of {host} arrives too slowly."
        return NetworkError(problem, remedy="Try again.", host=host, correlation_id=request.client_request_id)
    return UnexpectedAnswerError(
        f"The answer of {host} is larger than {limit // 1024 // 1024} MiB, so it was not read.",
        remedy="Something other than the service answers: check the network and the proxy.",
        host=host,
        correlation_id=request.client_request_id,
        retryable=False,
    )


def redirected(response: Response) -> UnexpectedAnswerError:
    """Return the error for a redirect that is not followed."""
    host = shown_host(response.request.url)
    target = shown_host(response.headers.get("location", ""))
    return UnexpectedAnswerError(
        f"{host} redirects to {target or 'another page'} instead of answering.",
        remedy="The network may require a sign-in (captive portal): open a page in a browser, then try again.",
        host=host,
        retryable=False,
    )


def unavailable(response: Response) -> ServiceUnavailableError:
    """Return the error for a response of the token service with HTTP 5xx, after the last attempt."""
    host = shown_host(response.request.url)
    return ServiceUnavailableError(
        f"The token service at {host} failed (HTTP {response.status}).",
        remedy="Wait a little and try again; the service's status page lists outages.",
        host=host,
        correlation_id=response.request.client_request_id,
    )


def _tls_error(cause: Exception, request: Request) -> TlsError:
    """Return the error for a failed handshake; it names the issuer that was seen if the certificate is the reason."""
    from entrakit.http.tls import issuer_seen

    host = shown_host(request.url)
    reason = str(getattr(cause, "verify_message", "")).lower()
    if not reason:
        problem = f"No secure connection to {host}: {str(getattr(cause, 'reason', '') or 'TLS failed').lower()}."
    else:
        origin = Origin.of(request.url)
        issuer = issuer_seen(origin.host.strip("[]"), origin.port) if origin else ""
        seen = f" It was issued by {issuer}." if issuer else ""
        problem = f"The certificate that {host} shows is not trusted: {reason}.{seen}"
    return TlsError(
        problem,
        remedy="If your network inspects TLS, name its CA file with `ca_bundle` or SSL_CERT_FILE; "
        "otherwise do not continue.",
        host=host,
        correlation_id=request.client_request_id,
        retryable=False,
        may_have_arrived=False,
    )


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, nearest first."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    return chain
