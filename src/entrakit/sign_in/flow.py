"""The contract of a way to sign in: one file in `flows/`, with one immutable value.

A value knows how to sign in, whether it can do so again without the user, which part of it is saved, and how a later
process reads that. `connect()` makes one from its parameters, or is given one.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from entrakit.errors import InteractionRequiredError, ParameterError
from entrakit.secret import Secret
from entrakit.sources import Environment, File, Once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import NoReturn, Self

    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in._msal import TokenService
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.grant import Grant
    from entrakit.sources import SecretSource
    from entrakit.tokens.jwt import JSON
    from entrakit.tokens.request import TokenRequest
    from entrakit.tokens.token import Account, Token


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SignIn(Protocol[T_co]):
    """Signs in, as `connect()` does."""

    def __call__(self, how: Flow, /, *, client_id: str, tenant_id: str) -> T_co:
        """Return the connection of a way to sign in."""
        ...


class SavedSettings(Protocol):
    """The settings of a saved connection that a way to sign in reads."""

    @property
    def name(self) -> str:
        """Name of the connection; empty if it is not saved."""

    @property
    def flow(self) -> str:
        """Name of the way to sign in."""

    @property
    def account(self) -> Account:
        """The account."""

    @property
    def origin(self) -> tuple[tuple[str, str], ...]:
        """Saved form of the source of the credential, as `Flow.origin`."""

    @property
    def hints(self) -> tuple[tuple[str, str], ...]:
        """Further parameters of the sign-in, as `Flow.hints`."""

    @property
    def send_chain(self) -> bool:
        """Whether the certificate's chain is sent."""

    @property
    def save_secret(self) -> bool:
        """Whether the credential is saved, encrypted."""

    @property
    def has_refresh_token(self) -> bool:
        """False if a user's connection was saved without a refresh token."""


