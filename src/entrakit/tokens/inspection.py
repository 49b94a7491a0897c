"""A token, explained: its owner, audience, permissions and lifetime.

The content of a token is decoded for display only; no decision of this library depends on it. `require` compares
permissions with the claims of the token, and only the resource decides whether it accepts the token.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import PermissionMissingError
from entrakit.shown_text import one_line
from entrakit.tokens.jwt import MAX_TOKEN, decode_claims, decode_header
from entrakit.tokens.permissions import APP_PROOFS, BROADER, DIRECTORY_ROLES, METHODS, RESOURCES, ROLE_MARKERS, describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.tokens.jwt import JSON

# A token may come from a clock that differs a little from this one.
TOLERANCE_S = 300.0
MAX_VALUE = 256


class Permission(NamedTuple):
    """One permission of a token.

    Args:
        name: Such as `User.Read.All`.
        kind: `delegated` or `application`; `app role` for a role that the resource assigns to users, `directory
            role` for one of Entra ID.
        words: Actions that it allows, as a phrase that follows "may"; empty if unknown.
    """

    name: str
    kind: str
    words: str


class Inspection(NamedTuple):
    """Content of a token, as the token states it.

    Args:
        kind: `user`, `app`, or `unreadable`.
        audience: The audience, as written in the token.
        resource: Name of the audience; empty if unknown.
        tenant_id: Tenant that issued it.
        client_id: App that it was issued to.
        app_name: That app's name.
        account: User name, or empty for an app.
        permissions: Its permissions and directory roles.
        methods: Ways in which the user signed in or the app authenticated, as phrases.
        issued_at: Time of issue (aware, UTC); None if unknown.
        expires_on: Time at which it expires (aware, UTC); None if unknown.
        remaining_s: Seconds until it expires, 0 if it has expired; None if unknown.
        warnings: Unusual properties, one sentence each.
        claims: All claims.
        version: Format of the token, `1.0` or `2.0`; empty if unknown.
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
    version: str = ""


def inspect(token: str, now: float) -> Inspection:
    """Return the content of a token; for an unreadable token, a warning gives the reason.

    Args:
        token: An access token or ID token, with or without `Bearer` before it.
        now: Seconds since 1970.
    """
    token = token.strip().removeprefix("Bearer ").lstrip()
    claims = decode_claims(token)
    if claims is None:
        return Inspection("unreadable", "", "", "", "", "", "", (), (), None, None, None, (_why(token),), {})
    is_app = _is_app(claims)
    permissions = _permissions(claims, is_app=is_app)
    audience = _text(claims, "aud")
    expires = _moment(claims.get("exp"))
    return Inspection(
        kind="app" if is_app else "user",
        audience=audience,
        resource=RESOURCES.get(_plain(audience), ""),
        tenant_id=_text(claims, "tid"),
        client_id=_text(claims, "appid", "azp"),
        app_name=_text(claims, "app_displayname"),
        account="" if is_app else _text(claims, "upn", "preferred_username", "unique_name", "email"),
        permissions=permissions,
        methods=_methods(claims, is_app=is_app),
        issued_at=_moment(claims.get("iat")),
        expires_on=expires,
        remaining_s=None if expires is None else max(0.0, expires.timestamp() - now),
        warnings=tuple(_warnings(claims, permissions, now, is_app=is_app)),
        claims=claims,
        version=_text(claims, "ver"),
    )


def require(inspection: Inspection, permissions: Sequence[str]) -> None:
    """Raise if a token lacks one of the permissions. Only the exact permission counts, not a broader one.

    Args:
        inspection: Content of the token.
        permissions: Names in any case, alone or after their resource (`https://graph.microsoft.com/User.Read`).

    Raises:
        PermissionMissingError: The token lacks a permission, is for another resource, or can't be read.
    """
    held = {one.name.lower() for one in inspection.permissions if one.kind != "directory role"}
    missing = [name for name in permissions if not _holds(inspection, held, name)]
    if not missing:
        return
    if inspection.kind == "unreadable":
        raise PermissionMissingError(
            f"Can't check whether the token has {', '.join(missing)}. {inspection.warnings[0]}",
            missing=missing,
            remedy="Request a token of a resource whose tokens can be read, such as Microsoft Graph.",
        )
    hints = []
    for name in missing if _is_graph(inspection.audience) else ():
        broader = [one for one in BROADER.get(name.rpartition("/")[2].lower(), ()) if one.lower() in held]
        if broader:
            hints.append(f"{broader[0]}, which the token has, also covers calls that require {name}.")
    kind = "application" if inspection.kind == "app" else "delegated"
    advice = f"Add it as {kind} permission to the app registration and consent to it, then connect again."
    raise PermissionMissingError(
        f"The token lacks {', '.join(missing)}.", missing=missing, remedy=" ".join([*hints, advice])
    )


