"""Getting the next token of a connection silently: the flow that gets it, and the credential for that flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import InteractionRequiredError
from entrakit.sign_in.discovery import discover
from entrakit.tokens.claims_challenge import merged_claims
from entrakit.vault.files import metadata_dir

if TYPE_CHECKING:
    from entrakit.connection.record import Record
    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flows import AnyCredential
    from entrakit.tokens.request import TokenRequest


class Renewal(NamedTuple):
    """Result of a renewal.

    Args:
        record: The next record, with the new token.
        credential: The credential that was used; None if a refresh token was enough.
    """

    record: Record
    credential: AnyCredential | None = None


def renew(
    record: Record,
    request: TokenRequest,
    key: str,
    transport: Transport,
    *,
    credential: AnyCredential | None,
    open_connection: OpenConnection,
) -> Renewal:
    """Get a new token without the user.

    Args:
        record: The connection's record.
        request: Scopes and claims to request; an app has one `.default` scope.
        key: Cache key of the new token.
        transport: Transport that sends the requests.
        credential: The credential in memory; None to read it from its source.
        open_connection: Opens the connection that a key vault is reached through.

    Raises:
        InteractionRequiredError: The user has to sign in.
        SignInError: The service refused for another reason.
        CertificateError: The certificate is missing, or can't be used any more.
        NetworkError: No usable answer.
    """
    settings = record.settings
    claims = merged_claims(request.claims, cae=request.cae)
    authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_dir())
    if not settings.is_app and record.refresh_token:
        from entrakit.sign_in.flows import refresh

        try:
            grant = refresh.renew(
                authority,
                settings.client_id,
                transport,
                request.scopes,
                refresh_token=record.refresh_token,
                claims=claims,
            )
            return Renewal(record.with_grant(grant, authority, key))
        except InteractionRequiredError:
            if settings.flow != "password" or claims:
                raise
    if not settings.is_app and settings.flow != "password":
        raise InteractionRequiredError(
            "The connection has no refresh token, so it can't be renewed silently.",
            remedy="Connect again: `connect()`.",
            error="interaction_required",
        )
    from entrakit.connection import credentials
    from entrakit.sign_in import flows

    credential = credentials.newest(settings, credential, transport.clock.time(), open_connection)
    grant = flows.with_credential(
        authority,
        settings.client_id,
        transport,
        request.scopes,
        credential=credential,
        send_chain=settings.send_chain,
        claims=claims,
    )
    return Renewal(record.with_grant(grant, authority, key), credential)
