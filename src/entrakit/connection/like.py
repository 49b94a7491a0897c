"""Another connection like one that exists: the same app, account and cloud, with other scopes or another name.

A user's connection gives its refresh token, which the new one redeems; an app's connection gives its credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from entrakit.authority.tenants import parse_client_id
from entrakit.connection.renewal import newest, newest_app
from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.secret import Secret
from entrakit.sign_in.flows import find
from entrakit.sign_in.parameters import choose_set, cloud_of
from entrakit.tokens.scopes import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.connection.record import Record
    from entrakit.connection.settings import Settings
    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flow import Flow


class Likeness(NamedTuple):
    """The parts of a connection that another one takes over.

    Args:
        how: The way to sign in.
        settings: Settings of the connection.
        tenant_id: Id of its tenant, if known.
        transport: Its transport.
    """

    how: Flow
    settings: Settings
    tenant_id: str
    transport: Transport


def way_like(record: Record, how: Flow | None, now: float, open_connection: OpenConnection) -> Flow:
    """Return the way to sign in for another connection: the refresh token, or else the credential.

    Args:
        record: Record of the connection.
        how: Its way to sign in that is in memory; None if there is none.
        now: Seconds since 1970.
        open_connection: Opens the connection that a key vault is reached through.

    Raises:
        InteractionRequiredError: It has neither.
        CertificateError: The certificate is missing, or can't be used any more.
    """
    settings = record.settings
    if record.refresh_token:
        from entrakit.sign_in.flows.refresh_token import RefreshToken

        origin = f"like:{settings.name}" if settings.name else "argument"
        return RefreshToken(Secret(record.refresh_token, origin), newest_app(record, how, now, open_connection))
    if not find(settings.flow).is_silent or settings.of_app is not None:
        which = f"The connection {settings.name!r}" if settings.name else "This connection"
        raise InteractionRequiredError(
            f"{which} has no refresh token, so no other connection can be made like it.",
            remedy="Sign in for the other connection, too: `connect()`.",
            error="interaction_required",
        ).about(settings)
    return newest(record, how, now, open_connection)


def parameters_like(found: Likeness, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `connect()` for a connection like another one.

    Args:
        found: The parts that it takes over.
        given: All parameters of the caller by their names.

    Raises:
        ParameterSetError: Another way to sign in is named, too.
        ParameterError: A parameter contradicts the other connection.
    """
    chosen, settings, how = choose_set(given), found.settings, found.how
    name, cloud = given["name"], given["cloud"]
    if name is not None and name.lower() == settings.name.lower():
        raise ParameterError("A connection like another one needs another name.", remedy="Give another `name`.")
    if given["client_id"] and parse_client_id(given["client_id"]) != settings.client_id:
        raise ParameterError("The other connection has another app.", remedy="Leave `client_id` out.")
    is_named = cloud not in ("", "global") or given["authority_url"] or given["graph_url"]
    if is_named and cloud_of(cloud or "global", given["authority_url"], given["graph_url"]) != settings.cloud:
        raise ParameterError("The other connection is in another cloud.", remedy="Leave `cloud` out.")
    scopes, resource = given["scopes"], given["resource"] or settings.resource
    if chosen.apps:
        from entrakit.sign_in.flows.on_behalf_of import OnBehalfOf

        if not how.is_app:
            raise ParameterError("A web API is an app, but the other connection is a user's.", remedy="Use another.")
        how = OnBehalfOf(given["on_behalf_of"], how)
    elif not scopes and not how.is_app:
        scopes = settings.scopes if resource == settings.resource else (DEFAULT,)
    same = ("ca_bundle", "timeout", "name", "ensure", "save_secret", "on_replace", "on_sign_in", "vault", "clock")
    transport = given["transport"] or (None if given["ca_bundle"] else found.transport)
    return {one: given[one] for one in (*same, "fallback")} | {
        "how": how, "client_id": settings.client_id, "tenant_id": given["tenant_id"] or found.tenant_id,
        "cloud": settings.cloud, "scopes": scopes, "resource": resource, "transport": transport,
    }  # fmt: skip
