"""Getting the next token of a connection silently: with its refresh token, or by signing in again.

A connection holds its credential in memory. The vault holds it only with `save_secret`. Without that, another process
reads it again from its source (environment variable, file, certificate store), or reports what is missing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import EntraError, InteractionRequiredError
from entrakit.sign_in.discovery import discover, offline
from entrakit.sign_in.flows import find, way_of
from entrakit.tokens.claims_challenge import merged_claims
from entrakit.vault.files import metadata_dir

if TYPE_CHECKING:
    from entrakit.connection.record import Record
    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flow import Flow
    from entrakit.tokens.request import TokenRequest

log = logging.getLogger("entrakit")


class Renewal(NamedTuple):
    """Result of a renewal.

    Args:
        record: The next record, with the new token.
        how: The way to sign in that was used; None if a refresh token was enough.
    """

    record: Record
    how: Flow | None = None


def renew(
    record: Record,
    request: TokenRequest,
    key: str,
    transport: Transport,
    *,
    how: Flow | None,
    open_connection: OpenConnection,
) -> Renewal:
    """Get a new token without the user.

    Args:
        record: The connection's record.
        request: Scopes and claims to request; an app has one `.default` scope.
        key: Cache key of the new token.
        transport: Transport that sends the requests.
        how: The way to sign in that is in memory, with its credential; None to read the credential from its source.
        open_connection: Opens the connection that a key vault is reached through.

    Raises:
        InteractionRequiredError: The user has to sign in.
        SignInError: The service refused for another reason.
        CertificateError: The certificate is missing, or can't be used any more.
        NetworkError: No usable answer.
    """
    settings = record.settings
    client_id, claims = settings.client_id, merged_claims(request.claims, cae=request.cae)
    app = newest_app(record, how, transport.clock.time(), open_connection)
    if app is not None:
        how = how.with_app(app) if how else None
    if record.refresh_token:
        from entrakit.sign_in.flows import refresh

        authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_dir())
        token = record.refresh_token
        try:
            grant = refresh.renew(
                authority, client_id, transport, request.scopes, refresh_token=token, claims=claims, app=app
            )
            return Renewal(record.with_grant(grant, authority, key), how if app else None)
        except InteractionRequiredError as error:
            way = find(settings.flow)
            if claims or not way.is_silent:
                way.advise(error, settings)
                raise
    if how is None or app is None:
        how = newest(record, how, transport.clock.time(), open_connection)
    how = how.renewing(request, record.tokens.get(key, record.tokens.get(" ".join(request.scopes))))
    if how.is_local:
        # The program or host that gives the token decides on CAE itself. The tenant stays the one of the first token.
        authority, claims = offline(settings.cloud, record.tenant_id), request.claims
    else:
        authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_dir())
    grant = how.sign_in(authority, client_id, transport, request.scopes, claims=claims)
    return Renewal(record.with_grant(grant, authority, key), how)


def newest_app(record: Record, how: Flow | None, now: float, open_connection: OpenConnection) -> Flow | None:
    """Return the app's own way to sign in, whose credential is sent with a token of the user; None if none is sent.

    Arguments as for `newest`.

    Raises:
        EntraError: No credential is in memory, and none can be read; about the connection of the user.
    """
    of_app = record.settings.of_app
    if of_app is None:
        return None
    try:
        return newest(record._replace(settings=of_app), how.app if how else None, now, open_connection)
    except EntraError as error:
        error.settings = record.settings
        raise


def newest(record: Record, how: Flow | None, now: float, open_connection: OpenConnection) -> Flow:
    """Return the way to sign in again. Its credential is read from its source, because it may have been replaced.

    A certificate that replaces a valid one is used only if it is valid itself. A half-written file, or a certificate
    that is not valid yet, is skipped until the next renewal.

    Args:
        record: The connection's record.
        how: The way in memory, with its credential; None if there is none.
        now: Seconds since 1970.
        open_connection: Opens the connection that a key vault is reached through.

    Raises:
        EntraError: No credential is in memory, and none can be read, as for `Flow.read_again`.
    """
    settings = record.settings
    if how is None and record.saved_credential:
        how = find(settings.flow).from_json(record.saved_credential, settings)
    if settings.save_secret and how is not None:
        return how
    try:
        found = way_of(settings).read_again(settings, now, open_connection=open_connection)
        if how is not None:
            found.check(now)
    except EntraError as error:
        if how is None:
            error.settings = error.settings or settings
            raise
        if how.is_rotated:
            log.warning("The certificate can't be read again, so the one before is used: %s", error.problem)
        return how
    return found
