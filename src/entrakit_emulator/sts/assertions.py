"""Client assertions: tokens that an app signs itself (RFC 7523, 3; OpenID Connect Core, 9).

An assertion whose issuer is a URL is a token of somebody else: `federation` checks it. Of the app's own ones:

    header   alg PS256 or RS256; x5t#S256 or x5t (or kid) names the certificate, in base64url or, as MSAL Go writes it,
             in standard base64; x5c is ignored
    claims   iss = sub = client id; aud = token endpoint or issuer; exp required, nbf and iat optional

Times may be integers, floats (MSAL Python) or strings (MSAL.NET). Like the real service, this one does not store `jti`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from entrakit_emulator.jose import MalformedError, Parts, is_signed_by, split
from entrakit_emulator.sts import federation
from entrakit_emulator.sts.errors import ServiceError, moment, need

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory, RegisteredCertificate

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW_S = 300
_URL_SAFE = str.maketrans("+/", "-_")


def subject_of(assertion: str) -> str:
    """Return the unverified subject of an assertion; empty if it can't be read."""
    try:
        return str(split(assertion).payload.get("sub", ""))
    except MalformedError:
        return ""


def check(exchange: Exchange, app: App, directory: Directory | None, assertion: str) -> None:
    """Check an assertion.

    Raises:
        ServiceError: The assertion is not acceptable; the number gives the reason.
    """
    if need(exchange.form, "client_assertion_type") != ASSERTION_TYPE:
        raise ServiceError(9002313)
    try:
        parts = split(assertion)
    except MalformedError as error:
        raise ServiceError(50027, reason="The assertion is not a signed JSON web token.") from error
    if federation.is_outside(parts):
        federation.check(exchange, app, parts)
        _check_times(exchange, parts)
        return
    if parts.header.get("alg") not in ("PS256", "RS256"):
        raise ServiceError(50027, reason="Only PS256 and RS256 signing algorithms are supported.")
    _check_names(parts, app)
    _check_signature(exchange, parts, app)
    _check_times(exchange, parts)
    audiences = _audiences(parts)
    if len(audiences) > 1:
        raise ServiceError(5002741, count=str(len(audiences)))
    if not audiences & _own_names(exchange, directory):
        raise ServiceError(700023)


def _check_names(parts: Parts, app: App) -> None:
    issuer, subject = (str(parts.payload.get(name, "")) for name in ("iss", "sub"))
    if issuer.lower() != app.client_id:
        raise ServiceError(700021)
    if subject != issuer:
        raise ServiceError(50048)


def _check_signature(exchange: Exchange, parts: Parts, app: App) -> None:
    names = ["x5t#S256", "x5t", "kid"]
    named = {name: str(parts.header[name]).rstrip("=").translate(_URL_SAFE) for name in names if name in parts.header}
    if not named:
        raise ServiceError(50027, reason="The header names no certificate: neither x5t nor x5t#S256.")
    shown = next(iter(named.values()))
    certificate = _named_certificate(app, named)
    if certificate is None:
        raise ServiceError(700027, reason="The key was not found.", thumbprint=shown)
    if not certificate.not_before <= exchange.now <= certificate.not_after:
        raise ServiceError(700027, reason="The key used is expired.", thumbprint=shown)
    if not is_signed_by(parts, certificate.public_key):
        reason = "The provided signature value did not match the expected signature value."
        raise ServiceError(700027, reason=reason, thumbprint=shown)


def _named_certificate(app: App, named: dict[str, str]) -> RegisteredCertificate | None:
    for one in app.certificates:
        if "x5t#S256" in named:
            fits = named["x5t#S256"] == one.x5t_s256
        else:
            fits = one.x5t in (named.get("x5t"), named.get("kid"))
        if fits:
            return one
    return None


def _check_times(exchange: Exchange, parts: Parts) -> None:
    ends = _time(parts, "exp")
    if ends is None:
        raise ServiceError(50027, reason="The claim 'exp' is missing.")
    begins = _time(parts, "nbf") or _time(parts, "iat") or 0.0
    if not begins - SKEW_S <= exchange.now <= ends + SKEW_S:
        raise ServiceError(700024, now=moment(exchange.now), start=moment(begins), end=moment(ends))


def _time(parts: Parts, name: str) -> float | None:
    value = parts.payload.get(name)
    if value is None:
        return None
    try:
        seconds = float(str(value))
    except ValueError as error:
        raise ServiceError(50027, reason=f"The claim '{name}' is not a number.") from error
    # A time beyond the calendar could not be shown in the error message.
    if not math.isfinite(seconds) or not 0 <= seconds < 2**35:
        raise ServiceError(50027, reason=f"The claim '{name}' is out of range.")
    return seconds


def _audiences(parts: Parts) -> set[str]:
    value = parts.payload.get("aud")
    return {str(one).rstrip("/").lower() for one in (value if isinstance(value, list) else [value])}


def _own_names(exchange: Exchange, directory: Directory | None) -> set[str]:
    """Return the accepted audiences of an assertion: token endpoint or issuer, under any name of the tenant."""
    port = exchange.world.origin.rpartition(":")[2]
    origins = (exchange.world.origin, f"https://127.0.0.1:{port}", f"https://[::1]:{port}")
    tenants = [exchange.tenant, *((directory.tenant_id, *directory.domains) if directory else ())]
    paths = ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "")
    return {f"{origin}/{tenant}{path}".lower() for origin in origins for tenant in tenants for path in paths}
