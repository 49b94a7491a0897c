"""A token in words: whose it is, what it is for, what it allows, how long.

What is written in a token is read for people; nothing in this library is decided by it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from entrakit.claims import decode_claims, decode_header
from entrakit.errors import PermissionMissingError
from entrakit.permissions import BROADER, METHODS, RESOURCES, describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrakit.claims import JSON

MAX_SHOWN = 200


class Permission(NamedTuple):
    """One permission of a token.

    Args:
        name: Such as `User.Read.All`.
        kind: `delegated` or `application`.
        words: What it allows; empty if that is not known.
    """

    name: str
    kind: str
    words: str


class Inspection(NamedTuple):
    """What a token says of itself.

    Args:
        kind: `user`, `app`, or `unreadable`.
        audience: What it is for, as written.
        resource: The same in words; empty if unknown.
        tenant_id: Tenant that issued it.
        client_id: App that it was issued to.
        app_name: That app's name.
        account: User name, or empty for an app.
        permissions: What it allows.
        methods: How the person signed in, in words.
        issued_at: When it was issued (aware, UTC); None if unknown.
        expires_on: When it ends (aware, UTC); None if unknown.
        remaining_s: Seconds that are left, 0 if it is over; None if unknown.
        warnings: What is unusual, one sentence each.
        claims: All claims.
    """

    kind: str
    audience: str
    resource: str
    tenant_id: str
    client_id: str
    app_name: str
    account: str
    permissions: tuple[Permission, ...]
    methods: tuple[str, ...]
    issued_at: datetime | None
    expires_on: datetime | None
    remaining_s: float | None
    warnings: tuple[str, ...]
    claims: dict[str, JSON]


def inspect(token: str, now: float) -> Inspection:
    """Return what a token says of itself; one that can't be read says why.

    Args:
        token: An access token or ID token.
        now: Seconds since 1970.
    """
    claims = decode_claims(token)
    if claims is None:
        return Inspection("unreadable", "", "", "", "", "", "", (), (), None, None, None, (_why(token),), {})
    expires, issued = _moment(claims.get("exp")), _moment(claims.get("iat"))
    begins = _moment(claims.get("nbf"))
    warnings = []
    if expires is None:
        warnings.append("It does not say when it ends.")
    elif expires.timestamp() <= now:
        warnings.append("It is over.")
    if begins is not None and begins.timestamp() > now + 300:
        warnings.append("It is not valid yet.")
    audience = _text(claims.get("aud"))
    roles, scopes = _names(claims.get("roles")), _text(claims.get("scp"), 10_000).split()
    is_app = claims.get("idtyp") == "app" or (not scopes and _text(claims.get("oid")) == _text(claims.get("sub")))
    return Inspection(
        kind="app" if is_app else "user",
        audience=audience,
        resource=RESOURCES.get(audience.rstrip("/"), ""),
        tenant_id=_text(claims.get("tid")),
        client_id=_text(claims.get("appid") or claims.get("azp")),
        app_name=_text(claims.get("app_displayname")),
        account=_text(claims.get("upn") or claims.get("preferred_username") or claims.get("unique_name")),
        permissions=(
            *(Permission(name, "delegated", describe(name)) for name in sorted(scopes)[:MAX_SHOWN]),
            *(Permission(name, "application", describe(name)) for name in sorted(roles)[:MAX_SHOWN]),
        ),
        methods=tuple(METHODS.get(name, name) for name in _names(claims.get("amr"))),
        issued_at=issued,
        expires_on=expires,
        remaining_s=None if expires is None else max(0.0, expires.timestamp() - now),
        warnings=tuple(warnings),
        claims=claims,
    )


def require(inspection: Inspection, permissions: Sequence[str]) -> None:
    """Raise if a token lacks one of the permissions. Only the very permission counts, not a broader one.

    Args:
        inspection: What the token says of itself.
        permissions: Names in any case, with their resource or without.

    Raises:
        PermissionMissingError: It lacks some, or can't be read.
    """
    held = {one.name.lower() for one in inspection.permissions}
    missing = [name for name in permissions if name.rpartition("/")[2].lower() not in held]
    if not missing:
        return
    hints = []
    for name in missing:
        broader = [one for one in BROADER.get(name.rpartition("/")[2].lower(), ()) if one.lower() in held]
        if broader:
            hints.append(f"{broader[0]}, which the token has, also covers calls that ask for {name}.")
    unreadable = " It can't be read, so nothing is known of it." if inspection.kind == "unreadable" else ""
    consent = "Add the permission to the app registration and consent to it, then connect again."
    raise PermissionMissingError(
        f"The token lacks {', '.join(missing)}.{unreadable}", missing=missing, remedy=" ".join([*hints, consent])
    )


def _why(token: str) -> str:
    header = decode_header(token)
    if header is not None and "enc" in header:
        return "It is encrypted (JWE), so only the resource can read it."
    return "It is opaque: not a JWT that can be read. That is no fault; only the resource needs to read it."


def _text(value: object, longest: int = 256) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(letter for letter in text if letter.isprintable())[:longest]


def _names(value: object) -> list[str]:
    return [_text(name) for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None
