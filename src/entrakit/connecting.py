"""`connect()`: one function, every way to sign in, one `Connection` as the result.

check the parameters          nothing is sent while any of them may be wrong
choose the way to sign in     one value of sign_in/flows/*.py, which the caller can also pass
read its credential           secret, certificate, or none for a way that asks the user
read the metadata             of the authority, from the service or from the disk
sign in                       the value does it
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
from entrakit.connection.saver import Saver, hide_all_variables
from entrakit.connection.token_cache import TokenCache
from entrakit.connections import get_connection, get_current
from entrakit.errors import CertificateError, EntraError, NetworkError, SignInError
from entrakit.http.transport import Transport
from entrakit.secret import digest_of, given_secrets
from entrakit.sign_in.discovery import discover, offline
from entrakit.sign_in.parameters import cloud_of, fallback_of, flow_of
from entrakit.vault import Vault
from entrakit.vault.files import metadata_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Unpack

    from entrakit.authority.clouds import Cloud
    from entrakit.connection.settings import Settings
    from entrakit.http.retry import Clock
    from entrakit.secret import Secret, UsernamePassword
    from entrakit.services.connected import OpenConnection
    from entrakit.sign_in import parameter_types as types
    from entrakit.sign_in.flow import Flow
    from entrakit.sign_in.flows.devicecode import DeviceCode

TOLERATED_SKEW_S = 120.0

log = logging.getLogger("entrakit")


@overload
def connect(
    how: Flow, /, *, client_id: str = "", tenant_id: str = "", **more: Unpack[types.CommonParameters]
) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.BrowserParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.EitherParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.DeviceCodeParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.CertificateValueParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.CertificateThumbprintParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.CertificateNameParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.CertificateTokenParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.CertificateFileParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.KeyVaultParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.ClientSecretParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.PasswordParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.AccessTokenParameters]) -> Connection: ...
@overload
def connect(*, client_id: str, tenant_id: str, **more: Unpack[types.RefreshTokenParameters]) -> Connection: ...
@overload
def connect(*, client_id: str = "", tenant_id: str = "", **more: Unpack[types.BehalfParameters]) -> Connection: ...
@overload
def connect(*, client_id: str = "", tenant_id: str = "", **more: Unpack[types.LikeParameters]) -> Connection: ...
@overload
def connect(*, client_id: str = "", tenant_id: str = "", **more: Unpack[types.AzureToolParameters]) -> Connection: ...
@overload
def connect(*, client_id: str = "", tenant_id: str = "", **more: Unpack[types.IdentityParameters]) -> Connection: ...
@overload
def connect(*, client_id: str = "", tenant_id: str = "", **more: Unpack[types.FederatedParameters]) -> Connection: ...
@overload
def connect(*, client_id: str = "", tenant_id: str = "", **more: Unpack[types.AutomaticParameters]) -> Connection: ...
@given_secrets
def connect(
    how: Flow | None = None,
    /,
    *,
    client_id: str = "",
    tenant_id: str = "",
    scopes: Sequence[str] = (),
    browser: bool = False,
    port: int = 0,
    login_hint: str = "",
    domain_hint: str = "",
    prompt: str = "",
    redirect_uri: str = "",
    browser_or_device_code: bool = False,
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
    access_token: str | Secret | None = None,
    refresh_token: str | Secret | None = None,
    on_behalf_of: str | Secret | None = None,
    like: Connection | str | None = None,
    azure_cli: bool = False,
    azd: bool = False,
    azure_powershell: bool = False,
    managed_identity: bool | str | None = None,
    identity_type: str = "",
    federated: types.FederatedSource | None = None,
    service_connection_id: str = "",
    automatic: bool = False,
    on_passed_over: Callable[[str, str], None] | None = None,
    fallback: str = "",
    cloud: str | Cloud = "",
    authority_url: str = "",
    graph_url: str = "",
    resource: str = "",
    ca_bundle: types.FilePath | None = None,
    name: str | None = None,
    ensure: bool = False,
    save_secret: bool = False,
    on_replace: Callable[[Settings, Settings], None] | None = None,
    on_sign_in: Callable[[Settings], None] | None = None,
    transport: Transport | None = None,
    vault: Vault | None = None,
    clock: Clock = time,
) -> Connection:
    """Connect to Microsoft Entra ID and return the connection.

    At most one way to sign in may be selected; the default is the browser. Parameters select it, or one value does:
    `connect(ClientSecret("…"), client_id="…", tenant_id="…")`.

    Args:
        how: The way to sign in, a value of a file in `entrakit/sign_in/flows`, instead of its parameters.
        client_id: The app registration: a GUID, or the label `Graph` or `Azure` of a well-known public client.
        tenant_id: A GUID or a domain; for a user also `organizations`, `common` or `consumers`.
        scopes: Scopes to request on behalf of a user; none means `User.Read`. Apps get what they were granted.
        browser: Sign in with the system's browser.
        port: Loopback port for the browser's answer; 0 for any free port.
        login_hint: User name to fill in on the sign-in page.
        domain_hint: Domain of the sign-in page to open directly.
        prompt: `login`, `select_account`, `consent` or `none`.
        redirect_uri: Redirect URI of the app on this machine, if it is not `http://localhost`; with `paste`, any.
        browser_or_device_code: Sign in with the browser; on another device if no browser can open on this machine.
        open_browser: Opens an address and returns whether it succeeded; the default opens the system's browser.
        on_link: Called with address and port if no browser was opened; the default logs a warning.
        paste: Called with the address, returns the address of the browser's last page; for machines that no browser
            can reach. Called again, twice at most, if it returns something else, which is logged as a warning.
        device_code: Sign in on another device (RFC 8628).
        on_device_code: Shows the code to the user; the default logs a warning.
        certificate: A `Certificate`, the bytes of a PFX or PEM file, or a pair of private key and certificate of
            the `cryptography` package.
        certificate_thumbprint: SHA-1 or SHA-256 thumbprint of a certificate in the user's or the computer's store.
        certificate_name: Subject or common name of a certificate in these stores.
        certificate_path: PFX or PEM file with certificate and private key; `~` is expanded. If it has several of them,
            `certificate_thumbprint` chooses one.
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
        access_token: An access token that exists already. The connection lives until it expires, and never renews it.
        refresh_token: A refresh token of a user that the same app got, with the app's secret or certificate if it is
            confidential. The connection then has its own.
        on_behalf_of: The token that a web API received from a user, with the secret or certificate of the API. Without
            a name, the same token gives the same connection until it expires. With a name, it outlives the token.
        like: A connection, or the name of a saved one, whose refresh token or credential is used for this one, too.
        azure_cli: Let the signed-in Azure CLI give the tokens, of its account. `client_id` and `tenant_id` may be left
            out; its current tenant is then used, and kept for renewals.
        azd: The same with the signed-in Azure Developer CLI.
        azure_powershell: The same with the signed-in Azure PowerShell, the module Az.Accounts.
        managed_identity: True for the managed identity of the host that this program runs on; the id of one of
            several. `client_id` and `tenant_id` may be left out.
        identity_type: Kind of that id: `client_id` (the default), `object_id` or `resource_id`.
        federated: Send a token of another issuer, new each time: the name of a provider (such as `github`), True for
            the first available one, the path of a file, a program with its arguments, or a function.
        service_connection_id: Id of the service connection of Azure DevOps.
        automatic: Take the first way that this machine offers without a user: the variables of the Azure SDKs, workload
            identity, managed identity, the current connection, Azure CLI, Azure PowerShell, Azure Developer CLI.
        on_passed_over: Called with each of these that was passed over and the reason; the default logs both.
        fallback: `azure_cli`, `azd` or `azure_powershell`: used if this way fails, which is logged as a warning.
        cloud: `global` (the default), `usgov`, `usgov-dod`, `china`, `bleu`, `delos`, `govsg`, or a `Cloud`.
        authority_url: The https origin of another token service, trusted because it is given here.
        graph_url: Another https address of Microsoft Graph, without its version: an emulator's, or a gateway's.
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
        on_sign_in: Called after a user has signed in, with the settings of the new connection, which name the user; if
            it raises, nothing is saved. Other users of a machine can interfere with a sign-in, so show who it was.
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
    if like is not None:
        from entrakit.connection.like import parameters_like

        other = get_connection(like, vault=vault, clock=clock) if isinstance(like, str) else like
        given = parameters_like(other._likeness(), locals())  # noqa: SLF001 - not for programs: it has secrets
        return connect(given.pop("how"), **given)
    how = flow_of(locals())
    cloud = cloud_of(cloud or (not authority_url and how.cloud) or "global", authority_url, graph_url)
    instead = fallback_of(fallback, how) if fallback else None
    again = partial(
        connect, scopes=scopes, timeout=timeout, cloud=cloud, graph_url=cloud.graph_url or cloud.graph,
        resource=resource, ca_bundle=ca_bundle, name=name, ensure=ensure, on_replace=on_replace, on_sign_in=on_sign_in,
        transport=transport, vault=vault, clock=clock, save_secret=save_secret,
    )  # fmt: skip
    if how.is_choice:
        saved = partial(get_current, client_id, tenant_id, cloud, scopes, resource=resource, vault=vault, clock=clock)
        chosen = how.choose(again, saved)
        return chosen if name is None or name.lower() == chosen.info.name.lower() else again(like=chosen)
    app, tenant_id = client_id or how.client_id, parse_tenant_id(tenant_id or how.tenant_id)
    client_id = parse_client_id(app) if app or not how.learns_app else ""
    settings = records.new_settings(how, client_id, tenant_id, cloud, scopes=scopes, resource=resource or cloud.graph)
    settings = settings._replace(name=name or "", save_secret=save_secret, hints=how.hints)
    bundle = None if ca_bundle is None else os.fspath(ca_bundle)
    sender = transport or Transport(ca_bundle=bundle, timeout_s=min(timeout or 30.0, 30.0), clock=clock)
    saver = None if name is None else vault or Vault()
    sign_in = _SignIn(
        settings=settings._replace(ca_bundle=sender.ca_bundle or "", proxy=sender.proxy or ""),
        timeout_s=timeout, transport=sender, owns_transport=transport is None, vault=saver, clock=clock,
        open_connection=partial(get_connection, vault=vault, clock=clock), is_ensured=ensure, on_replace=on_replace,
        on_sign_in=on_sign_in,
    )  # fmt: skip
    try:
        if saver is not None:
            saver.check(sign_in.settings.name)
        return sign_in.connect(how)
    except BaseException as error:
        if isinstance(error, EntraError):
            error.settings = error.settings or sign_in.settings
        if transport is None:
            sender.close()
        if instead is None or not isinstance(error, SignInError | NetworkError):
            raise
        log.warning("Signing in failed, so %s is used: %s", instead.title, error.problem)
    return again(instead, tenant_id=tenant_id, save_secret=False)


