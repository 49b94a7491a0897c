"""Routes of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator import resource_manager
from entrakit_emulator.application import Route
from entrakit_emulator.exchange import NotImplementedHereError
from entrakit_emulator.graph import endpoint as graph
from entrakit_emulator.key_vault import endpoint as key_vault
from entrakit_emulator.sts import (
    admin_consent,
    authorize,
    device_page,
    devicecode,
    discovery,
    error_lookup,
    sign_in,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange

# Paths of the real service that are refused by name.
REFUSED = {
    "/{tenant}/oauth2/token": "the v1.0 token endpoint",
    "/{tenant}/oauth2/devicecode": "the v1.0 device code endpoint",
    "/{tenant}/oauth2/authorize": "the v1.0 authorize endpoint",
    "/{tenant}/oauth2/logout": "the v1.0 logout endpoint",
    "/{tenant}/kerberos": "Kerberos",
    "/GetUserRealm.srf": "the older user realm endpoint",
}


def _refused(feature: str) -> Callable[[Exchange], Response]:
    def handler(_: Exchange) -> Response:
        raise NotImplementedHereError(feature)

    return handler


ROUTES: tuple[Route, ...] = (
    Route("key_vault", "/keyvault/{vault}/{path}", key_vault.answer),
    *(Route("key_vault", f"/{kind}/{{path}}", key_vault.answer) for kind in key_vault.KINDS),
    Route("token", "/{tenant}/oauth2/v2.0/token", token.token),
    Route("devicecode", "/{tenant}/oauth2/v2.0/devicecode", devicecode.devicecode),
    Route("authorize", "/{tenant}/oauth2/v2.0/authorize", authorize.authorize, is_page=True),
    Route("logout", "/{tenant}/oauth2/v2.0/logout", sign_in.logout, is_page=True),
    Route("adminconsent", "/{tenant}/adminconsent", admin_consent.registered, is_page=True),
    Route("adminconsent", "/{tenant}/v2.0/adminconsent", admin_consent.requested, is_page=True),
    Route("login", "/{tenant}/login", sign_in.login, is_page=True),
    Route("devicelogin", "/devicelogin", device_page.device_login, is_page=True),
    Route("discovery", "/{tenant}/v2.0/.well-known/openid-configuration", discovery.configuration),
    Route("discovery", "/{tenant}/.well-known/openid-configuration", discovery.configuration_v1),
    Route("keys", "/{tenant}/discovery/v2.0/keys", discovery.keys),
    Route("keys", "/{tenant}/discovery/keys", discovery.keys_v1),
    Route("instance", "/common/discovery/instance", discovery.instance),
    Route("userrealm", "/common/userrealm/{name}", discovery.userrealm),
    *(Route("graph", f"/{version}{rest}", graph.answer) for version in ("v1.0", "beta") for rest in ("/{path}", "")),
    Route("graph", "/oidc/userinfo", graph.userinfo),
    Route("resource_manager", "/metadata/endpoints", resource_manager.endpoints),
    Route("resource_manager", "/tenants", resource_manager.tenants),
    Route("resource_manager", "/subscriptions", resource_manager.subscriptions),
    *(
        Route("resource_manager", path, resource_manager.absent)
        for path in ("/tenants/{path}", "/subscriptions/{path}", "/providers/{path}", "/providers")
    ),
    Route("error", "/error", error_lookup.error_page, is_page=True),
    Route("icon", "/favicon.ico", error_lookup.no_icon),
    *(Route("refused", pattern, _refused(feature)) for pattern, feature in REFUSED.items()),
)
