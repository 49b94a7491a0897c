"""`connect()`: one function, every way to sign in, one `Connection` as the result.

check the parameters          nothing is sent while any of them may be wrong
find the credential           secret, certificate, or none for a flow that asks the user
read the metadata             of the authority, from the service or from the disk
sign in                       sign_in/flows/*.py
save the record               if the connection has a name
"""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, overload

from entrakit.authority.tenants import parse_client_id, parse_tenant_id
from entrakit.connection import Connection
from entrakit.connection import record as records
from entrakit.connection.record import Record
from entrakit.connection.token_cache import TokenCache
from entrakit.connections import get_connection
from entrakit.errors import CertificateError, EntraError, ParameterError, SignInError
from entrakit.http.transport import Transport
from entrakit.secret import Secret, UsernamePassword, checked_credential, digest_of
from entrakit.sign_in.discovery import discover
from entrakit.sign_in.flows import with_credential
from entrakit.sign_in.parameters import choose_set, cloud_at, command_words, refuse_impossible, refuse_tenant
from entrakit.vault import Vault
from entrakit.vault.files import metadata_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal, Unpack

    from entrakit.authority.clouds import Cloud
    from entrakit.connection.settings import Settings
    from entrakit.http.transport import Clock
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in import parameter_types as types
    from entrakit.sign_in.flows import AnyCredential, Flow
    from entrakit.sign_in.flows.devicecode import DeviceCode

TOLERATED_SKEW_S = 120.0

log = logging.getLogger("entrakit")


