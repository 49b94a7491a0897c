"""Authentication of apps: secret in the body, secret by HTTP Basic, or assertion (RFC 6749, 2.3)."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus

from entrakit_emulator.sts import assertions
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory

NONE, SECRET, CERTIFICATE = "0", "1", "2"


class BasicCredentials(NamedTuple):
    """Credentials in an Authorization header of scheme Basic.

    Args:
        client_id: Client id; empty without such a header.
        secret: Client secret.
    """

    client_id: str = ""
    secret: str = ""


def basic(exchange: Exchange) -> BasicCredentials:
    """Read HTTP Basic credentials: two form-encoded halves (RFC 6749, 2.3.1).

    Raises:
        ServiceError: The header is malformed (AADSTS9002313).
    """
    scheme, _, value = exchange.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return BasicCredentials()
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ServiceError(9002313) from error
    return BasicCredentials(unquote_plus(client_id), unquote_plus(secret))


def client_id_of(exchange: Exchange) -> str:
    """Return the client id of a request, from wherever the request names it.

    Raises:
        ServiceError: The client id is missing (900144), or there are two different ones (9002313).
    """
    given = exchange.form.get("client_id", "")
    named = basic(exchange).client_id
    if given and named and given.lower() != named.lower():
        raise ServiceError(9002313)
    return (
        given
        or named
        or assertions.subject_of(exchange.form.get("client_assertion", ""))
        or need(exchange.form, "client_id")
    )


def is_offered(exchange: Exchange) -> bool:
    """Return whether a request contains any credential of the app."""
    return bool(
        exchange.form.keys() & {"client_secret", "client_assertion", "client_assertion_type"}
        or basic(exchange).client_id
    )


def check(exchange: Exchange, app: App, directory: Directory | None) -> str:
    """Check the credential of an app that must authenticate.

    Returns:
        `SECRET` or `CERTIFICATE`, which becomes `appidacr`.

    Raises:
        ServiceError: The credential is missing (7000218) or wrong, or there are two (9002313).
    """
    secret = exchange.form.get("client_secret") or basic(exchange).secret
    assertion = exchange.form.get("client_assertion", "")
    if secret and assertion:
        raise ServiceError(9002313)
    if assertion:
        assertions.check(exchange, app, directory, assertion)
        return CERTIFICATE
    if not secret:
        raise ServiceError(7000218)
    _check_secret(exchange, app, secret)
    return SECRET


def check_unless_public(exchange: Exchange, app: App, directory: Directory | None) -> str:
    """Check the credential of a confidential app; a public app has none.

    Returns:
        `NONE`, `SECRET` or `CERTIFICATE`.

    Raises:
        ServiceError: A public app sent a credential (700025), or a confidential one none (7000218) or a wrong one.
    """
    if not app.is_public:
        return check(exchange, app, directory)
    return _check_absence(exchange)


def check_for_platform(exchange: Exchange, app: App, directory: Directory | None, platform: str) -> str:
    """Check the credential of an app as the platform of its redirect URI requires.

    Returns:
        `NONE`, `SECRET` or `CERTIFICATE`.

    Raises:
        ServiceError: A web app sent no credential (7000218), another app sent one (700025), or the request of a
            single-page app does not come from a browser (9002327).
    """
    if platform == "web":
        return check(exchange, app, directory)
    if platform == "spa" and "origin" not in exchange.headers:
        raise ServiceError(9002327)
    return _check_absence(exchange)


def _check_absence(exchange: Exchange) -> str:
    if is_offered(exchange):
        raise ServiceError(700025)
    return NONE


def _check_secret(exchange: Exchange, app: App, given: str) -> None:
    for secret in app.secrets:
        if hmac.compare_digest(secret.value.encode(), given.encode()):
            if secret.expires_at is not None and secret.expires_at <= exchange.now:
                raise ServiceError(7000222, app=app.client_id)
            return
    raise ServiceError(7000215, app=app.client_id)
