"""Errors for requests that got no usable response: the cause, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import NetworkError, ParameterError, ServiceUnavailableError, TlsError, UnexpectedAnswerError
from entrakit.http import retry
from entrakit.http.address import shown_host, without_query

if TYPE_CHECKING:
    import ssl

    from entrakit.http.message import Request, Response

LONGEST_WORDS = 300
MASK = "[…]"
_SECRET_FIELDS = (
    *("client_secret", "password", "refresh_token", "code", "code_verifier", "device_code"),
    *("client_assertion", "assertion"),
)  # fmt: skip
_CHECK_NETWORK = "Try again; check the network connection and the proxy."
# Reasons of OpenSSL, explained.
_REASONS = {
    "TLSV1_ALERT_PROTOCOL_VERSION": "it offers no TLS 1.2 or later",
    "UNSUPPORTED_PROTOCOL": "it offers no TLS 1.2 or later",
    "WRONG_VERSION_NUMBER": "its answer is not TLS",
}


class ProxyRefusedError(OSError):
    """A proxy did not open a tunnel.

    Args:
        reason: Its answer, such as `HTTP 407`; empty if it is not known.
        is_transient: Whether the same request may succeed later.
        is_rejection: Whether the proxy rejects the user name and the password, or requires them.
    """

    def __init__(self, reason: str = "", *, is_transient: bool = False, is_rejection: bool = False) -> None:
        super().__init__(f"the proxy refused the tunnel: {reason}")
        self.reason = reason
        self.is_transient = is_transient
        self.is_rejection = is_rejection

    @classmethod
    def with_status(cls, status: int) -> ProxyRefusedError:
        """Return the refusal with an HTTP status. Only some statuses of 500 and above can pass."""
        return cls(f"HTTP {status}", is_transient=status >= 500 and retry.may_pass(status), is_rejection=status == 407)


class ProxyTlsError(OSError):
    """The TLS handshake with an `https` proxy failed.

    Args:
        reason: The exception of the handshake.
    """

    def __init__(self, reason: ssl.SSLError) -> None:
        super().__init__("TLS with the proxy failed")
        self.reason = reason


class ServerNotFoundError(OSError):
    """The name of a server can't be found. On the way through a proxy, `socket.gaierror` means the proxy's name."""


def unreachable(
    error: Exception,
    request: Request,
    timeout_s: float,
    *,
    proxy: str,
    is_too_slow: bool,
    has_tunnel: bool = False,
    issuer: str = "",
) -> NetworkError:
    """Return the error for a connection that was not opened, so that the request was not sent.

    Args:
        error: The exception.
        request: The request.
        timeout_s: The time-out of the transport.
        proxy: Host and port of the proxy; empty for none.
        is_too_slow: Whether the deadline of the exchange has passed.
        has_tunnel: Whether the proxy has opened its tunnel, so that the failure is behind it.
        issuer: Issuer of the certificate that the server shows, if it is not trusted; empty if it is not known.
    """
    import socket
    import ssl

    if isinstance(error, ProxyRefusedError):
        return _proxy_refused(error, request, proxy)
    if is_too_slow:
        return too_slow(request, may_have_arrived=False)
    host = tls_peer = shown_host(request.url)
    if isinstance(error, ProxyTlsError):
        error, tls_peer = error.reason, f"the proxy {proxy}"
    ended = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLWantReadError)
    # A connection that ends during the handshake has nothing to do with trust.
    if isinstance(error, ssl.SSLError) and not isinstance(error, ended):
        return _tls_error(error, request, tls_peer, issuer)
    if isinstance(error, ServerNotFoundError):
        proxy = ""
    is_name = isinstance(error, socket.gaierror | ServerNotFoundError)
    through = f" through the proxy {proxy}" if proxy else ""
    peer = f"The proxy {proxy}" if proxy and not has_tunnel else host
    remedy = "Check the network connection, a firewall and the proxy."
    if is_name:
        problem = f"The name of the proxy {proxy} can't be found." if proxy else f"The name {host} can't be found."
        remedy = "Check the network connection, DNS, the proxy and the cloud that you named."
    elif isinstance(error, TimeoutError):
        problem = f"{peer} can't be reached{through if has_tunnel else ''} ({timeout_s:g} s passed)."
    elif isinstance(error, ConnectionRefusedError):
        problem = f"{peer} refuses the connection."
    else:
        problem = f"The connection to {host}{through} broke before the request was sent."
        remedy = _CHECK_NETWORK
    return NetworkError(
        problem, remedy=remedy, host=host, correlation_id=request.client_request_id, may_have_arrived=False,
        name_not_found=is_name,
    )  # fmt: skip


def broken(error: Exception, request: Request, timeout_s: float, *, is_too_slow: bool) -> NetworkError:
    """Return the error for an exchange that did not end with a response, although the connection was open.

    Args:
        error: The exception.
        request: The request.
        timeout_s: The time-out of the transport.
        is_too_slow: Whether the deadline of the exchange has passed.
    """
    if is_too_slow:
        return too_slow(request)
    causes = _causes(error)
    host = shown_host(request.url)
    if any(isinstance(cause, TimeoutError) for cause in causes):
        problem = f"{host} stopped answering ({timeout_s:g} s passed)."
    else:
        problem = f"The connection to {host} broke."
    return NetworkError(problem, remedy=_CHECK_NETWORK, host=host, correlation_id=request.client_request_id)


def not_https(url: str) -> ParameterError:
    """Return the error for an address to which nothing is sent because it is not `https`."""
    shown = shown_host(url) if "@" in url else without_query(url)
    return ParameterError(f"{shown} is not an https address, so nothing is sent there.")


def not_sendable(request: Request) -> ParameterError:
    """Return the error for a request that HTTP can't express. It shows no header field, since one has the token."""
    return ParameterError(
        f"The request to {shown_host(request.url)} was not sent: a header field or its method contains a character "
        "that HTTP does not allow."
    )


