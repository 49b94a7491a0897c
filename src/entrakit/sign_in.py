"""`connect()`: one function, five ways to sign in, one `Connection` as the result.

check what was given        nothing is sent while anything can be wrong
ask the authority who it is  or remember it from the last day
walk the flow               flows/*.py
check whose sign-in it was  identity.py
keep it                     if it has a name
"""

from __future__ import annotations

import json
import logging
import os
import time
from contextlib import ExitStack
from typing import NamedTuple, TypedDict, overload

from entrakit import proofs, record, renewal
from entrakit.clouds import Cloud, find_cloud
from entrakit.connection import Connection
from entrakit.errors import CertificateError, EntraError, ParameterError, SignInError
from entrakit.identifiers import parse_client_id, parse_tenant_id
from entrakit.identity import account_of
from entrakit.metadata import discover
from entrakit.parameters import ParameterSet, choose_set, refuse_tenant
from entrakit.renewal import Renewed, metadata_directory
from entrakit.scopes import app_scopes, delegated_scopes
from entrakit.secret import Credential, Secret
from entrakit.settings import Settings
from entrakit.tokens import Account
from entrakit.vault import Vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal, TypeAlias, Unpack

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

    from entrakit.certificates import Certificate
    from entrakit.claims import JSON
    from entrakit.flows.browser import BrowserOptions
    from entrakit.flows.devicecode import DeviceCode
    from entrakit.grants import Grant
    from entrakit.http import Clock, Transport
    from entrakit.metadata import Authority
    from entrakit.proofs import Proof

    CertificateSource: TypeAlias = Certificate | bytes | tuple[RSAPrivateKey, X509Certificate]

TOLD_SKEW_S = 120.0

log = logging.getLogger("entrakit")


class Common(TypedDict, total=False):
    """What every parameter set takes; `connect()` says what each is."""

    cloud: str | Cloud
    authority_url: str
    graph_url: str
    resource: str
    ca_bundle: str | os.PathLike[str] | None
    timeout: float | None
    name: str | None
    ensure: bool
    save_secret: bool
    transport: Transport | None
    vault: Vault | None
    clock: Clock