def _holds(inspection: Inspection, held: set[str], name: str) -> bool:
    resource, _, permission = name.rpartition("/")
    return permission.lower() in held and (not resource or _is_for(inspection.audience, resource))


def _is_graph(audience: str) -> bool:
    """Return whether an audience is the Microsoft Graph of a cloud."""
    return RESOURCES.get(_plain(audience), "").partition(" (")[0] == "Microsoft Graph"


def _is_for(audience: str, resource: str) -> bool:
    """Return whether an audience names a resource, by its address or by its id."""
    ours, theirs = _plain(audience), _plain(resource)
    if ours == theirs:
        return True
    known, asked = RESOURCES.get(ours, ""), RESOURCES.get(theirs, "")
    if _is_id(ours) and not known:
        # A v2.0 token names its API by an id; it does not contain the addresses of that API.
        return not asked
    if _is_id(ours) or _is_id(theirs):
        # One id stands for the resource in every cloud.
        return bool(known) and known.partition(" (")[0] == asked.partition(" (")[0]
    return bool(known) and known == asked


def _plain(resource: str) -> str:
    return resource.lower().rstrip("/").removeprefix("spn:").removeprefix("api://")


def _is_id(resource: str) -> bool:
    return len(resource) == 36 and resource.count("-") == 4 and "." not in resource


def _is_app(claims: Mapping[str, JSON]) -> bool:
    """Return whether an app signed in as itself: `idtyp` says so, or subject and object are equal."""
    kind = _text(claims, "idtyp")
    if kind in ("app", "user"):
        return kind == "app"
    subject = _text(claims, "sub")
    return bool(subject) and subject == _text(claims, "oid") and not _names(claims.get("scp"))


def _permissions(claims: Mapping[str, JSON], *, is_app: bool) -> tuple[Permission, ...]:
    kind = "application" if is_app else "app role"
    roles = [DIRECTORY_ROLES.get(role, (role, "")) for role in _names(claims.get("wids")) if role not in ROLE_MARKERS]
    is_graph = _is_graph(_text(claims, "aud"))

    def words(name: str, kind: str) -> str:
        # Names without a dot mean the same in every API. Others can mean something else in another API.
        return describe(name, kind) if is_graph or "." not in name else ""

    return (
        *(Permission(name, "delegated", words(name, "delegated")) for name in _names(claims.get("scp"))),
        *(Permission(name, kind, words(name, "application")) for name in _names(claims.get("roles"))),
        *(Permission(name, "directory role", words) for name, words in sorted(roles)),
    )


def _methods(claims: Mapping[str, JSON], *, is_app: bool) -> tuple[str, ...]:
    if is_app:
        proof = _text(claims, "appidacr", "azpacr")
        return (APP_PROOFS[proof],) if proof in APP_PROOFS else ()
    return tuple(METHODS.get(name, name) for name in _names(claims.get("amr")))


def _warnings(claims: Mapping[str, JSON], permissions: Sequence[Permission], now: float, *, is_app: bool) -> list[str]:
    found = []
    expires, begins = _moment(claims.get("exp")), _moment(claims.get("nbf"))
    if expires is None:
        found.append("It has no expiry time.")
    elif expires.timestamp() <= now:
        found.append("It has expired.")
    if begins is not None and begins.timestamp() > now + TOLERANCE_S:
        found.append("It is not valid yet: is this machine's clock behind?")
    if _text(claims, "ver") not in ("1.0", "2.0"):
        found.append("Its version is neither 1.0 nor 2.0, so Entra ID may not have issued it.")
    if not permissions and is_app:
        found.append("It has no permission: none was granted to the app, or nobody consented.")
    if not permissions and not is_app and not _text(claims, "appid", "azp"):
        found.append("It is an ID token: it identifies the user and gives access to no resource.")
    return found


def _why(token: str) -> str:
    if not token:
        return "The token is empty."
    if len(token) > MAX_TOKEN:
        return f"It is longer than {MAX_TOKEN // 1024} KiB, so it was not read."
    header = decode_header(token)
    if header is not None and "enc" in header:
        return "It is encrypted (JWE), so only the resource can read it."
    if header is not None:
        return "It begins as a JWT, but is damaged: was it cut or changed?"
    return "It is opaque, not a readable JWT. That is not an error; only the resource needs to read it."


def _text(claims: Mapping[str, JSON], *names: str) -> str:
    """Return the first of some claims that is a string, or its first string, without unprintable characters."""
    for name in names:
        value = claims.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str) and value:
            return one_line(value[:MAX_VALUE])
    return ""


def _names(value: JSON) -> list[str]:
    """Return the names in a claim, sorted, without duplicates: a list of strings, or one string with spaces."""
    texts = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    clean = (one_line(text, MAX_VALUE) for text in texts if isinstance(text, str))
    return sorted({name for name in clean if name})


def _moment(value: JSON) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None