def unusable_proxy(place: str = "") -> ParameterError:
    """Return the error for the address of a proxy that can't be used. It does not repeat it: it may hold a password.

    Args:
        place: Variable or parameter with the address; empty if it is not known.
    """
    where = f" in {place}" if place else ""
    return ParameterError(
        f"The proxy's address{where} can't be used.",
        remedy="Use the form http://proxy.contoso.com:8080. The other schemes are https, socks5, socks5h, socks4 and "
        "socks4a. Percent-encode special characters in a user name and a password.",
    )


def socks_missing(proxy: str) -> ParameterError:
    """Return the error for a SOCKS proxy, given with host and port, if the package that speaks SOCKS is missing."""
    return ParameterError(
        f"The proxy {proxy} uses SOCKS, which requires the extra socks.",
        remedy="Type `pip install 'entrakit[socks]'`, or set HTTPS_PROXY to the address of an HTTP proxy.",
    )


def socks4_awaited(proxy: str) -> ParameterError:
    """Return the error for a proxy, given with host and port, if awaited requests can't use its SOCKS."""
    return ParameterError(
        f"Awaited requests can't use the proxy {proxy}, because it is one of SOCKS 4.",
        remedy="Use its SOCKS 5 address, or an HTTP proxy, or the blocking client.",
    )


def too_slow(request: Request, *, may_have_arrived: bool = True) -> NetworkError:
    """Return the error for an exchange that was ended at its deadline.

    Args:
        request: The request.
        may_have_arrived: Whether it may have reached the service.
    """
    host = shown_host(request.url)
    return NetworkError(
        f"The answer of {host} arrives too slowly.",
        remedy="Try again.",
        host=host,
        correlation_id=request.client_request_id,
        may_have_arrived=may_have_arrived,
    )


