"""A token of a user that an app redeems: a refresh token, or the token that a web API received.

A confidential client sends its own credential with it (RFC 6749, 6 and 2.3), a public client sends none.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar

from entrakit.errors import ParameterError
from entrakit.secret import Secret, refuse_impossible_characters
from entrakit.sign_in.flow import Flow
from entrakit.sources import File, Once, secret_source

if TYPE_CHECKING:
    from typing import Self

    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flow import SavedSettings
    from entrakit.tokens.jwt import JSON


class UserToken(Flow):
    """A token of a user, and the app that redeems it.

    Args:
        token: The token; a `Secret` records where it came from.
        app: The app's own way to sign in, whose credential is sent too; None for a public client.

    Raises:
        ParameterError: The token is empty, or has a character that no token can have; or the app is not one.
    """

    __slots__ = ("app", "identity", "is_ready", "or_else", "origin", "send_chain", "token", "uses")

    what: ClassVar[str]
    parameter: ClassVar[str]
    token: Secret
    app: Flow | None
    identity: Secret
    is_ready: bool
    or_else: tuple[Flow, ...]
    origin: tuple[tuple[str, str], ...]
    send_chain: bool
    uses: str

    def __init__(self, token: str | Secret, app: Flow | None = None) -> None:
        token = Secret(token) if isinstance(token, str) else token
        if not isinstance(token, Secret):
            raise ParameterError(f"`{self.parameter}` must be a string or a Secret.")
        refuse_impossible_characters(token, self.what)
        if not getattr(app, "is_app", app is None):
            raise ParameterError("The app of a token is a value such as ClientSecret or ClientCertificate.")
        put = object.__setattr__
        put(self, "token", token)
        put(self, "app", app)
        put(self, "identity", _identity(self.what, token, app))
        put(self, "origin", _origin(token, app))
        put(self, "is_ready", app is None or app.is_ready)
        put(self, "send_chain", app is not None and app.send_chain)
        put(self, "uses", app.uses if app else "")
        put(self, "or_else", tuple(self.with_app(one) for one in app.or_else) if app else ())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.token!r}{f', {self.app!r}' if self.app else ''})"

    def with_app(self, app: Flow) -> Self:
        """Return this value with another credential of the app."""
        return type(self)(self.token, app)

    def ready(self, now: float, open_connection: OpenConnection | None = None) -> Flow:
        """Return this value with the app's credential, read from its source and checked."""
        return self if self.app is None else self.with_app(self.app.ready(now, open_connection))

    def to_json(self) -> dict[str, JSON]:
        """Return the saved form of the app's credential; the token itself is not saved."""
        return {} if self.app is None else self.app.to_json()

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the source of the token: a file, else standard input."""
        origin = dict(settings.origin)
        text = origin.get("token", origin.get("secret", ""))
        if text.startswith("like:"):
            return {"like": text.removeprefix("like:")}
        source = secret_source(text)
        return {cls.parameter: source if isinstance(source, File) else Once.STANDARD_INPUT}


def _identity(what: str, token: Secret, app: Flow | None) -> Secret:
    """Return a value that only the same token and the same credential of the app have."""
    own = app.identity if app else None
    if own is None:
        return Secret(f"{what}\0{token.reveal()}")
    data = own.reveal().encode() if isinstance(own, Secret) else own
    return Secret(f"{what}\0{token.reveal()}\0{sha256(data).hexdigest()}")


def _origin(token: Secret, app: Flow | None) -> tuple[tuple[str, str], ...]:
    """Return the source of the token. With an app, its name and the source of its credential, too."""
    if app is None:
        return (("secret", token.origin),)
    return (("token", token.origin), ("app", app.name), *app.origin)