@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., browser: bool = ..., port: int = ...,
    login_hint: str = ..., domain_hint: str = ..., prompt: str = ...,
    open_browser: Callable[[str], bool] | None = ..., on_link: Callable[[str, int], None] | None = ...,
    paste: Callable[[str], str] | None = ..., **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., device_code: Literal[True],
    on_device_code: Callable[[DeviceCode], None] | None = ..., **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., certificate: CertificateSource,
    certificate_password: str | Secret | None = ..., send_certificate_chain: bool = ..., **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., certificate_thumbprint: str,
    certificate_store: str = ..., pkcs11_module: str = ..., certificate_password: str | Secret | None = ...,
    send_certificate_chain: bool = ..., **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., certificate_name: str,
    certificate_store: str = ..., pkcs11_module: str = ..., certificate_password: str | Secret | None = ...,
    send_certificate_chain: bool = ..., **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., certificate_uri: str,
    pkcs11_module: str = ..., certificate_password: str | Secret | None = ...,
    send_certificate_chain: bool = ..., **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., certificate_path: str | os.PathLike[str],
    certificate_command: Sequence[str] = ..., certificate_password: str | Secret | None = ...,
    send_certificate_chain: bool = ..., **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., client_secret: str | Secret,
    **common: Unpack[Common],
) -> Connection: ...  # fmt: skip
@overload
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., credential: Credential, **common: Unpack[Common]
) -> Connection: ...
def connect(
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = (), browser: bool = False, port: int = 0,
    login_hint: str = "", domain_hint: str = "", prompt: str = "", timeout: float | None = None,
    open_browser: Callable[[str], bool] | None = None, on_link: Callable[[str, int], None] | None = None,
    paste: Callable[[str], str] | None = None, device_code: bool = False,
    on_device_code: Callable[[DeviceCode], None] | None = None, certificate: CertificateSource | None = None,
    certificate_thumbprint: str | None = None, certificate_name: str | None = None,
    certificate_path: str | os.PathLike[str] | None = None, certificate_uri: str | None = None,
    certificate_password: str | Secret | None = None, certificate_store: str = "", pkcs11_module: str = "",
    certificate_command: Sequence[str] = (),
    send_certificate_chain: bool = False, client_secret: str | Secret | None = None,
    credential: Credential | None = None, cloud: str | Cloud = "global", authority_url: str = "",
    graph_url: str = "",
    resource: str = "", ca_bundle: str | os.PathLike[str] | None = None, name: str | None = None,
    ensure: bool = False, save_secret: bool = False, transport: Transport | None = None,
    vault: Vault | None = None, clock: Clock = time,
) -> Connection:  # fmt: skip
    """Connect to Microsoft Entra ID and return the connection.

    Exactly one way to sign in may be named; nothing named means the browser.

    Args:
        client_id: The app registration: a GUID, or the label `Graph` or `Azure` of a well-known public client.
        tenant_id: A GUID or a domain; for a person also `organizations`, `common` or `consumers`.
        scopes: What to ask for on behalf of a person; none means `User.Read`. Apps get what they were granted.
        browser: Sign in with the system's browser.
        port: Loopback port for the browser's answer; 0 for any that is free.
        login_hint: User name to fill in on the sign-in page.
        domain_hint: Domain whose sign-in page to go to at once.
        prompt: `login`, `select_account`, `consent` or `none`.
        open_browser: Opens an address and says whether it could; the default opens the system's browser.
        on_link: Shown address and port where no browser was opened; the default is a warning on the logger.
        paste: Shown the address, returns the address that the person's browser ended at; for machines that no
            browser can reach.
        device_code: Sign in on another device (RFC 8628).
        on_device_code: Shows the code to the person; the default is a warning on the logger.
        certificate: A `Certificate`, the bytes of a PFX or PEM file, or a pair of private key and certificate of
            the `cryptography` package.
        certificate_thumbprint: SHA-1 or SHA-256 thumbprint of a certificate in the user's, then the computer's store.
        certificate_name: Subject or common name of a certificate there.
        certificate_path: PFX or PEM file with certificate and private key; `~` is expanded.
        certificate_uri: PKCS#11 URI of a certificate on a token, `pkcs11:token=…;object=…` (RFC 7512).
        certificate_password: Opens the file or the bytes; the PIN of a token.
        certificate_store: The one kind of store to look in (`directory`, `dotnet`, `windows`, `keychain`, `pkcs11`),
            or `user` or `computer`.
        pkcs11_module: File of the PKCS#11 module that reaches the token; the default are those of p11-kit.
        certificate_command: Program with arguments that signs for the certificate of `certificate_path`: it gets the
            bytes on standard input and gives their PS256 signature.
        send_certificate_chain: Send the chain as well (`x5c`), for apps that trust a subject name and issuer.
        client_secret: The app's secret; as a `Secret` it can say where a later process finds it again.
        credential: User name and password; can't do multi-factor authentication.
        cloud: `global`, `usgov`, `usgov-dod`, `china`, `bleu`, `delos`, `govsg`, or a `Cloud`.
        authority_url: The https origin of another token service, trusted because it is given here.
        graph_url: The https origin where Microsoft Graph is reached, if not at its usual one; it gets the tokens.
        resource: What bare permissions, and the app's token, are for; Microsoft Graph of the cloud if left out.
        ca_bundle: PEM file, or hashed directory, of the CA certificates to trust instead of the system's.
        timeout: Seconds that the sign-in may take: how long a person is waited for (300 for the browser, as long as
            the code lives for a device), and the longest silence on the network (30 at the most).
        name: Keep the connection in the vault under this name, instead of in memory only.
        ensure: If a connection of this name to the same client, tenant and cloud by the same flow can still give a
            token, return that and sign nobody in.
        save_secret: Keep the proof (secret, password, key) as well, encrypted, so that renewals need nothing else.
        transport: What sends: trust, proxy and time-outs.
        vault: Where connections are kept; None for the usual place.
        clock: What tells the time and waits.

    Raises:
        ParameterSetError: The parameters don't go together.
        ParameterError: One of them can't be right.
        CertificateError: There is no such certificate, or it can't sign.
        InteractionRequiredError: The password is not enough (MFA, new password): a person must use a browser.
        SignInError: The person cancelled, or the service said no.
        NetworkError: No usable answer.
        VaultError: The connection can't be kept; nothing is left half written.
    """
    chosen = choose_set({
        "browser": browser, "port": port, "login_hint": login_hint, "domain_hint": domain_hint, "prompt": prompt,
        "open_browser": open_browser, "on_link": on_link, "paste": paste,
        "device_code": device_code, "on_device_code": on_device_code, "certificate": certificate,
        "certificate_thumbprint": certificate_thumbprint, "certificate_name": certificate_name,
        "certificate_path": certificate_path, "certificate_password": certificate_password,
        "certificate_uri": certificate_uri, "certificate_store": certificate_store, "pkcs11_module": pkcs11_module,
        "certificate_command": certificate_command,
        "send_certificate_chain": send_certificate_chain, "client_secret": client_secret, "credential": credential,
    })  # fmt: skip
    where = cloud if isinstance(cloud, Cloud) else find_cloud(cloud)
    where = where.at(authority_url) if authority_url else where
    where = where.with_graph_at(graph_url) if graph_url else where
    resource = resource or where.graph
    settings = _settings(
        chosen, parse_client_id(client_id), parse_tenant_id(tenant_id), where, scopes=scopes, resource=resource
    )
    if ensure or save_secret:
        _need_name(name, ensure=ensure)
    if timeout is not None and timeout <= 0:
        raise ParameterError(f"The time-out must be longer than {timeout:g} seconds.")
    if transport is not None and ca_bundle is not None:
        raise ParameterError("ca_bundle is the transport's, and one was given.", remedy="Leave one of them out.")
    where_it_is = {
        "thumbprint": certificate_thumbprint, "name": certificate_name, "path": certificate_path,
        "uri": certificate_uri, "store": certificate_store or None, "module": pkcs11_module or None,
        "command": json.dumps(list(certificate_command)) if certificate_command else None,
    }  # fmt: skip
    origin = {part: os.fspath(place) for part, place in where_it_is.items() if place is not None}
    password, secret = _as_secret(certificate_password), _as_secret(client_secret)
    proof, kept_origin = proofs.gather(proofs.Given(certificate, origin, password, secret, credential), clock.time())
    from entrakit.flows.browser import BrowserOptions

    options = BrowserOptions(
        port, login_hint, domain_hint, prompt, timeout or 300.0, open_browser, on_link, paste
    ).checked()
    owned = None
    if transport is None:
        transport = owned = _usual_transport(clock, ca_bundle, timeout)
    settings = settings._replace(
        name=name or "", origin=kept_origin, save_secret=save_secret, send_chain=send_certificate_chain,
        ca_bundle=transport.ca_bundle or "", proxy=transport.proxy or "",
    )  # fmt: skip
    saved = proofs.saved_form(proof) if save_secret and proof is not None else {}
    if name is not None:
        vault = vault or Vault()
        vault.check(name)
    attempt = _Attempt(settings, proof, saved, transport, vault if name is not None else None, clock, owned is not None)
    with ExitStack() as undo:
        if owned is not None:
            undo.callback(owned.close)
        connection = _still_good(attempt) if ensure else None
        connection = connection or _established(attempt, _Person(options, on_device_code, timeout))
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


