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
from typing import TypedDict, overload

from entrakit.attempt import Asked, Person, connected
from entrakit.authority.clouds import Cloud, find_cloud
from entrakit.authority.tenants import parse_client_id, parse_tenant_id
from entrakit.connection import credentials
from entrakit.connection.settings import Settings
from entrakit.errors import CertificateError, ParameterError, SignInError
from entrakit.secret import Credential, Secret
from entrakit.sign_in.parameters import ParameterSet, choose_set, refuse_tenant
from entrakit.tokens.scopes import app_scopes, delegated_scopes
from entrakit.tokens.token import Account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal, TypeAlias, Unpack

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate as X509Certificate

    from entrakit.certificates import Certificate
    from entrakit.connection import Connection
    from entrakit.http.transport import Clock, Transport
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit.vault import Vault

    CertificateSource: TypeAlias = Certificate | bytes | tuple[RSAPrivateKey, X509Certificate]

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
    *, client_id: str, tenant_id: str, scopes: Sequence[str] = ..., key_vault: str, key_vault_connection: str,
    key_vault_certificate: str = ..., key_vault_secret: str | Sequence[str] = ..., key_vault_key: str = ...,
    certificate_path: str | os.PathLike[str] = ..., send_certificate_chain: bool = ..., **common: Unpack[Common],
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
    certificate_command: Sequence[str] = (), key_vault: str = "", key_vault_connection: str = "",
    key_vault_certificate: str | None = None, key_vault_secret: str | Sequence[str] | None = None,
    key_vault_key: str | None = None, send_certificate_chain: bool = False, client_secret: str | Secret | None = None,
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
        key_vault: Azure Key Vault: its name, or its https URL.
        key_vault_connection: Name of the kept connection that may use the vault.
        key_vault_certificate: Certificate in the vault, whose key signs there and never leaves it.
        key_vault_secret: Secret in the vault to fetch: a certificate with its key, or a client secret; of several
            names, the first that works.
        key_vault_key: Key in the vault that signs for the certificate of `certificate_path`.
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
        "certificate_command": certificate_command, "key_vault": key_vault,
        "key_vault_connection": key_vault_connection, "key_vault_certificate": key_vault_certificate,
        "key_vault_secret": key_vault_secret or None, "key_vault_key": key_vault_key,
        "send_certificate_chain": send_certificate_chain, "client_secret": client_secret, "credential": credential,
    })  # fmt: skip
    where = cloud if isinstance(cloud, Cloud) else find_cloud(cloud)
    where = where.at(authority_url) if authority_url else where
    where = where.with_graph_at(graph_url) if graph_url else where
    resource = resource or where.graph
    settings = _settings(
        chosen, parse_client_id(client_id), parse_tenant_id(tenant_id), where, scopes=scopes, resource=resource
    )
    _refuse_impossible(name, timeout, ensure=ensure, save_secret=save_secret)
    if transport is not None and ca_bundle is not None:
        raise ParameterError("ca_bundle is the transport's, and one was given.", remedy="Leave one of them out.")
    from entrakit.sign_in.flows.browser import BrowserOptions

    options = BrowserOptions(
        port, login_hint, domain_hint, prompt, timeout or 300.0, open_browser, on_link, paste
    ).checked()
    where_it_is = {
        "thumbprint": certificate_thumbprint, "name": certificate_name, "path": certificate_path,
        "uri": certificate_uri, "store": certificate_store or None, "module": pkcs11_module or None,
        "command": _words(certificate_command),
        "vault": key_vault or None, "vault_connection": key_vault_connection or None,
        "vault_certificate": key_vault_certificate, "vault_key": key_vault_key,
    }  # fmt: skip
    origin = {part: os.fspath(place) for part, place in where_it_is.items() if place is not None}
    password, secret = _as_secret(certificate_password), _as_secret(client_secret)
    asked = Asked(
        settings._replace(name=name or "", save_secret=save_secret, send_chain=send_certificate_chain),
        Person(options, on_device_code, timeout), vault, clock, ca_bundle, transport, is_kept=name is not None,
        is_ensured=ensure,
    )  # fmt: skip
    names = [key_vault_secret] if isinstance(key_vault_secret, str) else list(key_vault_secret or ())
    for one in names[:-1]:
        given = credentials.Given(certificate, origin | {"vault_secret": one}, password, secret, credential)
        try:
            return connected(asked, given)
        except (CertificateError, SignInError) as error:
            log.info("The secret %s of the key vault does not do: %s", one, error.problem)
    origin |= {"vault_secret": names[-1]} if names else {}
    return connected(asked, credentials.Given(certificate, origin, password, secret, credential))


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


def _words(command: Sequence[str]) -> str | None:
    """Return a program and its arguments as they are kept; None if there is none."""
    if isinstance(command, str):
        raise ParameterError("certificate_command is a list of words, not one text.", remedy='Write ["sign", "-k"].')
    words = [os.fspath(word) for word in command]
    if words and os.sep in words[0]:
        words[0] = os.path.abspath(os.path.expanduser(words[0]))
    return json.dumps(words) if words else None


def _refuse_impossible(name: str | None, timeout: float | None, *, ensure: bool, save_secret: bool) -> None:
    if name is None and (ensure or save_secret):
        what = "ensure" if ensure else "save_secret"
        raise ParameterError(f"{what} is about a kept connection, and no name was given.", remedy="Add `name`.")
    if timeout is not None and timeout <= 0:
        raise ParameterError(f"The time-out must be longer than {timeout:g} seconds.")
