"""Cookies of a browser: its id, and the session with its signed-in users.

Scripts can't read the cookies; other hosts and plain HTTP never get them. The prefix `__Host-` and the port in their
names keep two emulators on one machine apart.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from entrakit_emulator.state.tickets import Session

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import Directory, User
    from entrakit_emulator.state.tickets import Subject
    from entrakit_emulator.world import World

_CSRF_KEY = secrets.token_bytes(32)


def _cookie(world: World, what: str) -> str:
    return f"__Host-entra-emulator-{world.origin.rpartition(':')[2]}-{what}"


def browser_id(exchange: Exchange) -> str:
    """Return the id of the browser; empty if it has none yet."""
    return exchange.cookies.get(_cookie(exchange.world, "browser"), "")


def name_browser(exchange: Exchange, response: Response, name: str) -> None:
    """Store the id of the browser in a cookie."""
    _set(response, _cookie(exchange.world, "browser"), name)


def new_browser_id() -> str:
    """Return an unguessable id."""
    return secrets.token_urlsafe(24)


def session_of(exchange: Exchange) -> Session:
    """Return the browser's session; an empty one if it has none."""
    return exchange.world.sessions.get(exchange.cookies.get(_cookie(exchange.world, "session"), "")) or Session()


def signed_in(world: World, session: Session, directory: Directory | None) -> list[tuple[User, Subject]]:
    """Return the users with a valid sign-in in a session, only those of the given tenant if there is one."""
    found = []
    for user_id, subject in session.subjects.items():
        user = world.users.get(user_id)
        if user is None or (directory is not None and user.tenant_id != directory.tenant_id):
            continue
        if subject.at > world.valid_from.get(user_id, float("-inf")):
            found.append((user, subject))
    return found


def sign_in(exchange: Exchange, response: Response, subject: Subject) -> None:
    """Add a sign-in to the browser's session, under a new id, so that a planted id is useless."""
    world = exchange.world
    name = _cookie(world, "session")
    old = world.sessions.pop(exchange.cookies.get(name, ""), Session())
    key = secrets.token_urlsafe(32)
    world.sessions[key] = Session({**old.subjects, subject.user_id: subject})
    _set(response, name, key)


def sign_out(exchange: Exchange, response: Response) -> None:
    """End the browser's session."""
    name = _cookie(exchange.world, "session")
    exchange.world.sessions.pop(exchange.cookies.get(name, ""), None)
    response.delete_cookie(name, secure=True, httponly=True, samesite="lax")


def csrf_token(flow: str, browser: str) -> str:
    """Return the value that a form must contain, so that other sites can't send it."""
    return hmac.new(_CSRF_KEY, f"{flow}/{browser}".encode(), hashlib.sha256).hexdigest()


def is_own_form(flow: str, browser: str, given: str) -> bool:
    """Return whether a form was created for this browser and this sign-in."""
    return hmac.compare_digest(csrf_token(flow, browser).encode(), given.encode())


def _set(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="lax")