class Flow:
    """A way to sign in, as an immutable value whose constructor checks its fields.

    Attributes:
        name: Its name in settings and tokens, and of its file: `secret`.
        is_app: Whether the app signs in as itself, without a user.
        is_silent: Whether it can sign in again without the user. If not, only a refresh token renews a connection.
        needs_ids: Whether the command requires app and tenant, from its options or variables.
        is_local: Whether it signs in without a request to the token service.
        is_shared: Whether later calls in this process use a connection without a name, too, until `ends_at`.
        is_choice: Whether it only chooses another way.
        learns_app: Whether the first token tells the app, so that the caller names none.
        stores_tokens: Whether a host outside this process stores the tokens, and may return one near its end.
        needs_no_variables: Whether it starts a program that needs no secret of any saved connection: a browser or a
            tool of Azure. A program that signs may need one, for example a PIN that another connection uses, too.
        not_renewed: The reason why a connection does not renew itself, as a sentence.
        default_scopes: Scopes to request if the caller names none; empty for the usual ones.
        refused_tenants: Tenant ids that stand for many tenants and can't be used.
        username: Name of the user who should sign in; empty if nobody is named.
        origin: Saved form of the source of the credential, by part: `(("secret", "env:AZURE_CLIENT_SECRET"),)`.
        hints: Further parameters that do not belong to the credential, with their values; empty for a switch. The
            command that connects again repeats them: `(("port", "8400"),)`.
        send_chain: Whether the certificate's chain is sent.
        identity: A value that only the same credential has; None without a credential.
        is_ready: Whether the credential was read; else `ready` reads it.
        is_rotated: Whether the credential is usually replaced where it was read, so that failing to read it is logged.
        or_else: Ways to use in turn if the service or the certificate refuses this one.
        ends_at: Time at which it can't be used any more, in seconds since 1970; 0 if that is not known.
        uses: Name of the saved connection that it needs; empty for none.
        app: The app's own way to sign in, whose credential is sent with a token of the user; None for none.
        client_id: App if the caller names none; empty if the caller must name one.
        tenant_id: Tenant if the caller names none; empty if the caller must name one.
        cloud: Cloud, or address of its token service, if the caller names neither; empty for the global cloud.
    """

    __slots__ = ()

    name: ClassVar[str]
    is_app: ClassVar[bool] = False
    is_silent: ClassVar[bool] = True
    needs_ids: ClassVar[bool] = True
    is_local: ClassVar[bool] = False
    is_shared: ClassVar[bool] = False
    is_choice: ClassVar[bool] = False
    learns_app: ClassVar[bool] = False
    stores_tokens: ClassVar[bool] = False
    needs_no_variables: ClassVar[bool] = False
    not_renewed: ClassVar[str] = "The credential is not saved."
    default_scopes: ClassVar[tuple[str, ...]] = ()
    refused_tenants: ClassVar[tuple[str, ...]] = ()
    username: str = ""
    origin: tuple[tuple[str, str], ...] = ()
    hints: tuple[tuple[str, str], ...] = ()
    send_chain: bool = False
    identity: Secret | bytes | None = None
    is_ready: bool = True
    is_rotated: bool = False
    or_else: tuple[Flow, ...] = ()
    ends_at: float = 0.0
    uses: str = ""
    app: Flow | None = None
    client_id: str = ""
    tenant_id: str = ""
    cloud: str = ""

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Self:
        """Return the value that the parameters of `connect()` describe.

        Args:
            given: All parameters by their names.

        Raises:
            ParameterError: A parameter is invalid.
        """
        raise NotImplementedError

    def sign_in(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        scopes: Sequence[str],
        *,
        claims: str = "",
        timeout_s: float | None = None,
    ) -> Grant:
        """Sign in, and return the tokens.

        Args:
            authority: The authority.
            client_id: The app.
            transport: Transport that sends the requests.
            scopes: Scopes of one resource; one `.default` scope for an app.
            claims: Claims challenge, as JSON; empty for none.
            timeout_s: Maximum seconds to wait for a user; None for the usual time.

        Raises:
            InteractionRequiredError: The user must sign in with a browser.
            SignInError: The user cancelled, or the service refused.
            CertificateError: The certificate can't be used now, or its key could not sign.
            NetworkError: No usable answer.
        """
        raise NotImplementedError

    def choose(self, sign_in: SignIn[T], saved: Callable[[], T]) -> T:
        """Return the connection of another way that this one chooses; for ways that are a choice.

        Args:
            sign_in: Signs in with a way.
            saved: Returns the current saved connection, if it can give a token.

        Raises:
            EntraError: No way can be used, or the chosen one was refused.
        """
        raise NotImplementedError

    def as_app(
        self,
        authority: Authority,
        client_id: str,
        transport: Transport,
        ask: Callable[[TokenService], Grant],
        *,
        flow: str,
    ) -> Grant:
        """Return the tokens that `ask` gets from the token service with the app's credential (RFC 6749, 2.3).

        Args:
            authority: The authority.
            client_id: The app.
            transport: Transport that sends the requests.
            ask: Sends a request for a user, such as a refresh token, once or twice.
            flow: Name of the flow, for error messages.

        Raises:
            ParameterError: The way has no credential of an app.
            CertificateError: The certificate can't be used now, or its key could not sign.
            EntraError: As for the request.
        """
        del authority, client_id, transport, ask, flow
        raise ParameterError(
            "A token of a user needs the credential of an app, and this way to sign in has none.",
            remedy="Give a secret, a certificate or `federated`, such as `federated='managed-identity'`.",
        )

    def with_app(self, app: Flow) -> Flow:
        """Return this value with another credential of the app; for ways that have an `app`."""
        del app
        return self

    def in_memory(self) -> Flow:
        """Return the value for a connection without a name; for ways that are shared."""
        return self

    def ready(self, now: float, open_connection: OpenConnection | None = None) -> Flow:
        """Return this value with its credential, read from its source and checked.

        Args:
            now: Seconds since 1970.
            open_connection: Opens the connection that a key vault is reached through.

        Raises:
            CertificateError: The certificate does not exist, or can't be used now.
            ParameterError: A field is invalid.
        """
        del now, open_connection
        return self

    def renewing(self, request: TokenRequest, before: Token | None) -> Flow:
        """Return this value for one renewal.

        Args:
            request: The token that is requested.
            before: The token that it replaces; None if there is none.
        """
        del request, before
        return self

    def check(self, now: float) -> None:
        """Raise CertificateError if the credential can't be used at `now` (seconds since 1970)."""

    def to_json(self) -> dict[str, JSON]:
        """Return the saved form of the credential, which is encrypted; `from_json` reads it.

        Raises:
            CertificateError: The private key is not exportable.
        """
        return {}

    @classmethod
    def from_json(cls, saved: Mapping[str, JSON], settings: SavedSettings) -> Flow:
        """Return the value with a saved credential.

        Args:
            saved: The result of `to_json`.
            settings: Settings of the connection.
        """
        del saved
        return cls.read_again(settings, 0.0)

    @classmethod
    def read_again(
        cls,
        settings: SavedSettings,
        now: float,
        environ: Mapping[str, str] = os.environ,
        open_connection: OpenConnection | None = None,
    ) -> Flow:
        """Return the value that signs in again: its credential is read from its source.

        Args:
            settings: Settings of the connection.
            now: Seconds since 1970.
            environ: Environment variables.
            open_connection: Opens the connection that a key vault is reached through.

        Raises:
            InteractionRequiredError: The user has to sign in, or the credential can't be read again.
            CertificateError: The certificate is missing, or can't be used any more.
        """
        del settings, now, environ, open_connection
        raise InteractionRequiredError(
            "The connection has no refresh token, so it can't be renewed silently.",
            remedy="Connect again: `connect()`.",
            error="interaction_required",
        )

    @classmethod
    def parameters_of(cls, settings: SavedSettings) -> dict[str, object]:
        """Return the parameters of `connect()` that sign in the same way, in the order in which they are shown.

        Args:
            settings: Settings of the connection.

        Returns:
            Strings, True for a switch, for a secret its source, a tuple for the words of a command, and a list for a
            parameter with several values.
        """
        raise NotImplementedError

    @classmethod
    def advise(cls, error: InteractionRequiredError, settings: SavedSettings) -> None:
        """Complete the remedy of a refused refresh token, if connecting again requires more than the same call."""

    @classmethod
    def next_token_from(cls, settings: SavedSettings) -> str:
        """Return the source of the next token of a connection, as the end of a sentence: `its refresh token`.

        The default fits ways that ask the user.

        Args:
            settings: Settings of the connection.
        """
        return "its refresh token" if settings.has_refresh_token else "a new sign-in of the user"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is immutable: {name} can't be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} is immutable: {name} can't be deleted")

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} can't be pickled: it would leave memory unencrypted")