def _established(attempt: _Attempt, person: _Person) -> Connection:
    """Sign in, and keep the connection if it has a name."""
    settings, clock = attempt.settings, attempt.clock
    renewed = _sign_in(settings, attempt.transport, attempt.proof, person)
    before = record.Record(settings, {}, saved_proof=attempt.saved_proof)
    first = renewed.record(before, " ".join(settings.scopes))
    first = first._replace(settings=first.settings._replace(connected_at=clock.time()))
    skew_s = attempt.transport.skew_s
    if skew_s is not None and abs(skew_s) > TOLD_SKEW_S:
        from entrakit.answers import describe_skew

        log.warning("%s Tokens and certificates depend on it.", describe_skew(skew_s))
    if attempt.vault is not None:
        with attempt.vault.lock(settings.name):
            record.keep(attempt.vault, first, now=clock.time())
    return Connection(
        first, transport=attempt.transport, proof=attempt.proof, vault=attempt.vault, clock=clock,
        owns_transport=attempt.owns_transport,
    )  # fmt: skip


class _Person(NamedTuple):
    """How the flows of a person reach them."""

    options: BrowserOptions
    on_device_code: Callable[[DeviceCode], None] | None
    timeout_s: float | None


def _sign_in(settings: Settings, transport: Transport, proof: Proof | None, person: _Person) -> Renewed:
    authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_directory())
    if proof is not None:
        return Renewed(renewal.acquire(settings, authority, transport, settings.scopes, proof=proof), authority)
    return Renewed(_ask_person(settings, authority, transport, person), authority)


def _ask_person(settings: Settings, authority: Authority, transport: Transport, person: _Person) -> Grant:
    if settings.flow == "devicecode":
        from entrakit.flows import devicecode

        return devicecode.sign_in(
            authority, settings.client_id, transport, settings.scopes,
            on_device_code=person.on_device_code, timeout_s=person.timeout_s,
        )  # fmt: skip
    from entrakit.flows import browser

    def accept(grant: Grant) -> Account:
        return account_of(grant, authority, settings.client_id)

    return browser.sign_in(
        authority, settings.client_id, transport, settings.scopes, options=person.options, accept=accept
    )


def _settings(
    chosen: ParameterSet, client_id: str, tenant_id: str, cloud: Cloud, *, scopes: Sequence[str], resource: str
) -> Settings:
    refuse_tenant(chosen.flow, tenant_id)
    settings = Settings("", chosen.flow, client_id, tenant_id, cloud, (), resource)
    if settings.is_app:
        if scopes:
            log.warning("Scopes are for people: the app gets the permissions that it was granted.")
        return settings._replace(scopes=app_scopes(scopes, resource=resource), account=Account(username=client_id))
    return settings._replace(scopes=delegated_scopes(scopes, resource=resource))


def _as_secret(value: str | Secret | None) -> Secret | None:
    return Secret(value) if isinstance(value, str) else value


def _need_name(name: str | None, *, ensure: bool) -> None:
    if name is None:
        what = "ensure" if ensure else "save_secret"
        raise ParameterError(f"{what} is about a kept connection, and no name was given.", remedy="Add name=….")


def _usual_transport(clock: Clock, ca_bundle: str | os.PathLike[str] | None, timeout: float | None) -> Transport:
    from entrakit.http import Transport

    bundle = None if ca_bundle is None else os.fspath(ca_bundle)
    return Transport(ca_bundle=bundle, timeout_s=min(timeout or 30.0, 30.0), clock=clock)


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