class _SignIn(NamedTuple):
    """A checked call of `connect()`; nothing has been sent yet.

    Args:
        settings: Settings of the connection; the account is who should sign in.
        timeout_s: Maximum seconds to wait for a user; None for the usual time.
        transport: Transport that sends the requests.
        owns_transport: Whether to close the transport with the connection.
        vault: Vault, or place in memory, to save the connection in; None not to save it.
        clock: Clock to read the time from.
        open_connection: Opens the connection that a key vault is reached through.
        is_ensured: Whether to return a saved connection that is the one asked for and still works.
        on_replace: Called before a saved connection of another account is replaced; None to replace it.
        on_sign_in: Called before the connection of a user is saved or returned; None to do so.
    """

    settings: Settings
    timeout_s: float | None
    transport: Transport
    owns_transport: bool
    vault: Saver | None
    clock: Clock
    open_connection: OpenConnection
    is_ensured: bool
    on_replace: Callable[[Settings, Settings], None] | None
    on_sign_in: Callable[[Settings], None] | None

    def connect(self, how: Flow) -> Connection:
        """Return the connection that a way to sign in gives, or the first of its alternatives that works."""
        if not how.is_silent:
            # No user is sent to a browser for a sign-in that can't be finished.
            self.transport.check(self.settings.cloud.authority)
        if how.needs_no_variables and self.vault is not None:
            hide_all_variables(self.vault)
        *others, last = (how, *how.or_else)
        for one in others:
            try:
                return self.connect_one(one)
            except (CertificateError, SignInError) as error:
                log.info("%r can't be used: %s", one, error.problem)
        return self.connect_one(last)

    def connect_one(self, how: Flow) -> Connection:
        """Sign in unless the saved connection is the one asked for, and save the connection if it has a name."""
        settings, transport, vault = self.settings, self.transport, self.vault
        if not how.is_ready:
            how = how.ready(self.clock.time(), self.open_connection)
        settings = settings._replace(flow=how.name, origin=how.origin, hints=how.hints)
        if how.is_shared and vault is None:
            from entrakit.connection.shared import SHARED

            how.check(self.clock.time())
            entry = SHARED.entry(settings, how, self.clock.time())
            with entry.lock():
                return self._replace(vault=entry, is_ensured=True).connect_one(how.in_memory())
        # A shared connection was found by a hash of its credential.
        identity = how.identity if settings.name else None
        tokens_of = partial(
            TokenCache, open_connection=self.open_connection, transport=transport, vault=vault, clock=self.clock,
            how=how if how.is_silent or how.app else None, owns_transport=self.owns_transport,
        )  # fmt: skip
        try:
            if self.is_ensured and vault is not None:
                from entrakit.connection.ensured import find_working

                working = find_working(vault, settings, identity, tokens_of)
                if working is not None:
                    return working
            saved = how.to_json() if settings.save_secret else {}
            digest = "" if vault is None or identity is None else digest_of(identity)
            if how.is_local:
                authority = offline(settings.cloud, settings.tenant_id)
            else:
                authority = discover(settings.cloud, settings.tenant_id, transport, directory=metadata_dir())
            grant = how.sign_in(authority, settings.client_id, transport, settings.scopes, timeout_s=self.timeout_s)
            settings = settings._replace(connected_at=self.clock.time(), save_secret=bool(saved))
            record = Record(settings, {}, saved_credential=saved, digest=digest)
            record = record.with_grant(grant, authority, " ".join(settings.scopes))
            if self.on_sign_in is not None and not settings.is_app:
                self.on_sign_in(record.settings)
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
        except EntraError as error:
            # With the source of the credential, so that a remedy leads to the same one.
            error.settings = error.settings or settings._replace(hints=self.settings.hints)
            raise
        return Connection(tokens_of(record))
