"""Federated credentials: an app authenticates with a token of an outside issuer (RFC 7523, 3).

    record      issuer, then subject, then audience       compared exactly, like the service since August 2024
    signature   a key that the issuer publishes, RS256
    times       exp required, nbf and iat optional

A token of this service itself is accepted, too, if it is an app's: so does a managed identity authenticate an app. Like
the real service, this one accepts a token as often as it is presented.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.jose import is_signed_by
from entrakit_emulator.state.identities import TOKEN_EXCHANGE_ID, TOKEN_EXCHANGE_URIS
from entrakit_emulator.state.outside_keys import UnreachableIssuerError, UnreadableKeysError
from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.jose import Parts
    from entrakit_emulator.state.identities import App


def is_outside(parts: Parts) -> bool:
    """Return whether an assertion names an issuer other than the app itself."""
    return str(parts.payload.get("iss", "")).startswith(("https://", "http://"))


def check(exchange: Exchange, app: App, parts: Parts) -> None:
    """Check that an app trusts the issuer, the subject and the audience of a token, and that the issuer signed it.

    Raises:
        ServiceError: The app has no federated credential (70025), or none for the issuer (700211), the subject (700213,
            7002138) or the audience (700212, 5002741); the issuer's keys can't be fetched (501661, 900612), are not
            those of the token (7000272, 700027), or the token is not signed with RS256 (5002738) or a user's (700229).
    """
    algorithm = str(parts.header.get("alg"))
    if algorithm != "RS256":
        raise ServiceError(5002738, algorithm=algorithm)
    _check_record(exchange, app, parts)
    key = _key(exchange, parts)
    if not is_signed_by(parts, key):
        reason = "The provided signature value did not match the expected signature value."
        raise ServiceError(700027, reason=reason, thumbprint=str(parts.header.get("kid", "")))


def _check_record(exchange: Exchange, app: App, parts: Parts) -> None:
    if not app.federated:
        raise ServiceError(70025, app=app.client_id, name=app.name)
    issuer, subject = (str(parts.payload.get(name, "")) for name in ("iss", "sub"))
    of_issuer = [one for one in app.federated if one.issuer == issuer]
    if not of_issuer:
        raise ServiceError(700211, issuer=issuer)
    of_subject = [one for one in of_issuer if one.subject == subject]
    if not of_subject:
        is_near = any(one.subject.lower() == subject.lower() for one in of_issuer)
        raise ServiceError(7002138 if is_near else 700213, subject=subject)
    value = parts.payload.get("aud")
    audiences = [str(one) for one in (value if isinstance(value, list) else [value])]
    if len(audiences) > 1:
        raise ServiceError(5002741, count=str(len(audiences)))
    # Tokens of this service name the resource by its id; credentials name it by its URI.
    accepted = TOKEN_EXCHANGE_URIS if _is_own(exchange, issuer) and audiences == [TOKEN_EXCHANGE_ID] else audiences
    if not any(one.audience in accepted for one in of_subject):
        raise ServiceError(700212, audience=audiences[0] if value else "")


def _key(exchange: Exchange, parts: Parts) -> RSAPublicKey:
    """Return the key that must have signed a token."""
    issuer, kid = str(parts.payload["iss"]), str(parts.header.get("kid", ""))
    if _is_own(exchange, issuer):
        if "scp" in parts.payload:
            raise ServiceError(700229)
        own = exchange.world.keys.find(kid)
        key = own.key.public_key() if own else None
    elif issuer.startswith(exchange.world.origin):
        # The tenant can't answer itself while it answers this request.
        raise ServiceError(501661)
    else:
        try:
            key = exchange.world.outside_keys.find(issuer, kid)
        except UnreachableIssuerError as error:
            raise ServiceError(501661) from error
        except UnreadableKeysError as error:
            raise ServiceError(900612) from error
    if key is None:
        raise ServiceError(7000272, key=kid, issuer=issuer)
    return key


def _is_own(exchange: Exchange, issuer: str) -> bool:
    world = exchange.world
    return any(issuer == world.issuer(tenant, version) for tenant in world.tenants for version in (1, 2))
