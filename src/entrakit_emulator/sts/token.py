"""The token endpoint: POST /{tenant}/oauth2/v2.0/token (RFC 6749, 3.2).

parse       form, content type, tenant
grant_type  the grant; unknown ones are refused (AADSTS70003), those of `ABSENT` by name
client      the app
grant       one file each, in `grants/`
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from entrakit_emulator.exchange import FORM, NotImplementedHereError
from entrakit_emulator.sts import client_authentication, tenancy
from entrakit_emulator.sts.errors import ServiceError, need
from entrakit_emulator.sts.grants import client_credentials, code, device, on_behalf_of, password, refresh

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory

LOOP_WINDOW_S = 300


class GrantHandler(Protocol):
    """The function of a grant's file."""

    def __call__(self, exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
        """Return the body of the answer."""
        ...


class Grant(NamedTuple):
    """A grant and its properties.

    Args:
        answer: Function that answers a request.
        is_loop_checked: Whether many equal requests are refused as a loop.
    """

    answer: GrantHandler
    is_loop_checked: bool = True


DEVICE = Grant(device.answer, is_loop_checked=False)
GRANTS: dict[str, Grant] = {
    "authorization_code": Grant(code.answer),
    "client_credentials": Grant(client_credentials.answer),
    "device_code": DEVICE,
    "password": Grant(password.answer),
    "refresh_token": Grant(refresh.answer),
    "urn:ietf:params:oauth:grant-type:device_code": DEVICE,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": Grant(on_behalf_of.answer),
}
# Grants that only the real service has.
ABSENT = frozenset(f"urn:ietf:params:oauth:grant-type:{name}-bearer" for name in ("saml1_1", "saml2"))


def token(exchange: Exchange) -> Response:
    """Answer a token request.

    Raises:
        ServiceError: The request is refused.
        NotImplementedHereError: Only the real service has the grant.
    """
    check_post(exchange)
    directory = tenancy.directory_of(exchange)
    grant_type = need(exchange.form, "grant_type")
    known = GRANTS.get(grant_type)
    if grant_type in ABSENT:
        raise NotImplementedHereError(f"the grant {grant_type}")
    if known is None:
        raise ServiceError(70003, grant=grant_type)
    client_id = client_authentication.client_id_of(exchange)
    tenancy.served(directory, is_confidential=client_authentication.is_offered(exchange))
    app = tenancy.app_of(exchange, directory, client_id)
    if known.is_loop_checked:
        _check_loop(exchange)
    return exchange.json(known.answer(exchange, directory, app))


def check_post(exchange: Exchange) -> None:
    """Check that a request is a posted form, and record the absence of values that real clients always send.

    Raises:
        ServiceError: The method is not POST (900561), or a parameter occurs twice (9002313).
    """
    if exchange.method != "POST":
        raise ServiceError(900561, allowed="POST", method=exchange.method)
    content_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != FORM:
        exchange.violate(
            "content_type", f"The body must be {FORM} (RFC 6749, 3.2). Its content type is {content_type or 'missing'}."
        )
    if not exchange.named("client-request-id"):
        exchange.violate("client_request_id_missing", "A sign-in can't be found in the log without client-request-id.")
    if exchange.form.repeated:
        raise ServiceError(9002313)


def _check_loop(exchange: Exchange) -> None:
    limit = exchange.world.settings.loop_limit
    if limit is None:
        return
    key = hashlib.sha256(exchange.body).hexdigest()
    recent = [at for at in exchange.world.token_requests.get(key, []) if at > exchange.now - LOOP_WINDOW_S]
    exchange.world.token_requests[key] = [*recent, exchange.now]
    if len(recent) >= limit:
        raise ServiceError(50196)
