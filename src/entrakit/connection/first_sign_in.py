"""The first sign-in of a connection: find the credential, sign in, and save the record if the connection has a name.

saved connection of the same name      with `ensure`: returned if it is the one that was asked for, and works
credential                             secret or certificate; none for a flow that asks the user
metadata                               of the authority, from the service or from the disk
sign-in                                sign_in/flows/*.py
record                                 saved; a connection of another account is not replaced silently
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from entrakit.connection import Connection
from entrakit.connection import record as records
from entrakit.connection.ensured import digest_of, is_asked_for, other_account
from entrakit.connection.record import Record, settings_from_json
from entrakit.connection.token_cache import TokenCache
from entrakit.errors import CertificateError, EntraError, NotConnectedError, ParameterError, SignInError
from entrakit.secret import Secret, UsernamePassword, refuse_impossible_characters
from entrakit.sign_in.discovery import discover
from entrakit.sign_in.flows import with_credential
from entrakit.tokens.token import Account
from entrakit.vault.files import metadata_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from entrakit.connection.settings import Settings
    from entrakit.http.transport import Clock, Transport
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in.flows import AnyCredential, Flow
    from entrakit.tokens.jwt import JSON
    from entrakit.vault import Vault

TOLERATED_SKEW_S = 120.0

log = logging.getLogger("entrakit")


class FirstSignIn(NamedTuple):
    """A checked call of `connect()`; nothing has been sent yet.

    Args:
        settings: Settings of the connection, except the source of its credential.
        ask_user: Flow that asks the user; None to sign in with a credential.
        credential: Credential that the program passed; None to find it.
        password: Password of the certificate; None for none.
        transport: Transport that sends the requests.
        owns_transport: Whether to close the transport with the connection.
        vault: Vault to save the connection in; None not to save it.
        clock: Clock to read the time from.
        open_connection: Opens the connection that a key vault is reached through.
        username: Name of the user who should sign in, if the caller named one; not for a credential.
        is_ensured: Whether to return a saved connection that is the one asked for and still works.
        on_replace: Called before a saved connection of another account is replaced; None to replace it.
    """

    settings: Settings
    ask_user: Flow | None
    credential: object | None
    password: Secret | None
    transport: Transport
    owns_transport: bool
    vault: Vault | None
    clock: Clock
    open_connection: OpenConnection
    username: str
    is_ensured: bool
    on_replace: Callable[[Settings, Settings], None] | None

    def connect(self, candidates: Sequence[Mapping[str, str]]) -> Connection:
        """Return the connection that the first working candidate gives.

        Args:
            candidates: Places of the credential, each as `certificates.sources` describes.
        """
        try:
            if self.vault is not None:
                self.vault.check(self.settings.name)
            for places in candidates[:-1]:
                try:
                    return self._connect(places)
                except (CertificateError, SignInError) as error:
                    log.info("The secret %s of the key vault can't be used: %s", places["vault_secret"], error.problem)
            return self._connect(candidates[-1])
        except BaseException as error:
            if isinstance(error, EntraError):
                error.settings = error.settings or self._named(self.settings)
            if self.owns_transport:
                self.transport.close()
            raise

    def _named(self, settings: Settings) -> Settings:
        """Return settings with the user that the caller named, for an error: nobody has signed in."""
        name = self.credential.username if isinstance(self.credential, UsernamePassword) else self.username
        return settings._replace(account=Account(username=name)) if name else settings

    def _connect(self, places: Mapping[str, str]) -> Connection:
        """Find the credential, sign in, and save the connection if it has a name."""
        settings, flow = self.settings, self.ask_user
        credential: AnyCredential | None = None
        if flow is None:
            credential, origin, flow = self._find_credential(places)
            # A key vault holds a certificate or a secret; only now is it known which.
            kind = "secret" if isinstance(credential, Secret) else settings.flow
            settings = settings._replace(flow=kind, origin=origin)
        try:
            return self._sign_in(settings, credential, flow)
        except EntraError as error:
            # With the source of the credential, so that a remedy leads to the same one.
            error.settings = error.settings or self._named(settings)
            raise

    def _sign_in(self, settings: Settings, credential: AnyCredential | None, flow: Flow) -> Connection:
        """Sign in unless the saved connection is the one asked for, and save the connection if it has a name."""
        transport = self.transport
        saved: dict[str, JSON] = {}
        if credential is not None and settings.save_secret:
            saved = records.credential_to_json(credential)
        tokens_of = partial(
            TokenCache,
            open_connection=self.open_connection,
            transport=transport,
            credential=credential,
            vault=self.vault,
            clock=self.clock,
            owns_transport=self.owns_transport,
        )
        working = self._working(settings, credential, tokens_of) if self.is_ensured else None
        if working is not None:
            return working
        authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_dir())
        grant = flow(authority, settings.client_id, transport, settings.scopes)
        settings = settings._replace(connected_at=self.clock.time())
        record = Record(settings, {}, saved_credential=saved).with_grant(grant, authority, " ".join(settings.scopes))
        skew_s = transport.skew_s or 0.0
        if abs(skew_s) > TOLERATED_SKEW_S:
            from entrakit.sign_in.errors import describe_skew

            log.warning("%s Tokens and certificates depend on it.", describe_skew(skew_s))
        if self.vault is not None:
            if credential is not None:
                record = record._replace(digest=digest_of(credential))
            self._save(self.vault, record)
        return Connection(tokens_of(record))

    def _save(self, vault: Vault, record: Record) -> None:
        """Save the record; report what it replaces, if that is not a connection of the same account."""
        name, replaced = record.settings.name, ""
        try:
            saved = settings_from_json(name, vault.read_metadata(name))
        except NotConnectedError:
            pass
        except EntraError as error:
            replaced = error.problem
        else:
            if other_account(saved, record.settings):
                if self.on_replace is not None:
                    self.on_replace(saved, record.settings)
                replaced = f"The saved connection {name!r} was replaced. It was {saved.describe_account()}."
        with vault.lock(name):
            records.keep(vault, record, now=self.clock.time())
        if replaced:
            log.warning("%s", replaced)

    def _find_credential(self, places: Mapping[str, str]) -> tuple[AnyCredential, tuple[tuple[str, str], ...], Flow]:
        """Return the credential, its origin, and the flow that signs in with it."""
        credential = self.credential
        if self.settings.flow == "secret" and isinstance(credential, Secret):
            from entrakit.sign_in.flows import secret

            refuse_impossible_characters(credential, "client secret")
            return credential, (("secret", credential.origin),), partial(secret.sign_in, secret=credential)
        if self.settings.flow == "password":
            if not isinstance(credential, UsernamePassword):
                raise ParameterError("`credential` must be a UsernamePassword(username, password).")
            from entrakit.sign_in.flows import password

            refuse_impossible_characters(credential.password, "password")
            log.warning("A user name and password can't do multi-factor authentication; prefer another way to sign in.")
            place = (("password", credential.password.origin),)
            return credential, place, partial(password.sign_in, credential=credential)
        from entrakit.connection.credentials import load_certificate

        found, origin = load_certificate(
            credential, places, self.password, now=self.clock.time(), open_connection=self.open_connection
        )
        return found, origin, partial(with_credential, credential=found, send_chain=self.settings.send_chain)

    def _working(
        self, settings: Settings, credential: AnyCredential | None, tokens_of: Callable[[Record], TokenCache]
    ) -> Connection | None:
        """Return the saved connection if it is the one that was asked for and can still give a token, else None."""
        if self.vault is None:
            return None
        try:
            saved = records.read(self.vault, settings.name)
        except EntraError:
            return None
        if not is_asked_for(saved, settings, credential=credential, username=self.username):
            return None
        connection = Connection(tokens_of(saved))
        try:
            connection.token()
        except (SignInError, CertificateError, ParameterError):
            return None
        return connection
