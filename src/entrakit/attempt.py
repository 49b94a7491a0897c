"""One attempt to sign in: gather the proof, make sure the connection can be kept, walk the flow, keep it."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from typing import NamedTuple

from entrakit.connection import Connection, credentials, reaching, record, renewal
from entrakit.connection.renewal import Renewed, metadata_directory
from entrakit.errors import CertificateError, EntraError, ParameterError, SignInError
from entrakit.secret import Secret
from entrakit.sign_in.discovery import discover
from entrakit.sign_in.id_token import account_of
from entrakit.vault import Vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.connection.credentials import Proof
    from entrakit.connection.settings import Settings
    from entrakit.http.transport import Clock, Transport
    from entrakit.sign_in.discovery import Authority
    from entrakit.sign_in.flows.browser import BrowserOptions
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit.sign_in.grant import Grant
    from entrakit.tokens.jwt import JSON
    from entrakit.tokens.token import Account

TOLD_SKEW_S = 120.0

log = logging.getLogger("entrakit")


class Person(NamedTuple):
    """How the flows of a person reach them."""

    options: BrowserOptions
    on_device_code: Callable[[DeviceCode], None] | None
    timeout_s: float | None


class Asked(NamedTuple):
    """What was asked for, but for the proof."""

    settings: Settings
    person: Person
    vault: Vault | None
    clock: Clock
    ca_bundle: str | os.PathLike[str] | None
    transport: Transport | None
    is_kept: bool
    is_ensured: bool


def connected(asked: Asked, given: credentials.Given) -> Connection:
    """Gather the proof, make sure that the connection can be kept, and sign in."""
    clock, transport, vault = asked.clock, asked.transport, asked.vault
    if asked.is_kept and given.origin.get("vault_connection", "").lower() == asked.settings.name.lower():
        raise ParameterError(
            "A connection can't authenticate itself at the key vault.",
            remedy="Keep it under another name than that of key_vault_connection.",
        )
    proof, origin = credentials.gather(given, clock.time(), reaching(vault, clock))
    owned = None
    if transport is None:
        transport = owned = _usual_transport(clock, asked.ca_bundle, asked.person.timeout_s)
    settings = asked.settings._replace(origin=origin, ca_bundle=transport.ca_bundle or "", proxy=transport.proxy or "")
    if isinstance(proof, Secret):
        # A key vault holds a certificate or a secret, and only what was fetched tells which.
        settings = settings._replace(flow="secret")
    saved = credentials.saved_form(proof) if settings.save_secret and proof is not None else {}
    if asked.is_kept:
        vault = vault or Vault()
        vault.check(settings.name)
    attempt = _Attempt(settings, proof, saved, transport, vault if asked.is_kept else None, clock, owned is not None)
    with ExitStack() as undo:
        if owned is not None:
            undo.callback(owned.close)
        connection = _still_good(attempt) if asked.is_ensured else None
        connection = connection or _established(attempt, asked.person)
        undo.pop_all()
    return connection


class _Attempt(NamedTuple):
    """All that a sign-in needs, checked; nothing has been sent yet."""

    settings: Settings
    proof: Proof | None
    saved_proof: dict[str, JSON]
    transport: Transport
    vault: Vault | None
    clock: Clock
    owns_transport: bool


def _established(attempt: _Attempt, person: Person) -> Connection:
    """Sign in, and keep the connection if it has a name."""
    settings, clock = attempt.settings, attempt.clock
    renewed = _sign_in(settings, attempt.transport, attempt.proof, person)
    before = record.Record(settings, {}, saved_proof=attempt.saved_proof)
    first = renewed.record(before, " ".join(settings.scopes))
    first = first._replace(settings=first.settings._replace(connected_at=clock.time()))
    skew_s = attempt.transport.skew_s
    if skew_s is not None and abs(skew_s) > TOLD_SKEW_S:
        from entrakit.sign_in.errors import describe_skew

        log.warning("%s Tokens and certificates depend on it.", describe_skew(skew_s))
    if attempt.vault is not None:
        with attempt.vault.lock(settings.name):
            record.keep(attempt.vault, first, now=clock.time())
    return Connection(
        first, transport=attempt.transport, proof=attempt.proof, vault=attempt.vault, clock=clock,
        owns_transport=attempt.owns_transport,
    )  # fmt: skip


def _sign_in(settings: Settings, transport: Transport, proof: Proof | None, person: Person) -> Renewed:
    authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_directory())
    if proof is not None:
        return Renewed(renewal.acquire(settings, authority, transport, settings.scopes, proof=proof), authority)
    return Renewed(_ask_person(settings, authority, transport, person), authority)


def _ask_person(settings: Settings, authority: Authority, transport: Transport, person: Person) -> Grant:
    if settings.flow == "devicecode":
        from entrakit.sign_in.flows import devicecode

        return devicecode.sign_in(
            authority, settings.client_id, transport, settings.scopes,
            on_device_code=person.on_device_code, timeout_s=person.timeout_s,
        )  # fmt: skip
    from entrakit.sign_in.flows import browser

    def accept(grant: Grant) -> Account:
        return account_of(grant, authority, settings.client_id)

    return browser.sign_in(
        authority, settings.client_id, transport, settings.scopes, options=person.options, accept=accept
    )


def _still_good(attempt: _Attempt) -> Connection | None:
    """Return the kept connection if it was made alike and can still give a token, else None."""
    settings, vault = attempt.settings, attempt.vault
    if vault is None:
        return None
    try:
        kept = record.read(vault, settings.name)
    except EntraError:
        return None
    if not kept.settings.is_like(settings) or kept.settings.scopes != settings.scopes:
        return None
    connection = Connection(
        kept, transport=attempt.transport, proof=attempt.proof, vault=vault, clock=attempt.clock,
        owns_transport=attempt.owns_transport,
    )  # fmt: skip
    try:
        connection.token()
    except (SignInError, CertificateError, ParameterError):
        return None
    return connection


def _usual_transport(clock: Clock, ca_bundle: str | os.PathLike[str] | None, timeout: float | None) -> Transport:
    from entrakit.http.transport import Transport

    bundle = None if ca_bundle is None else os.fspath(ca_bundle)
    return Transport(ca_bundle=bundle, timeout_s=min(timeout or 30.0, 30.0), clock=clock)
