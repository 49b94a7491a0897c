"""Admin consent: an administrator grants an app permissions for all users of the tenant.

    GET /{tenant}/adminconsent         everything that the app's registration requires, app roles included
    GET /{tenant}/v2.0/adminconsent    the permissions in `scope`; `.default` as above, for one resource

    trust     client id, redirect URI     if wrong: a page, never a redirect
    sign in   the pages                   the last one lists the permissions
    answer    `admin_consent=True`, tenant, scope, state; or an error

The grant decides from then on: users see no page for what it contains, the app gets its roles, and an app of
another tenant gets a service principal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.state.identities import GRAPH_ID
from entrakit_emulator.state.scopes import ResourceScopes, Scopes
from entrakit_emulator.state.tickets import AdminConsentRequest, Interaction
from entrakit_emulator.sts import browser, delivery, redirects, scopes, sign_in, tenancy
from entrakit_emulator.sts.errors import ServiceError, need

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App
    from entrakit_emulator.world import World


def registered(exchange: Exchange) -> Response:
    """Start the consent to everything that an app's registration requires.

    Raises:
        ServiceError: The client or the redirect URI is not trusted; the error is shown on a page.
    """
    app = _app(exchange)
    return _begin(exchange, app, _required(exchange.world, app), is_v2=False)


def requested(exchange: Exchange) -> Response:
    """Start the consent to the permissions in `scope`.

    Raises:
        ServiceError: The client, the redirect URI or the scope is missing or not trusted; the error is shown on a page.
    """
    app, text = _app(exchange), need(exchange.query, "scope")
    need(exchange.query, "redirect_uri")
    return _begin(exchange, app, scopes.parse(exchange.world, text, app=app, tenant=exchange.tenant), is_v2=True)


def _app(exchange: Exchange) -> App:
    if exchange.method != "GET":
        raise ServiceError(900561, allowed="GET", method=exchange.method)
    directory = tenancy.directory_of(exchange)
    tenancy.served(directory)
    return tenancy.app_of(exchange, directory, need(exchange.query, "client_id"))


def _begin(exchange: Exchange, app: App, asked: Scopes, *, is_v2: bool) -> Response:
    given = exchange.query.get("redirect_uri", "")
    if app.redirects and not given:
        # Unlike the authorize endpoint, this one takes the first of several redirect URIs.
        given = app.redirects[0].uri
    redirects.registered(app, given)
    request = AdminConsentRequest(tenancy.directory_of(exchange), app, given, exchange.query.get("state"), asked, is_v2)
    if exchange.query.repeated:
        return delivery.refuse_admin(exchange, request, ServiceError(9002313))
    return sign_in.start(exchange, Interaction(browser.browser_id(exchange) or browser.new_browser_id(), request))


def _required(world: World, app: App) -> Scopes:
    resources = [
        ResourceScopes(one, next(iter(world.apps[one].identifier_uris), one), is_default=True)
        for one in dict.fromkeys((*app.required, *app.required_roles))
        if one in world.apps
    ]
    return Scopes("", frozenset(), tuple(resources) or (ResourceScopes(GRAPH_ID, scopes.GRAPH),))
