"""The token cache of a connection: it renews one token at a time, and saves each renewal before it returns the token.

`decision.decide()` says what to do with the cached tokens; `TokenCache` does it:

    use it          at once, without a lock
    try to renew    one thread renews, once and without waiting; the others, and a failure, get the fallback
    must renew      one thread renews, the others wait for it and share its failure

A saved connection is renewed by one process at a time: under the lock of its entry, and after a look at whether another
process has renewed it meanwhile. The next refresh token is on disk before the new access token is returned.
"""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from threading import Lock
from typing import TYPE_CHECKING

from entrakit.connection import record as records
from entrakit.connection.decision import TryToRenew, Use, decide
from entrakit.errors import EntraError, NotConnectedError, VaultBusyError, VaultError
from entrakit.tokens.request import TokenRequest
from entrakit.tokens.scopes import app_scopes, delegated_scopes, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from entrakit.connection.decision import Decision
    from entrakit.connection.like import Likeness
    from entrakit.connection.record import Record
    from entrakit.connection.saver import Saver
    from entrakit.http.retry import Clock
    from entrakit.http.transport import Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flow import Flow
    from entrakit.tokens.token import Token

EARLY_RETRY_S = 30.0
BUSY_RETRY_S = 1.0
LOCK_TIMEOUT_S = 120.0


def _key(request: TokenRequest) -> str:
    """Return the cache key: tokens with and without CAE are cached separately."""
    return " ".join((*request.scopes, "cae")) if request.cae else " ".join(request.scopes)