def too_large(request: Request, limit: int) -> UnexpectedAnswerError:
    """Return the error for a response that is not read to its end because it is larger than a limit in bytes."""
    host = shown_host(request.url)
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
        f"The token service at {host} failed (HTTP {response.status}).{_own_words(response)}",
        remedy=permanent_remedy(response.status)
        or "Wait a little and try again; the service's status page lists outages.",
        host=host,
        correlation_id=response.request.client_request_id,
        request_id=response.request_id,
        retryable=retry.may_pass(response.status),
    )


def _own_words(response: Response) -> str:
    """Return the first line of the service's own words as a sentence; empty if it gives none."""
    import json

    from entrakit.redaction import redact
    from entrakit.shown_text import one_line

    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return ""
    error = body.get("error") if isinstance(body, dict) else None
    words = error.get("message") if isinstance(error, dict) else None
    if isinstance(error, str):
        words = body.get("error_description") or error
    if not isinstance(words, str):
        return ""

    def safe(text: str) -> str:
        return redact(_without_secrets(one_line(text), response.request))

    # The service repeats its ids on the following lines, where a secret may continue.
    first = safe(words.strip().partition("\n")[0])[:LONGEST_WORDS]
    return f" The service says: {first}" if first and first in safe(words) else ""


def _without_secrets(text: str, request: Request) -> str:
    """Return a string without the secrets in the form of a request."""
    from urllib.parse import parse_qsl

    for name, value in parse_qsl((request.body or b"").decode("utf-8", "replace")):
        if name in _SECRET_FIELDS and len(value) > 3:
            text = text.replace(value, MASK).replace(" ".join(value.split()) or value, MASK)
    return text


def permanent_remedy(status: int) -> str:
    """Return the remedy for a status of a server that remains the same; empty for one that may pass."""
    if retry.may_pass(status):
        return ""
    if status == 501:
        return "Use another way: the service does not have this function."
    if status == 511:
        return "The network requires a sign-in (captive portal): open a page in a browser, then try again."
    return "Check the address and the proxy: the same request will get the same answer."


def reason_of(outcome: Response | NetworkError) -> str:
    """Return the reason for sending a request again, for a message."""
    if isinstance(outcome, NetworkError):
        return outcome.problem.rstrip(".")
    return f"{shown_host(outcome.request.url)} answered with HTTP {outcome.status}"


def _proxy_refused(error: ProxyRefusedError, request: Request, proxy: str) -> NetworkError:
    """Return the error for a proxy that opened no tunnel."""
    host = shown_host(request.url)
    answer = f" ({error.reason})" if error.reason else ""
    why = "whether the proxy allows this server and opens tunnels (CONNECT)"
    if error.is_rejection:
        why = "the user name and the password that the proxy requires"
    return NetworkError(
        f"The proxy{f' {proxy}' if proxy else ''} refused to pass the request on to {host}{answer}.",
        remedy=f"Check HTTPS_PROXY and NO_PROXY, and {why}.",
        host=host,
        correlation_id=request.client_request_id,
        retryable=error.is_transient,
        may_have_arrived=False,
    )


def _tls_error(cause: ssl.SSLError, request: Request, peer: str, issuer: str) -> TlsError:
    """Return the error for a failed handshake with a peer; if its certificate is the reason, with the issuer."""
    reason = str(getattr(cause, "verify_message", "")).lower().rstrip(".")
    if reason:
        seen = f" It was issued by {issuer}." if issuer else ""
        problem = f"The certificate that {peer} shows is not trusted: {reason}.{seen}"
        remedy = (
            "If your network inspects TLS, name its CA file with `ca_bundle` or SSL_CERT_FILE; "
            "otherwise do not continue."
        )
    else:
        code = str(getattr(cause, "reason", "") or "TLS failed")
        problem = f"No secure connection to {peer}: {_REASONS.get(code, code.replace('_', ' ').lower())}."
        remedy = "Check the address and its port, and the proxy: the address of most proxies begins with http://."
    return TlsError(
        problem,
        remedy=remedy,
        host=shown_host(request.url),
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
