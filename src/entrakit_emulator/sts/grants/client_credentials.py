"""Client credentials grant (RFC 6749, 4.4): an app signs in as itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.sts import client_authentication, scopes, token_response
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return an access token for the app.

    Raises:
        ServiceError: The path has no tenant (50059), the credential is missing or wrong, or the scope is not exactly
            one `{resource}/.default` (1002012). OpenID Connect scopes next to it are ignored, as several clients send
            them with every request.
    """
    if directory is None:
        raise ServiceError(50059)
    if app.is_public and client_authentication.is_offered(exchange):
        raise ServiceError(700025)
    how = client_authentication.check(exchange, app, directory)
    if app.tenant_id != directory.tenant_id and directory.tenant_id not in app.installed_in:
        raise ServiceError(7000229, app=app.client_id, tenant=directory.tenant_id)
    text = need(exchange.form, "scope")
    for_resources = [word for word in dict.fromkeys(text.split()) if word not in scopes.OIDC]
    if len(for_resources) != 1 or not for_resources[0].lower().endswith(scopes.DEFAULT):
        raise ServiceError(1002012, scope=text)
    asked = scopes.parse(exchange.world, for_resources[0], app=app, tenant=directory.tenant_id)
    return token_response.for_app(exchange, app, directory.tenant_id, asked.first, acr=how)