@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.BrowserParameters]) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, device_code: Literal[True], **more: Unpack[types.DeviceCodeParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, certificate: types.CertificateSource, **more: Unpack[types.CertificateParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, certificate_thumbprint: str, **more: Unpack[types.CertificateStoreParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, certificate_name: str, **more: Unpack[types.CertificateStoreParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, certificate_uri: str, **more: Unpack[types.CertificateTokenParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, certificate_path: types.FilePath, **more: Unpack[types.CertificateFileParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, key_vault: str, **more: Unpack[types.KeyVaultParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, client_secret: str | Secret, **more: Unpack[types.CommonParameters]
) -> Connection: ...
@overload
def connect(
    *, client_id: str, tenant_id: str, credential: UsernamePassword, **more: Unpack[types.CommonParameters]
) -> Connection: ...
def connect(
    *,
    client_id: str,
    tenant_id: str,
    scopes: Sequence[str] = (),
    browser: bool = False,
    port: int = 0,
    login_hint: str = "",
    domain_hint: str = "",
    prompt: str = "",
    timeout: float | None = None,
    open_browser: Callable[[str], bool] | None = None,
    on_link: Callable[[str, int], None] | None = None,
    paste: Callable[[str], str] | None = None,
    device_code: bool = False,
    on_device_code: Callable[[DeviceCode], None] | None = None,
    certificate: types.CertificateSource | None = None,
    certificate_thumbprint: str | None = None,
    certificate_name: str | None = None,
    certificate_path: types.FilePath | None = None,
    certificate_uri: str | None = None,
    certificate_password: str | Secret | None = None,
    certificate_store: str = "",
    pkcs11_module: str = "",
    certificate_command: Sequence[str] = (),
    key_vault: str = "",
    key_vault_connection: str = "",
    key_vault_certificate: str | None = None,
    key_vault_secret: str | Sequence[str] | None = None,
    key_vault_key: str | None = None,
    send_certificate_chain: bool = False,
    client_secret: str | Secret | None = None,
    credential: UsernamePassword | None = None,
    cloud: str | Cloud = "global",
    authority_url: str = "",
    graph_url: str = "",
    resource: str = "",
    ca_bundle: types.FilePath | None = None,
    name: str | None = None,
    ensure: bool = False,
    save_secret: bool = False,
    on_replace: Callable[[Settings, Settings], None] | None = None,
    transport: Transport | None = None,
    vault: Vault | None = None,
    clock: Clock = time,
) -> Connection:
    """Connect to Microsoft Entra ID and return the connection.

    At most one way to sign in may be selected; the default is the browser.

    Args:
        client_id: The app registration: a GUID, or the label `Graph` or `Azure` of a well-known public client.
        tenant_id: A GUID or a domain; for a user also `organizations`, `common` or `consumers`.
        scopes: Scopes to request on behalf of a user; none means `User.Read`. Apps get what they were granted.
        browser: Sign in with the system's browser.
        port: Loopback port for the browser's answer; 0 for any free port.
        login_hint: User name to fill in on the sign-in page.
        domain_hint: Domain of the sign-in page to open directly.
        prompt: `login`, `select_account`, `consent` or `none`.
        open_browser: Opens an address and returns whether it succeeded; the default opens the system's browser.
        on_link: Called with address and port if no browser was opened; the default logs a warning.
        paste: Called with the address, returns the address of the browser's last page; for machines that no browser
            can reach.
        device_code: Sign in on another device (RFC 8628).
        on_device_code: Shows the code to the user; the default logs a warning.
        certificate: A `Certificate`, the bytes of a PFX or PEM file, or a pair of private key and certificate of
            the `cryptography` package.
        certificate_thumbprint: SHA-1 or SHA-256 thumbprint of a certificate in the user's or the computer's store.
        certificate_name: Subject or common name of a certificate in these stores.
        certificate_path: PFX or PEM file with certificate and private key; `~` is expanded.
        certificate_uri: PKCS#11 URI of a certificate on a token, `pkcs11:token=…;object=…` (RFC 7512).
        certificate_password: Opens the file or the bytes; the PIN of a token.
        certificate_store: The only kind of store to look in (`directory`, `dotnet`, `windows`, `keychain`, `pkcs11`),
            or `user` or `computer`.
        pkcs11_module: File of the PKCS#11 module of the token; the default are those of p11-kit.
        certificate_command: Program with arguments that signs for the certificate of `certificate_path`: it reads the
            bytes from standard input and writes their PS256 signature.
        key_vault: Azure Key Vault: its name, or its https URL.
        key_vault_connection: Name of the saved connection that may use the vault.
        key_vault_certificate: Certificate in the vault, whose key signs there and never leaves it.
        key_vault_secret: Secret in the vault to fetch: a certificate with its key, or a client secret. Of several
            names, the first that works is used.
        key_vault_key: Key in the vault that signs for the certificate of `certificate_path`.
        send_certificate_chain: Send the chain too (`x5c`), for apps that trust a subject name and issuer.
        client_secret: The app's secret; a `Secret` records where a later process can read it again.
        credential: A `UsernamePassword`; it can't do multi-factor authentication.
        cloud: `global`, `usgov`, `usgov-dod`, `china`, `bleu`, `delos`, `govsg`, or a `Cloud`.
        authority_url: The https origin of another token service, trusted because it is given here.
        graph_url: The https address of Microsoft Graph without its version, if not the usual one: an emulator's, or a
            gateway's with its path. The tokens are sent to it.
        resource: Resource of permissions without one, and of the app's token; by default the cloud's Graph.
        ca_bundle: PEM file, or hashed directory, of the CA certificates to trust instead of the system's.
        timeout: Seconds that the sign-in may take: the wait for the user (300 for the browser; the lifetime of a
            device code), and the longest silence on the network (at most 30).
        name: Save the connection in the vault under this name, instead of in memory only.
        ensure: If the connection of this name is the one asked for and can still give a token, return it and do not
            sign in. It must have the same client, tenant, cloud, flow, scopes, resource and credential, and belong to
            the user that `login_hint` or `credential` names.
        save_secret: Save the credential (secret, password, key) too, encrypted, so that renewals need nothing else.
        on_replace: Called before a saved connection of another app, tenant or user is replaced, with the settings of
            both; if it raises, nothing is saved. The default logs a warning.
        transport: Transport that sends the requests: trust, proxy and time-outs.
        vault: Vault to save the connection in; None for the usual one.
        clock: Clock to read the time from.

    Raises:
        ParameterSetError: The parameters don't go together.
        ParameterError: A parameter is invalid.
        CertificateError: The certificate does not exist, or can't sign.
        InteractionRequiredError: The password is not enough (MFA, new password): the user must use a browser.
        SignInError: The user cancelled, or the service refused.
        NetworkError: No usable answer.
        VaultError: The connection can't be saved; nothing is left half written.
    """
    client_id, tenant_id = parse_client_id(client_id), parse_tenant_id(tenant_id)
    chosen = choose_set({
        "browser": browser, "port": port, "login_hint": login_hint, "domain_hint": domain_hint, "prompt": prompt,
        "open_browser": open_browser, "on_link": on_link, "paste": paste,
        "device_code": device_code, "on_device_code": on_device_code, "certificate": certificate,
        "certificate_thumbprint": certificate_thumbprint, "certificate_name": certificate_name,
        "certificate_path": certificate_path, "certificate_password": certificate_password,
        "certificate_uri": certificate_uri, "certificate_store": certificate_store, "pkcs11_module": pkcs11_module,
        "certificate_command": certificate_command, "key_vault": key_vault,
        "key_vault_connection": key_vault_connection, "key_vault_certificate": key_vault_certificate,
        "key_vault_secret": key_vault_secret or None, "key_vault_key": key_vault_key,
        "send_certificate_chain": send_certificate_chain, "client_secret": client_secret, "credential": credential,
    })  # fmt: skip
    refuse_tenant(chosen.flow, tenant_id)
    refuse_impossible(name, timeout, ensure=ensure, save_secret=save_secret, key_vault_connection=key_vault_connection)
    if transport is not None and ca_bundle is not None:
        raise ParameterError("`ca_bundle` is set on the transport, and a transport was given.", remedy="Omit one.")
    ask_user: Flow | None = None
    if chosen.flow == "browser":
        from entrakit.sign_in.flows import browser as flow

        options = flow.BrowserOptions(
            port, login_hint, domain_hint, prompt, timeout or 300.0, open_browser, on_link, paste
        )
        ask_user = partial(flow.sign_in, options=options.checked())
    elif chosen.flow == "devicecode":
        from entrakit.sign_in.flows import devicecode

        ask_user = partial(devicecode.sign_in, on_device_code=on_device_code, timeout_s=timeout)
    parts = {
        "thumbprint": certificate_thumbprint, "name": certificate_name, "path": certificate_path,
        "uri": certificate_uri, "store": certificate_store or None, "module": pkcs11_module or None,
        "command": command_words(certificate_command), "vault": key_vault or None, "vault_key": key_vault_key,
        "vault_connection": key_vault_connection or None, "vault_certificate": key_vault_certificate,
    }  # fmt: skip
    cloud = cloud_at(cloud, authority_url, graph_url)
    given = checked_credential(client_secret, credential)
    settings = records.new_settings(
        chosen.flow, client_id, tenant_id, cloud, scopes=scopes, resource=resource or cloud.graph,
        username=given.username if isinstance(given, UsernamePassword) else login_hint,
    )  # fmt: skip
    settings = settings._replace(name=name or "", save_secret=save_secret, send_chain=send_certificate_chain)
    bundle = None if ca_bundle is None else os.fspath(ca_bundle)
    sender = transport or Transport(ca_bundle=bundle, timeout_s=min(timeout or 30.0, 30.0), clock=clock)
    sign_in = _SignIn(
        settings=settings._replace(ca_bundle=sender.ca_bundle or "", proxy=sender.proxy or ""),
        ask_user=ask_user,
        credential=certificate if given is None else given,
        password=Secret(certificate_password) if isinstance(certificate_password, str) else certificate_password,
        transport=sender,
        owns_transport=transport is None,
        vault=None if name is None else vault or Vault(),
        clock=clock,
        open_connection=partial(get_connection, vault=vault, clock=clock),
        is_ensured=ensure,
        on_replace=on_replace,
    )
    places = {part: os.fspath(place) for part, place in parts.items() if place is not None}
    names = [key_vault_secret] if isinstance(key_vault_secret, str) else list(key_vault_secret or ())
    return sign_in.connect([places | {"vault_secret": one} for one in names] or [places])


class _SignIn(NamedTuple):
    """A checked call of `connect()`; nothing has been sent yet.

    Args:
        settings: Settings of the connection, except the source of its credential; the account is who should sign in.
        ask_user: Flow that asks the user; None to sign in with a credential.
        credential: Credential that the program passed; None to find it.
        password: Password of the certificate; None for none.
        transport: Transport that sends the requests.
        owns_transport: Whether to close the transport with the connection.
        vault: Vault to save the connection in; None not to save it.
        clock: Clock to read the time from.
        open_connection: Opens the connection that a key vault is reached through.
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
                error.settings = error.settings or self.settings
            if self.owns_transport:
                self.transport.close()
            raise

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
            error.settings = error.settings or settings
            raise

    def _find_credential(self, places: Mapping[str, str]) -> tuple[AnyCredential, tuple[tuple[str, str], ...], Flow]:
        """Return the credential, its origin, and the flow that signs in with it."""
        credential = self.credential
        if self.settings.flow == "secret" and isinstance(credential, Secret):
            from entrakit.sign_in.flows import secret

            return credential, (("secret", credential.origin),), partial(secret.sign_in, secret=credential)
        from entrakit.connection.credentials import find_credential

        found, origin = find_credential(
            self.settings.flow, credential, places, self.password,
            now=self.clock.time(), open_connection=self.open_connection,
        )  # fmt: skip
        return found, origin, partial(with_credential, credential=found, send_chain=self.settings.send_chain)

    def _sign_in(self, settings: Settings, credential: AnyCredential | None, flow: Flow) -> Connection:
        """Sign in unless the saved connection is the one asked for, and save the connection if it has a name."""
        transport, vault = self.transport, self.vault
        tokens_of = partial(
            TokenCache, open_connection=self.open_connection, transport=transport, credential=credential,
            vault=vault, clock=self.clock, owns_transport=self.owns_transport,
        )  # fmt: skip
        if self.is_ensured and vault is not None:
            from entrakit.connection.ensured import find_working

            working = find_working(vault, settings, credential, tokens_of)
            if working is not None:
                return working
        digest, saved = "", {}
        if credential is not None:
            saved = records.credential_to_json(credential) if settings.save_secret else {}
            digest = digest_of(credential) if vault is not None else ""
        authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_dir())
        grant = flow(authority, settings.client_id, transport, settings.scopes)
        settings = settings._replace(connected_at=self.clock.time())
        record = Record(settings, {}, saved_credential=saved, digest=digest)
        record = record.with_grant(grant, authority, " ".join(settings.scopes))
        if abs(transport.skew_s or 0.0) > TOLERATED_SKEW_S:
            from entrakit.sign_in.errors import describe_skew

            log.warning("%s Tokens and certificates depend on it.", describe_skew(transport.skew_s or 0.0))
        agreed: Settings | None = None
        while vault is not None:
            with vault.lock(settings.name):
                other, what = records.replaced_by(record.settings, vault.summary(settings.name))
                if other is None or other == agreed or self.on_replace is None:
                    records.keep(vault, record, now=self.clock.time())
                    if what:
                        log.warning("%s", what)
                    break
            # Without the lock: other processes must not wait while a user is asked.
            self.on_replace(other, record.settings)
            agreed = other
        return Connection(tokens_of(record))
