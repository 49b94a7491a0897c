"""On-behalf-of grant: an API exchanges the access token of its caller for another one (RFC 7523, 2.1).

client       the API, with its credential
assertion    the caller's access token for the API: signature, audience, kind, times
user         account, consent and second factor, as for a renewal
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.jose import MalformedError, is_signed_by, split
from entrakit_emulator.state.identities import GRAPH_ID
from entrakit_emulator.state.tickets import Subject
from entrakit_emulator.sts import client_authentication, scopes, token_response, users
from entrakit_emulator.sts.errors import ServiceError, moment, need

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory

KEY_NOT_FOUND = "The key was not found."
WRONG_SIGNATURE = "The provided signature value did not match the expected signature value."


def answer(exchange: Exchange, directory: Directory | None, app: App) -> dict[str, object]:
    """Return tokens for the user of an assertion.

    Raises:
        ServiceError: `requested_token_use` is missing (900144) or another one (9002313), the app is public (700025,
            7000218) or its credential is wrong, the assertion is not acceptable, the account is blocked, or the scope
            requires consent (65001) or a second factor (50076).
    """
    if need(exchange.form, "requested_token_use") != "on_behalf_of":
        raise ServiceError(9002313)
    if app.is_public and client_authentication.is_offered(exchange):
        raise ServiceError(700025)
    how = client_authentication.check(exchange, app, directory)
    assertion, text = need(exchange.form, "assertion"), need(exchange.form, "scope")
    subject = _subject(exchange, app, assertion)
    user = exchange.world.users.get(subject.user_id)
    if user is None or (directory is not None and user.tenant_id != directory.tenant_id):
        raise ServiceError(50034, user=subject.user_id, tenant=directory.name if directory else exchange.tenant)
    users.check_state(user, app)
    asked = scopes.parse_for_one_resource(exchange.world, text, app=app, tenant=exchange.tenant)
    if user.mfa_code and "mfa" not in subject.methods:
        raise ServiceError(50076, error="interaction_required", claims=users.MFA_CLAIMS, resource=asked.first.resource)
    users.check_consent(exchange, app, user, asked)
    return token_response.for_person(
        exchange, app, user, subject, asked,
        acr=how, platform="web", claims_request=exchange.form.get("claims", ""),
    )  # fmt: skip


def _subject(exchange: Exchange, app: App, assertion: str) -> Subject:
    """Return the sign-in that an assertion stands for, after all checks of the assertion."""
    issued = exchange.world.issued.get(assertion)
    claims = _signed_claims(exchange, assertion) if issued is None else issued.claims
    _check_claims(exchange, app, claims)
    subject = issued.subject if issued else None
    if subject is None:
        # A token of an earlier run: a snapshot has no issued tokens.
        methods, issued_at = claims.get("amr"), claims.get("iat")
        subject = Subject(
            str(claims.get("oid")), str(claims.get("tid")), float(issued_at) if isinstance(issued_at, int) else 0.0,
            tuple(str(one) for one in methods) if isinstance(methods, list) else ("pwd",), str(claims.get("sid", "")),
        )  # fmt: skip
    valid_from = exchange.world.valid_from.get(subject.user_id)
    if valid_from is not None and subject.at <= valid_from:
        raise ServiceError(50173, issued=moment(subject.at), valid_from=moment(valid_from))
    return subject


def _signed_claims(exchange: Exchange, assertion: str) -> Mapping[str, object]:
    """Return the claims of a token that was signed with a published key.

    Raises:
        ServiceError: The token is malformed (50027), or its signature is not the tenant's (50013).
    """
    try:
        parts = split(assertion)
    except MalformedError as error:
        reason = "The assertion is not a signed JSON web token."
        raise ServiceError(50027, error="invalid_request", status=400, reason=reason) from error
    kid = str(parts.header.get("kid", ""))
    key = exchange.world.keys.find(kid)
    if key is None:
        raise ServiceError(50013, reason=KEY_NOT_FOUND, thumbprint=kid)
    if parts.header.get("alg") != "RS256" or not is_signed_by(parts, key.key.public_key()):
        raise ServiceError(50013, reason=WRONG_SIGNATURE, thumbprint=kid)
    return parts.payload


def _check_claims(exchange: Exchange, app: App, claims: Mapping[str, object]) -> None:
    audience = str(claims.get("aud", ""))
    resource = exchange.world.find_resource(audience)
    # A token for Graph has a nonce in its header, and its signature covers the hash of the nonce instead.
    if resource is not None and resource.client_id == GRAPH_ID:
        raise ServiceError(50013, reason=WRONG_SIGNATURE, thumbprint=exchange.world.keys.active.kid)
    if audience not in (app.client_id, *app.identifier_uris):
        raise ServiceError(500131, audience=audience, app=app.client_id, name=app.name)
    ends = claims.get("exp")
    if not isinstance(ends, int) or ends <= exchange.now:
        end = moment(ends if isinstance(ends, int) else 0)
        raise ServiceError(500133, now=moment(exchange.now), end=end)
    if "scp" not in claims:
        # Tokens for users have permissions, except ID tokens, whose audience is the app, too.
        is_of_app = claims.get("idtyp") == "app" or claims.get("oid") == claims.get("sub")
        raise ServiceError(7000114 if is_of_app else 240002, app=app.client_id)