def secret_again(settings: SavedSettings, what: str, part: str, environ: Mapping[str, str]) -> Secret:
    """Return the secret that a source of the settings has now.

    Args:
        settings: Settings of the connection.
        what: Name of the secret in messages: `client secret`.
        part: Part of `settings.origin` that says where it came from.
        environ: Environment variables.

    Raises:
        InteractionRequiredError: It was typed or passed by the program, or its source has none now.
    """
    origin = dict(settings.origin).get(part, "argument")
    if not origin.startswith(("env:", "file:")):
        how = {"prompt": "was typed", "stdin": "came on standard input"}.get(origin, "was passed by the program")
        raise missing(settings, what, how)
    try:
        return Secret.from_origin(origin, environ)
    except ParameterError as error:
        raise missing(settings, what, f"came from {origin.partition(':')[2]}, which has no value now") from error


def next_credential(settings: SavedSettings, what: str, source: SecretSource) -> str:
    """Return where a renewal reads a secret, as the end of a sentence: `the client secret in the variable NAME`.

    Args:
        settings: Settings of the connection.
        what: Name of the secret in messages: `client secret`.
        source: Where it came from.
    """
    if settings.save_secret:
        return f"the saved {what}"
    if isinstance(source, Environment):
        return f"the {what} in the variable {source.variable}"
    if isinstance(source, File):
        return f"the {what} in the file {source.path!r}"
    return f"the {what}, which has to be {'typed' if source is Once.PROMPT else 'given'} again"


def missing(settings: SavedSettings, what: str, how: str) -> InteractionRequiredError:
    """Return the error for a credential that can't be read again.

    Args:
        settings: Settings of the connection.
        what: The credential: `client secret`.
        how: How the connection got it, as the rest of a sentence: `was typed`.
    """
    which = f"the connection {settings.name!r}" if settings.name else "this connection"
    return InteractionRequiredError(
        f"Renewing {which} requires its {what}. It {how}, and is not saved.",
        remedy=f"Connect again: `connect()`. Add `save_secret=True` to save the {what}, encrypted.",
        error="interaction_required",
    )
