"""`connect()`: one function, every way to sign in, one `Connection` as the result.

Here the parameters are checked; nothing is sent while any of them may be wrong. `connection/first_sign_in` does the
rest: it finds the credential, signs in and saves the record.
"""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, overload

from entrakit.authority.clouds import Cloud, find_cloud
from entrakit.authority.tenants import parse_client_id, parse_tenant_id
from entrakit.connection.first_sign_in import FirstSignIn
from entrakit.connection.settings import APP_FLOWS, Settings
from entrakit.connections import get_connection
from entrakit.errors import ParameterError
from entrakit.http.address import Origin, parse_base
from entrakit.http.transport import Transport
from entrakit.secret import Secret, UsernamePassword
from entrakit.sign_in.parameters import choose_set, command_words, refuse_impossible, refuse_tenant
from entrakit.tokens.scopes import app_scopes, delegated_scopes
from entrakit.tokens.token import Account
from entrakit.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal, Unpack

    from entrakit.connection import Connection
    from entrakit.http.transport import Clock
    from entrakit.sign_in import parameter_types as types
    from entrakit.sign_in.flows import Flow
    from entrakit.sign_in.flows.devicecode import DeviceCode

_REMEDY_OF_GRAPH = "Give it like https://graph.contoso.com or https://gateway.contoso.com/graph, without a version."

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
            sign in. It must have the same client, tenant, cloud, flow, scopes, resource and credential, and be of the
            user that `login_hint` or `credential` names.
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
    program = command_words(certificate_command)
    refuse_impossible(name, timeout, ensure=ensure, save_secret=save_secret, key_vault_connection=key_vault_connection)
    if transport is not None and ca_bundle is not None:
        raise ParameterError("`ca_bundle` is set on the transport, and a transport was given.", remedy="Omit one.")
    cloud = _cloud_at(cloud, authority_url, graph_url)
    ask_user: Flow | None = None
    if chosen.flow == "browser":
        from entrakit.sign_in.flows import browser as flow

        wait_s = timeout or 300.0
        options = flow.BrowserOptions(port, login_hint, domain_hint, prompt, wait_s, open_browser, on_link, paste)
        ask_user = partial(flow.sign_in, options=options.checked())
    elif chosen.flow == "devicecode":
        from entrakit.sign_in.flows import devicecode

        ask_user = partial(devicecode.sign_in, on_device_code=on_device_code, timeout_s=timeout)
    parts = {
        "thumbprint": certificate_thumbprint, "name": certificate_name, "path": certificate_path,
        "uri": certificate_uri, "store": certificate_store or None, "module": pkcs11_module or None,
        "command": program, "vault": key_vault or None,
        "vault_connection": key_vault_connection or None, "vault_certificate": key_vault_certificate,
        "vault_key": key_vault_key,
    }  # fmt: skip
    settings = _settings(chosen.flow, client_id, tenant_id, cloud, scopes=scopes, resource=resource or cloud.graph)
    settings = settings._replace(name=name or "", save_secret=save_secret, send_chain=send_certificate_chain)
    places = {part: os.fspath(place) for part, place in parts.items() if place is not None}
    bundle = None if ca_bundle is None else os.fspath(ca_bundle)
    sender = transport or Transport(ca_bundle=bundle, timeout_s=min(timeout or 30.0, 30.0), clock=clock)
    secret = Secret(client_secret) if isinstance(client_secret, str) else client_secret
    passed = secret if secret is not None else credential if credential is not None else certificate
    sign_in = FirstSignIn(
        settings=settings._replace(ca_bundle=sender.ca_bundle or "", proxy=sender.proxy or ""),
        ask_user=ask_user,
        credential=passed,
        password=Secret(certificate_password) if isinstance(certificate_password, str) else certificate_password,
        transport=sender,
        owns_transport=transport is None,
        vault=None if name is None else vault or Vault(),
        clock=clock,
        open_connection=partial(get_connection, vault=vault, clock=clock),
        username=login_hint,
        is_ensured=ensure,
        on_replace=on_replace,
    )
    names = [key_vault_secret] if isinstance(key_vault_secret, str) else list(key_vault_secret or ())
    return sign_in.connect([places | {"vault_secret": one} for one in names] or [places])


def _cloud_at(cloud: str | Cloud, authority_url: str, graph_url: str) -> Cloud:
    """Return the cloud with the addresses that the caller named."""
    found = cloud if isinstance(cloud, Cloud) else find_cloud(cloud)
    found = found.at(authority_url) if authority_url else found
    if graph_url:
        origin, path = parse_base(graph_url, remedy=_REMEDY_OF_GRAPH)
        if path.rpartition("/")[2] in ("v1.0", "beta"):
            raise ParameterError("`graph_url` must not end in a version of Microsoft Graph.", remedy=_REMEDY_OF_GRAPH)
        return found._replace(graph_url=f"{origin}{path}")
    if _is_loopback(found.authority) and not _is_loopback(found.graph_url or found.graph):
        log.warning(
            "The token service is on this machine, but requests to Microsoft Graph are sent to %s. For a Graph on this "
            "machine, use `graph_url=…`.",
            found.graph_url or found.graph,
        )
    return found


def _is_loopback(url: str) -> bool:
    origin = Origin.of(url)
    return origin is not None and len(origin.on_this_machine()) > 1


def _settings(
    flow: str, client_id: str, tenant_id: str, cloud: Cloud, *, scopes: Sequence[str], resource: str
) -> Settings:
    """Return the settings of a new connection, with checked scopes."""
    settings = Settings("", flow, client_id, tenant_id, cloud, (), resource)
    if flow not in APP_FLOWS:
        return settings._replace(scopes=delegated_scopes(scopes, resource=resource))
    if scopes:
        log.warning("Scopes are for users: the app gets the permissions that it was granted.")
    # An app requests everything that it was granted on one resource.
    full = app_scopes(scopes, resource=resource) if scopes else (f"{resource}/.default",)
    return settings._replace(scopes=full, account=Account(username=settings.client_id))