class TokenCache:
    """The tokens of one connection, and their renewal. Safe to share between threads.

    It is the token source of the runners in `services/`.

    Args:
        record: The connection's record.
        open_connection: Opens another connection by its name.
        transport: Transport that sends the requests; None creates the default one on first use.
        how: The way to sign in again, with its credential; None to read that when it is needed.
        vault: Vault, or place in memory, that the connection is saved in; None if it is not saved.
        clock: Clock to read the time from.
        owns_transport: Whether closing the cache closes the transport; it always closes one that it made itself.

    Attributes:
        record: The newest record.
        default: The token that `token()` returns without arguments.
        is_closed: Whether the connection was closed.
    """

    def __init__(
        self,
        record: Record,
        *,
        open_connection: OpenConnection,
        transport: Transport | None = None,
        how: Flow | None = None,
        vault: Saver | None = None,
        clock: Clock = time,
        owns_transport: bool = False,
    ) -> None:
        self.record = record
        self.is_closed = False
        self._default_key = " ".join(record.settings.scopes)
        self.default: Token | None = record.tokens.get(self._default_key)
        self.clock = clock
        self.time: Callable[[], float] = clock.time
        self._open_connection = open_connection
        self._transport = transport
        self._owns_transport = owns_transport or transport is None
        self._how = how
        self._vault = vault
        self._lock = Lock()
        self._service_requests: dict[str, TokenRequest] = {}
        self._challenges: dict[str, str] = {}
        self._refused: dict[str, float] = {}
        self._failed: tuple[float, str, EntraError] | None = None
        self._pauses: dict[str, float] = {}

    @property
    def tenant_id(self) -> str:
        """Tenant of the connection."""
        return self.record.tenant_id

    def request(
        self, scopes: Sequence[str] = (), *, claims: str | None = None, min_validity_s: float = 0.0, cae: bool = False
    ) -> TokenRequest:
        """Return a checked request for a token of this connection.

        Args:
            scopes: Scopes of one resource; none for those of the default token.
            claims: Claims challenge, as JSON or in base64; empty for none.
            min_validity_s: Minimum lifetime in seconds.
            cae: Whether to tell the service that the client handles claims challenges.

        Raises:
            ParameterError: The scopes or the claims are invalid.
        """
        settings = self.record.settings
        full = settings.scopes
        if scopes:
            resolve = app_scopes if settings.is_app else delegated_scopes
            full = resolve(scopes, resource=settings.resource)
        if claims:
            from entrakit.tokens.claims_challenge import parse_claims

            claims = parse_claims(claims)
        return TokenRequest(full, claims or "", min_validity_s, cae)

    def fresh(self, request: TokenRequest) -> Token | None:
        """Return a token that need not be renewed; None if there is none. Never waits."""
        decision = self._decide(request)
        return decision.token if isinstance(decision, Use) else None

    def token(self, request: TokenRequest) -> Token:
        """Return a token, renewed if necessary. Raises EntraError as `Connection.token()` describes."""
        if request.issued_after:
            self._refused[" ".join(request.scopes)] = request.issued_after
        if self.is_closed:
            raise self._closed()
        before = self.record.tokens.get(_key(request))
        decision = self._decide(request)
        if isinstance(decision, Use):
            return decision.token
        arrived = self.clock.monotonic()
        fallback = decision.fallback if isinstance(decision, TryToRenew) else None
        if not self._lock.acquire(blocking=fallback is None) and fallback is not None:
            return fallback
        handled = sys.exception()
        try:
            decision = self._decide(request, is_renewed=self.record.tokens.get(_key(request)) is not before)
            if isinstance(decision, Use):
                return decision.token
            self._share_failure(request, arrived)
            return self._renewed(request, decision.fallback if isinstance(decision, TryToRenew) else None)
        except BaseException as error:
            from entrakit.frames import clear_locals

            clear_locals(error, handled)
            raise
        finally:
            self._lock.release()

    def service_token(self, scope: str, *, claims: str = "", issued_after: float = 0.0) -> Token:
        """Return a token for a client of a service, which handles claims challenges (CAE).

        Args:
            scope: Scope of the service.
            claims: Claims challenge, as JSON; empty for none.
            issued_after: Time of issue of the token that the service refused, in seconds since 1970; 0 for none.

        Raises:
            EntraError: As for `Connection.token()`.
        """
        return self.token(self._service_request(scope)._replace(claims=claims, issued_after=issued_after))

    def fresh_service_token(self, scope: str, *, issued_after: float = 0.0) -> Token | None:
        """Return the result of `service_token()` if that would neither renew nor wait, else None."""
        return self.fresh(self._service_request(scope)._replace(issued_after=issued_after))

    def transport(self) -> Transport:
        """Return the transport of this connection, with the trust and proxy that it was made with."""
        if self._transport is None:
            from entrakit.http.transport import Transport

            settings = self.record.settings
            self._transport = Transport(
                ca_bundle=settings.ca_bundle or None, proxy=settings.proxy or None, clock=self.clock
            )
        return self._transport

    def likeness(self) -> Likeness:
        """Return the parts that another connection takes over. Raises NotConnectedError, or as `way_like`."""
        from entrakit.connection.like import Likeness, way_like

        if self.is_closed:
            raise self._closed()
        how = way_like(self.record, self._how, self.time(), self._open_connection)
        return Likeness(how, self.record.settings, self.tenant_id, self.transport())

    def close(self) -> None:
        """Forget the tokens and the credential."""
        with self._lock:
            self.is_closed = True
            self.default = self._how = None
            self.record = records.Record(self.record.settings, {})
            if self._transport is not None and self._owns_transport:
                self._transport.close()

    def disconnect(self) -> None:
        """Remove the connection from the vault, and close it. Raises VaultError if the entry can't be removed."""
        if self._vault is not None:
            self._vault.delete(self.record.settings.name)
        self.close()

    def _closed(self) -> NotConnectedError:
        name = self.record.settings.name
        return NotConnectedError(
            f"The connection {name!r} was closed." if name else "The connection was closed.",
            remedy="Connect again: `connect()`.",
        ).about(self.record.settings)

    def _service_request(self, scope: str) -> TokenRequest:
        # Every request to a service has the same one: its scope is checked once.
        if scope not in self._service_requests:
            self._service_requests[scope] = self.request((scope,), cae=True)._replace(is_for_client=True)
        return self._service_requests[scope]

    def _decide(self, request: TokenRequest, *, is_renewed: bool = False) -> Decision:
        """Decide on the cached tokens; `is_renewed` if another thread has renewed while this one waited."""
        tokens, key, plain_key = self.record.tokens, _key(request), " ".join(request.scopes)
        # A token that was issued for the same challenge earlier does not count: the challenge came in reply to it.
        counts = is_renewed or request.issued_after > 0
        token, now = tokens.get(key), self.time()
        is_fresh = token is not None and token.is_fresh(now)
        return decide(
            now,
            request,
            token,
            others=() if is_fresh else self._others(request, key, plain_key),
            refused_at=self._refused.get(plain_key, -1.0),
            answered=self._challenges.get(key, "") if counts else "",
            pause_until=self._pauses.get(key, 0.0) if is_fresh else self._pause_of(key, token),
        )

    def _pause_of(self, key: str, token: Token | None) -> float:
        """Return the end of the pause after an early renewal that failed, or that gave a stored token near its end."""
        pause, now = self._pauses.get(key, 0.0), self.time()
        if token is None or now >= token.issued_at + EARLY_RETRY_S:
            return pause
        from entrakit.sign_in.flows import find

        # The time of issue is saved, so the renewals of other processes count.
        stores_tokens = find(self.record.settings.flow).stores_tokens
        return max(pause, token.issued_at + EARLY_RETRY_S) if stores_tokens else pause

    def _others(self, request: TokenRequest, key: str, plain_key: str) -> list[Token]:
        """Return the tokens that can stand in for the one of a request, the best first."""
        tokens = self.record.tokens
        plain = [tokens[plain_key]] if plain_key in tokens and plain_key != key else []
        if not request.is_for_client:
            return plain
        resource = resource_of(request.scopes[0])
        others = [
            token
            for name, token in tokens.items()
            if name not in (key, plain_key) and resource in map(resource_of, name.split())
        ]
        return plain + sorted(others, key=lambda token: token.expires_at, reverse=True)

    def _share_failure(self, request: TokenRequest, arrived: float) -> None:
        """Raise the error of the renewal that this thread has waited for: another attempt would fail like it."""
        if (
            self._failed is not None
            and self._failed[0] >= arrived
            and self._failed[1] == _key(request) + request.claims
        ):
            raise self._failed[2]

    def _renewed(self, request: TokenRequest, fallback: Token | None) -> Token:
        """Renew under the lock of the entry, unless another process has done so; with a fallback, never fail."""
        key = _key(request)
        is_stale = fallback is self.record.tokens.get(key)
        try:
            with self._entry_lock(0.0 if fallback is not None else LOCK_TIMEOUT_S):
                if self._vault is not None:
                    self._reconcile(self._vault)
                    saved = self.record.tokens.get(key)
                    decision = decide(self.time(), request, saved, pause_until=self._pause_of(key, saved))
                    if isinstance(decision, Use):
                        return decision.token
                return self._renew(request, patient=fallback is None)
        except EntraError as error:
            if error.settings is None:
                error.about(self.record.settings)
            if fallback is None:
                # Share only the failure of a full attempt; an early renewal gives up sooner.
                self._failed = (self.clock.monotonic(), key + request.claims, error)
                raise
            self._pause(key, error, "renewed early" if is_stale else "replaced by one with CAE", is_stale=is_stale)
            return fallback

    def _pause(self, key: str, error: EntraError, what: str, *, is_stale: bool) -> None:
        """Note that an early renewal failed, so that the next calls do not repeat it."""
        if isinstance(error, VaultBusyError):
            # Another process is renewing; its token is saved soon.
            self._pauses[key] = self.time() + BUSY_RETRY_S
            return
        import logging

        wait_s = getattr(error, "retry_after_s", None) or 0.0
        self._pauses[key] = self.time() + max(EARLY_RETRY_S, wait_s)
        level = logging.WARNING if is_stale else logging.INFO
        logging.getLogger("entrakit").log(level, "The token was not %s: %s", what, error.problem)

    def _entry_lock(self, timeout_s: float) -> AbstractContextManager[object]:
        return nullcontext() if self._vault is None else self._vault.lock(self.record.settings.name, timeout_s)

    def _reconcile(self, vault: Saver) -> None:
        """Take over the saved record, unless it is older: an older refresh token never replaces a newer one."""
        settings = self.record.settings
        saved = records.read(vault, settings.name)
        if not saved.settings.is_like(settings):
            # The credential in memory must not be sent for another connection.
            raise NotConnectedError(
                f"Another connection has been made under the name {settings.name!r}.",
                remedy="Open that one by its name, or connect again: `connect()`.",
            )
        if self.record.is_newer(saved):
            # Writing the record in memory failed, or the vault was set back to an earlier state.
            self._save(self.record)
        else:
            self._adopt(saved)

    def _renew(self, request: TokenRequest, *, patient: bool) -> Token:
        from entrakit.connection.renewal import renew
        from entrakit.sign_in.flows import find

        record, key = self.record, _key(request)
        if self._vault is not None and find(record.settings.flow).needs_no_variables:
            from entrakit.connection.saver import hide_all_variables

            hide_all_variables(self._vault)
        following, used = renew(
            record,
            request,
            key,
            self.transport() if patient else self.transport().impatient(),
            how=self._how,
            open_connection=self._open_connection,
        )
        self._how = used or self._how
        if request.claims:
            # The refused token must not be returned again, for any request.
            plain = " ".join(request.scopes)
            following = following._replace(tokens={**following.tokens, plain: following.tokens[key]})
        self._challenges[key] = request.claims
        self._save(following)
        self._adopt(following)
        return following.tokens[key]

    def _save(self, following: Record) -> None:
        """Write the next record; a failure must not cost the token that was just granted."""
        if self._vault is None:
            return
        try:
            records.keep(self._vault, following, now=self.time(), is_renewal=True)
        except VaultError as error:
            import logging

            logging.getLogger("entrakit").warning("The renewed token could not be saved: %s", error)

    def _adopt(self, record: Record) -> None:
        self.record = record
        self.default = record.tokens.get(self._default_key)
