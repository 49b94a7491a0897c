"""The holder of a connection's record: one renewal at a time, whatever asks, and what it brings is kept first.

    fresh     returned at once, without a lock
    stale     one thread renews, the others get the stale one; if renewing fails, so does the one
    expired   one thread renews, the others wait for it, and share its failure
    claims    renewed once for the challenge
    cae       while there is none, the token without it is what a stale one would be

A kept connection is renewed by one process at a time: under the lock of its entry, after looking whether another
process has done it meanwhile. The next refresh token is on disk before the new access token is handed out.
"""

from __future__ import annotations

from threading import Lock

from entrakit.connection import record as records
from entrakit.errors import EntraError, NotConnectedError, VaultBusyError, VaultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from entrakit.connection.credentials import Proof
    from entrakit.connection.record import Record
    from entrakit.connection.settings import Settings
    from entrakit.http.transport import Clock, Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.tokens.request import Wanted
    from entrakit.tokens.token import Token
    from entrakit.vault import Vault

EARLY_RETRY_S = 30.0
BUSY_RETRY_S = 1.0
LOCK_TIMEOUT_S = 120.0


class Holder:
    """What a connection is made of, behind one lock.

    Args:
        record: What is known of it.
        transport: What sends; None makes the usual one when it is first needed.
        proof: What the app or person proves itself with; None to find it when it is needed.
        vault: Where it is kept; None if it is not.
        clock: What tells the time.
        owns_transport: Close the transport with the connection; one that it makes itself is always its own.
        reach: What opens another connection by its name.

    Attributes:
        record: What is known of it now.
        default: The token that it was made for.
        is_closed: Whether it was closed.
    """

    def __init__(
        self, record: Record, *, transport: Transport | None, proof: Proof | None, vault: Vault | None, clock: Clock,
        owns_transport: bool, reach: OpenConnection,
    ) -> None:  # fmt: skip
        self.record = record
        self.is_closed = False
        self._default_key = " ".join(record.settings.scopes)
        self.default: Token | None = record.tokens.get(self._default_key)
        self._reach = reach
        self._transport = transport
        self._owns_transport = owns_transport or transport is None
        self._service_transport: Transport | None = None
        self._proof = proof
        self._vault = vault
        self._clock = clock
        self._time: Callable[[], float] = clock.time
        self._lock = Lock()
        self._challenges: dict[str, str] = {}
        self._refused: dict[str, float] = {}
        self._failed: tuple[float, str, EntraError] | None = None
        self._next_early_try: dict[str, float] = {}

    def close(self) -> None:
        """Forget tokens and proof."""
        with self._lock:
            self.is_closed = True
            self.default = self._proof = None
            self.record = records.Record(self.record.settings, {})
            for transport in (self._transport, self._service_transport):
                if transport is not None and self._owns_transport:
                    transport.close()

    def fresh(self, wanted: Wanted) -> Token | None:
        """Return a token that need not be renewed; None if there is none, without waiting for anything."""
        token, now = self.record.tokens.get(wanted.key), self._time()
        if self.is_closed or wanted.is_met(token, now):
            return None if self.is_closed else token
        return self._usable(wanted, token, now) if now < self._next_early_try.get(wanted.key, 0.0) else None

    def token(self, wanted: Wanted) -> Token:
        """Return a token, renewed if that is due. Raises EntraError, as `Connection.token()` says."""
        before = self.record.tokens.get(wanted.key)
        now = self._time()
        if wanted.issued_after:
            self._refused[" ".join(wanted.scopes)] = wanted.issued_after
        if self.is_closed:
            raise _not_connected(self.record.settings)
        if before is not None and self._answers(wanted, before, now):
            return before
        usable = self._usable(wanted, before, now)
        if usable is not None and now < self._next_early_try.get(wanted.key, 0.0):
            return usable
        arrived = self._clock.monotonic()
        if not self._lock.acquire(blocking=usable is None) and usable is not None:
            return usable
        try:
            current = self.record.tokens.get(wanted.key)
            is_answer = not wanted.claims or self._challenges.get(wanted.key, "") == wanted.claims
            if current is not None and current is not before and is_answer and wanted.is_met(current, self._time()):
                return current
            usable = self._usable(wanted, current, self._time())
            self._share_failure(wanted.key + wanted.claims, arrived)
            return self._renewed(wanted, usable)
        finally:
            self._lock.release()

    def _usable(self, wanted: Wanted, token: Token | None, now: float) -> Token | None:
        """Return what can be used for want of a better one: the token, or the one for the same without CAE."""
        key = " ".join(wanted.scopes)
        plain = self.record.tokens.get(key)
        if plain is not None and plain.issued_at <= self._refused.get(key, -1.0):
            # A service has refused it.
            plain = None
        return next((one for one in (token, plain) if wanted.can_do(one, now)), None)

    def _answers(self, wanted: Wanted, token: Token, now: float) -> bool:
        """Return whether a token will do as it is; for a challenge, whether it was issued for just that one since."""
        is_for_it = not wanted.claims or (
            wanted.issued_after > 0 and self._challenges.get(wanted.key, "") == wanted.claims
        )
        return is_for_it and wanted.is_met(token, now)

    def _share_failure(self, key: str, arrived: float) -> None:
        """Raise what the renewal that we waited for raised: asking again at once would not help anybody."""
        if self._failed is not None and self._failed[0] >= arrived and self._failed[1] == key:
            raise self._failed[2]

    def _renewed(self, wanted: Wanted, usable: Token | None) -> Token:
        is_stale = usable is self.record.tokens.get(wanted.key)
        try:
            with self._locked_entry(0.0 if usable is not None else LOCK_TIMEOUT_S):
                if self._vault is not None:
                    self._reconcile(self._kept_record(self._vault))
                    kept = self.record.tokens.get(wanted.key)
                    if kept is not None and not wanted.claims and wanted.is_met(kept, self._time()):
                        return kept
                return self._renew(wanted, patient=usable is None)
        except EntraError as error:
            if usable is None:
                # Only who waited as long as could be may speak for others.
                self._failed = (self._clock.monotonic(), wanted.key + wanted.claims, error)
                raise
            if isinstance(error, VaultBusyError):
                # Another process is at it; what it brings is there soon enough.
                self._next_early_try[wanted.key] = self._time() + BUSY_RETRY_S
                return usable
            import logging

            asked_to_wait = getattr(error, "retry_after_s", None) or 0.0
            self._next_early_try[wanted.key] = self._time() + max(EARLY_RETRY_S, asked_to_wait)
            level, what = (logging.WARNING, "renewed early") if is_stale else (logging.INFO, "replaced by one with CAE")
            logging.getLogger("entrakit").log(level, "The token was not %s: %s", what, error.problem)
            return usable

    def _locked_entry(self, timeout_s: float) -> AbstractContextManager[object]:
        if self._vault is not None:
            return self._vault.lock(self.record.settings.name, timeout_s)
        from contextlib import nullcontext

        return nullcontext()

    def _kept_record(self, vault: Vault) -> Record:
        """Return what is kept under our name, if it is still this connection: our proof is for no other."""
        kept, settings = records.read(vault, self.record.settings.name), self.record.settings
        if not kept.settings.is_like(settings):
            raise NotConnectedError(
                f"Another connection has been made under the name {settings.name!r}.",
                remedy="Open that one by its name, or connect again: `connect()`.",
            ).about(settings)
        return kept

    def _reconcile(self, kept: Record) -> None:
        """Take what is kept, unless it lags behind: the newest refresh token is never given up for an older one."""
        if self.record.is_newer(kept):
            # Its write failed, or the place was set back to an earlier state.
            self._keep(self.record)
        else:
            self._adopt(kept)

    def _renew(self, wanted: Wanted, *, patient: bool) -> Token:
        from entrakit.connection import credentials
        from entrakit.connection.renewal import renew
        from entrakit.tokens.claims_challenge import merged_claims

        record, key = self.record, wanted.key
        if self._proof is None and record.saved_proof:
            self._proof = credentials.saved_proof(record.saved_proof)
        renewed = renew(
            record.settings,
            self.open_transport() if patient else self.open_transport().impatient(),
            wanted.scopes,
            refresh_token=record.refresh_token,
            proof=self._proof,
            claims=merged_claims(wanted.claims, cae=wanted.cae),
            reach=self._reach,
        )
        self._proof = renewed.proof or self._proof
        following = renewed.record(record, key)
        if wanted.claims:
            # The token that was refused must not be handed out again, however it is asked for.
            plain = " ".join(wanted.scopes)
            following = following._replace(tokens={**following.tokens, plain: following.tokens[key]})
        self._challenges[key] = wanted.claims
        if self._vault is not None:
            self._keep(following)
        self._adopt(following)
        return following.tokens[key]

    def _keep(self, following: Record) -> None:
        """Write the next record; a disk that refuses must not cost the token that was just granted."""
        try:
            records.keep(self._vault, following, now=self._time()) if self._vault else None
        except VaultError as error:
            import logging

            logging.getLogger("entrakit").warning("The renewed token could not be kept: %s", error)

    def _adopt(self, record: Record) -> None:
        self.record = record
        self.default = record.tokens.get(self._default_key)

    def open_transport(self) -> Transport:
        """Return what sends for this connection, with the trust and proxy that it was connected with."""
        if self._transport is None:
            from entrakit.http.transport import Transport

            settings = self.record.settings
            self._transport = Transport(
                ca_bundle=settings.ca_bundle or None, proxy=settings.proxy or None, clock=self._clock
            )
        return self._transport

    def service_transport(self) -> Transport:
        """Return what sends to services: with the same trust and proxy, and HTTP/2; one that was handed in as it is."""
        if not self._owns_transport:
            return self.open_transport()
        if self._service_transport is None:
            self._service_transport = self.open_transport().offering_http2()
        return self._service_transport


def _not_connected(settings: Settings) -> NotConnectedError:
    return NotConnectedError(
        f"The connection {settings.name!r} was closed." if settings.name else "The connection was closed.",
        remedy="Connect again: `connect()`.",
    ).about(settings)
