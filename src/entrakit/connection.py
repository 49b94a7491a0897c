"""A connection: a token that renews itself.

    token()   fresh   → returned at once, without a lock
              stale   → one thread renews, the others get the stale one; if renewing fails, so does the one
              expired → one thread renews, the others wait for it
              claims  → renewed once for the challenge

A kept connection is renewed by one process at a time: under the lock of its entry, after looking whether another
process has done it meanwhile. The next refresh token is on disk before the new access token is handed out.
"""

from __future__ import annotations

import time
from threading import Lock

from entrakit import record as records
from entrakit.errors import EntraError, NotConnectedError, ParameterError, VaultBusyError, VaultError
from entrakit.scopes import app_scopes, delegated_scopes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Self

    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

    from entrakit.http import Clock, Transport
    from entrakit.proofs import Proof
    from entrakit.record import Record
    from entrakit.settings import Settings
    from entrakit.tokens import Account, Token
    from entrakit.vault import Vault

EARLY_RETRY_S = 30.0
BUSY_RETRY_S = 1.0
LOCK_TIMEOUT_S = 120.0


class Connection:
    """The result of `connect()`: who is connected, and a token that renews itself. Safe to share between threads.

    It is a credential for every Azure SDK client and for msgraph-sdk (azure-core's `TokenCredential`). As a context
    manager it forgets its secrets at the end; what is kept in the vault stays there.

    Args:
        record: What is known of it.
        transport: What sends; None makes the usual one when it is first needed.
        proof: What the app or person proves itself with; None to find it when it is needed.
        vault: Where it is kept; None if it is not.
        clock: What tells the time.
        owns_transport: Close the transport with the connection; one that it makes itself is always its own.
    """

    def __init__(
        self, record: Record, *, transport: Transport | None = None, proof: Proof | None = None,
        vault: Vault | None = None, clock: Clock = time, owns_transport: bool = False,
    ) -> None:  # fmt: skip
        self._record = record
        self._transport = transport
        self._owns_transport = owns_transport or transport is None
        self._proof = proof
        self._vault = vault
        self._clock = clock
        self._time: Callable[[], float] = clock.time
        self._lock = Lock()
        self._challenges: dict[str, str] = {}
        self._failed: tuple[float, str, EntraError] | None = None
        self._next_early_try = 0.0
        self._closed = False
        self._default_key = " ".join(record.settings.scopes)
        self._default: Token | None = record.tokens.get(self._default_key)

    def __repr__(self) -> str:
        settings = self._record.settings
        who = settings.account.username or settings.client_id
        return f"Connection({settings.name!r}, flow={settings.flow!r}, tenant_id={self.tenant_id!r}, account={who!r})"

    def __reduce__(self) -> str:
        raise TypeError("a Connection can't be pickled: keep it with a name, and open it by that name")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def settings(self) -> Settings:
        """How it was made: flow, client, tenant, cloud, scopes, where its proof comes from."""
        return self._record.settings

    @property
    def name(self) -> str:
        """Its name in the vault; empty if it lives in memory only."""
        return self._record.settings.name

    @property
    def account(self) -> Account:
        """Who it stands for; for an app its client id."""
        return self._record.settings.account

    @property
    def tenant_id(self) -> str:
        """The tenant's id where it is known, else the tenant as it was asked for."""
        settings = self._record.settings
        return settings.directory_id or settings.account.tenant_id or settings.tenant_id

    @property
    def is_fresh(self) -> bool:
        """Whether `token()` has a token that need not be renewed yet."""
        return self._default is not None and self._default.is_fresh(self._time())

    def token(self, *scopes: str, claims: str = "", min_validity_s: float = 0.0) -> Token:
        """Return a token that can be used, renewed in silence if that is due. Never opens a browser or a prompt.

        Args:
            scopes: What the token is for, of one resource; nothing means what the connection was made for.
            claims: A claims challenge, as JSON text or as base64 from a `WWW-Authenticate` header; gets one new token.
            min_validity_s: Seconds that it must live at the least, where the service grants so long.

        Raises:
            InteractionRequiredError: Only a person can renew it; `remedy` has the command.
            SignInError: The service said no otherwise.
            NetworkError: No usable answer, and no token that is still valid.
            NotConnectedError: It was disconnected or closed.
            CertificateError: The certificate is gone, or can't be used any more.
            VaultError: The kept entry can't be read or locked, and no token that is still valid.
            ParameterError: The scopes or claims can't be right.
        """
        if not scopes and not claims:
            token = self._default
            if token is not None and not self._closed:
                now = self._time()
                if token.usable_from <= now < token.stale_at and now + min_validity_s <= token.expires_at:
                    return token
        return self._token(scopes, _parsed(claims), min_validity_s, cae=bool(claims))

    def headers(self, *scopes: str) -> dict[str, str]:
        """Return the `Authorization` header for a request; arguments and errors as for `token()`."""
        token = self.token(*scopes)
        return {"Authorization": f"{token.token_type} {token.access_token}"}

    def close(self) -> None:
        """Forget tokens and proof. What is kept in the vault stays there; `token()` raises from now on."""
        with self._lock:
            self._closed = True
            self._default = self._proof = None
            self._record = records.Record(self._record.settings, {})
            if self._transport is not None and self._owns_transport:
                self._transport.close()

    def disconnect(self) -> None:
        """Remove the connection from the vault, if it is kept, and forget its secrets.

        The service is not told; `entrakit.disconnect(name, revoke=True)` does that.

        Raises:
            VaultError: The entry can't be removed.
        """
        if self._vault is not None:
            self._vault.delete(self.name)
        self.close()

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:  # fmt: skip
        """Return a token as azure-core's `TokenCredential` does.

        Args:
            scopes: What the token is for.
            claims: JSON text of a claims challenge.
            tenant_id: Must be this connection's tenant, if given.
            enable_cae: Announce that claims challenges are handled.
            kwargs: What later versions of azure-core may add; not used.

        Raises:
            EntraError: As for `token()`.
        """
        from entrakit.azure_tokens import access_token

        del kwargs
        return access_token(self._for_azure(scopes, claims, tenant_id, cae=enable_cae))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token as azure-core's `SupportsTokenInfo` does.

        Args:
            scopes: What the token is for.
            options: `claims`, `tenant_id` and `enable_cae`, as for `get_token()`.

        Raises:
            EntraError: As for `token()`.
        """
        from entrakit.azure_tokens import access_token_info

        asked = options or {}
        cae = bool(asked.get("enable_cae"))
        return access_token_info(self._for_azure(scopes, asked.get("claims"), asked.get("tenant_id"), cae=cae))

    def _for_azure(self, scopes: tuple[str, ...], claims: str | None, tenant_id: str | None, *, cae: bool) -> Token:
        settings = self._record.settings
        known = {settings.tenant_id, settings.directory_id, settings.account.tenant_id}
        if tenant_id and tenant_id.lower() not in known:
            raise ParameterError(
                f"This connection is to the tenant {self.tenant_id}, and a token of {tenant_id} was asked.",
                remedy="Connect to that tenant as well, and hand in that connection.",
            )
        if not scopes:
            raise ParameterError(
                "No scope was asked for.", remedy="Name one, such as https://vault.azure.net/.default."
            )
        return self._token(scopes, _parsed(claims), 0.0, cae=cae or bool(claims))

    def _token(self, scopes: tuple[str, ...], claims: str, min_validity_s: float, *, cae: bool) -> Token:
        asked = self._asked(scopes)
        key = " ".join((*asked, "cae")) if cae else " ".join(asked)
        before = self._record.tokens.get(key)
        now = self._time()
        if self._closed:
            raise _not_connected(self._record.settings)
        if before is not None and not claims and before.is_fresh(now) and now + min_validity_s <= before.expires_at:
            return before
        usable = before if _is_usable(before, now, min_validity_s) and not claims else None
        if usable is not None and now < self._next_early_try:
            return usable
        arrived = self._clock.monotonic()
        if not self._lock.acquire(blocking=usable is None) and usable is not None:
            return usable
        try:
            current = self._record.tokens.get(key)
            now = self._time()
            if (
                current is not None and current is not before and self._challenges.get(key, "") == claims
                and current.is_fresh(now) and now + min_validity_s <= current.expires_at
            ):  # fmt: skip
                return current
            self._share_failure(key + claims, arrived)
            return self._renewed(key, asked, claims, usable, min_validity_s, cae=cae)
        finally:
            self._lock.release()

    def _share_failure(self, key: str, arrived: float) -> None:
        """Raise what the renewal that we waited for raised: asking again at once would not help anybody."""
        if self._failed is not None and self._failed[0] >= arrived and self._failed[1] == key:
            raise self._failed[2]

    def _asked(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        settings = self._record.settings
        if not scopes:
            return settings.scopes
        resolve = app_scopes if settings.is_app else delegated_scopes
        return resolve(scopes, resource=settings.resource)

    def _renewed(
        self, key: str, asked: tuple[str, ...], claims: str, usable: Token | None, min_validity_s: float, *, cae: bool
    ) -> Token:
        try:
            with self._locked_entry(0.0 if usable is not None else LOCK_TIMEOUT_S):
                if self._vault is not None:
                    self._reconcile(self._kept_record(self._vault))
                    kept, now = self._record.tokens.get(key), self._time()
                    if (
                        kept is not None
                        and not claims
                        and kept.is_fresh(now)
                        and now + min_validity_s <= kept.expires_at
                    ):
                        return kept
                return self._renew(key, asked, claims, cae=cae, patient=usable is None)
        except EntraError as error:
            if usable is None:
                # Only who waited as long as could be may speak for others.
                self._failed = (self._clock.monotonic(), key + claims, error)
                raise
            if isinstance(error, VaultBusyError):
                # Another process is at it; what it brings is there soon enough.
                self._next_early_try = self._time() + BUSY_RETRY_S
                return usable
            import logging

            asked_to_wait = getattr(error, "retry_after_s", None) or 0.0
            self._next_early_try = self._time() + max(EARLY_RETRY_S, asked_to_wait)
            logging.getLogger("entrakit").warning("The token was not renewed early: %s", error.problem)
            return usable

    def _locked_entry(self, timeout_s: float) -> AbstractContextManager[object]:
        if self._vault is not None:
            return self._vault.lock(self.name, timeout_s)
        from contextlib import nullcontext

        return nullcontext()

    def _kept_record(self, vault: Vault) -> Record:
        """Return what is kept under our name, if it is still this connection: our proof is for no other."""
        kept, settings = records.read(vault, self.name), self._record.settings
        if not kept.settings.is_like(settings):
            raise NotConnectedError(
                f"Another connection has been made under the name {self.name!r}.",
                remedy=f"Open that one by its name, or connect again with `{settings.reconnect}`.",
            )
        return kept

    def _reconcile(self, kept: Record) -> None:
        """Take what is kept, unless it lags behind: the newest refresh token is never given up for an older one."""
        if self._record.is_newer(kept):
            # Its write failed, or the place was set back to an earlier state.
            self._keep(self._record)
        else:
            self._adopt(kept)

    def _renew(self, key: str, asked: tuple[str, ...], claims: str, *, cae: bool, patient: bool) -> Token:
        from entrakit import proofs
        from entrakit.challenges import merged_claims
        from entrakit.renewal import renew

        record = self._record
        if self._proof is None and record.saved_proof:
            self._proof = proofs.saved_proof(record.saved_proof)
        renewed = renew(
            record.settings,
            self.open_transport() if patient else self.open_transport().impatient(),
            asked,
            refresh_token=record.refresh_token,
            proof=self._proof,
            claims=merged_claims(claims, cae=cae),
            reach=reaching(self._vault, self._clock),
        )
        self._proof = renewed.proof or self._proof
        following = renewed.record(record, key)
        if claims:
            # The token that was refused must not be handed out again, however it is asked for.
            following = following._replace(tokens={**following.tokens, " ".join(asked): following.tokens[key]})
        self._challenges[key] = claims
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
        self._record = record
        self._default = record.tokens.get(self._default_key)

    def open_transport(self) -> Transport:
        """Return what sends for this connection, with the trust and proxy that it was connected with."""
        if self._transport is None:
            from entrakit.http import Transport

            settings = self._record.settings
            self._transport = Transport(
                ca_bundle=settings.ca_bundle or None, proxy=settings.proxy or None, clock=self._clock
            )
        return self._transport


def reaching(vault: Vault | None, clock: Clock) -> Callable[[str], Connection]:
    """Return what opens a kept connection by its name, in the same vault or in the usual one."""

    def reach(name: str) -> Connection:
        from entrakit.vault import Vault

        place = vault or Vault()
        return Connection(records.read(place, name), vault=place, clock=clock)

    return reach


def _parsed(claims: str | None) -> str:
    if not claims:
        return ""
    from entrakit.challenges import parse_claims

    return parse_claims(claims)


def _is_usable(token: Token | None, now: float, min_validity_s: float) -> bool:
    return token is not None and not token.is_expired(now) and now + min_validity_s <= token.expires_at


def _not_connected(settings: Settings) -> NotConnectedError:
    return NotConnectedError(
        f"The connection {settings.name!r} was closed." if settings.name else "The connection was closed.",
        remedy=f"Connect again with `{settings.reconnect}`.",
    )
