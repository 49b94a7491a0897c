"""Getting the next token of a connection in silence: which flow does it, and with what."""

from __future__ import annotations

import logging
import os
from typing import NamedTuple

from entrakit.certificates import Certificate
from entrakit.connection import credentials
from entrakit.connection.record import Record
from entrakit.errors import EntraError, InteractionRequiredError, SignInError
from entrakit.sign_in.discovery import discover
from entrakit.sign_in.id_token import account_of
from entrakit.tokens.token import Token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.connection.credentials import Proof
    from entrakit.connection.settings import Settings
    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant


log = logging.getLogger("entrakit")


class Renewed(NamedTuple):
    """What a renewal brought.

    Args:
        grant: The new token and, for a person, the next refresh token.
        authority: What the authority says of itself.
        proof: What was shown for it; None where a refresh token was enough.
    """

    grant: Grant
    authority: Authority
    proof: Proof | None = None

    def record(self, before: Record, key: str) -> Record:
        """Return the record that follows `before`, with the new token under `key`.

        Raises:
            SignInError: The new token is somebody else's.
        """
        settings = before.settings
        account = settings.account
        if not settings.is_app:
            account = account_of(self.grant, self.authority, settings.client_id)
            if settings.account.object_id and account.object_id not in ("", settings.account.object_id):
                raise SignInError(
                    "The renewed token is another account's.",
                    remedy="Connect again: `connect()`.",
                    error="invalid_id_token",
                ).about(settings)
            account = account if account.object_id else settings.account
        settings = settings._replace(account=account, directory_id=self.authority.directory_id)
        token = token_of(self.grant, settings)
        if key == " ".join(settings.scopes):
            settings = settings._replace(expires_at=token.expires_at)
        return Record(
            settings=settings,
            tokens={**before.tokens, key: token},
            refresh_token=self.grant.refresh_token or before.refresh_token,
            saved_proof=before.saved_proof,
            serial=before.serial + 1,
        )


def token_of(grant: Grant, settings: Settings) -> Token:
    """Return the token that was granted to a connection."""
    return Token(
        grant.access_token,
        token_type=grant.token_type,
        issued_at=grant.asked_at,
        expires_at=grant.asked_at + grant.expires_in,
        refresh_at=None if grant.refresh_in is None else grant.asked_at + grant.refresh_in,
        scopes=grant.scopes,
        client_id=settings.client_id,
        tenant_id=settings.directory_id or settings.account.tenant_id or settings.tenant_id,
        account=settings.account,
        flow=settings.flow,
    )


def metadata_directory() -> str | None:
    """Return where discovery documents are kept; None where nothing can be."""
    from entrakit.vault.files import state_dir

    try:
        return os.path.join(state_dir(os.environ), "metadata")
    except EntraError:
        return None


def renew(
    settings: Settings, transport: Transport, scopes: Sequence[str], *, refresh_token: str, proof: Proof | None,
    claims: str = "", reach: OpenConnection | None = None,
) -> Renewed:  # fmt: skip
    """Return a new token without a person.

    Args:
        settings: How the connection was made.
        transport: What sends.
        scopes: Scopes of one resource; one `.default` scope for an app.
        refresh_token: The newest one; empty if there is none.
        proof: What was kept of secret or certificate; None to read it again from where it came.
        claims: JSON text of a claims challenge; empty if there is none.
        reach: Opens the connection that authenticates at a key vault.

    Raises:
        InteractionRequiredError: Only a person can go on.
        SignInError: The service said no otherwise.
        CertificateError: The certificate is gone, or can't be used any more.
        NetworkError: No usable answer.
    """
    authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_directory())
    if settings.is_app:
        proof = newest_proof(settings, proof, transport.clock.time(), reach)
        return Renewed(acquire(settings, authority, transport, scopes, proof=proof, claims=claims), authority, proof)
    if refresh_token:
        from entrakit.sign_in.flows import refresh

        try:
            grant = refresh.renew(authority, settings.client_id, transport, refresh_token, scopes, claims=claims)
            return Renewed(grant, authority)
        except SignInError as error:
            if not isinstance(error, InteractionRequiredError) or settings.flow != "password" or claims:
                error.about(settings)
                raise
    if settings.flow == "password":
        proof = newest_proof(settings, proof, transport.clock.time(), reach)
        return Renewed(acquire(settings, authority, transport, scopes, proof=proof, claims=claims), authority, proof)
    raise InteractionRequiredError(
        "There is no refresh token, so the connection can't be renewed in silence.",
        remedy="Connect again: `connect()`.",
        error="interaction_required",
    ).about(settings)


def acquire(
    settings: Settings, authority: Authority, transport: Transport, scopes: Sequence[str], *, proof: Proof,
    claims: str = "",
) -> Grant:  # fmt: skip
    """Return a token for a proof: a client secret, a certificate, or a user name and password."""
    from entrakit.secret import Credential, Secret

    if isinstance(proof, Secret):
        from entrakit.sign_in.flows import secret

        return secret.sign_in(authority, settings.client_id, transport, proof, scopes, claims=claims)
    if isinstance(proof, Credential):
        from entrakit.sign_in.flows import password

        return password.sign_in(authority, settings.client_id, transport, proof, scopes, claims=claims)
    from entrakit.sign_in.flows import certificate

    proof.check(transport.clock.time())
    return certificate.sign_in(
        authority, settings.client_id, transport, proof, scopes, send_chain=settings.send_chain, claims=claims
    )


def newest_proof(settings: Settings, proof: Proof | None, now: float, reach: OpenConnection | None = None) -> Proof:
    """Return the proof, read again where that is possible, for it may have been replaced.

    What has taken the place of a proof that is still good does so only if it is good itself: a file that is half
    written, or a certificate that is not valid yet, is passed over until the next renewal.

    Args:
        settings: How the connection was made.
        proof: The one at hand; None if there is none.
        now: Seconds since 1970.
        reach: Opens the connection that authenticates at a key vault.

    Raises:
        EntraError: There is none at hand, and none can be read (`credentials.find_again`).
    """
    if settings.save_secret and proof is not None:
        return proof
    try:
        newest = credentials.find_again(settings, reach=reach)
        if proof is not None and isinstance(newest, Certificate):
            newest.check(now)
    except EntraError as error:
        if proof is None:
            raise
        if dict(settings.origin).keys() & {"path", "uri", "thumbprint", "name"}:
            log.warning("The certificate is not read anew, and the one before is used: %s", error.problem)
        return proof
    return newest
