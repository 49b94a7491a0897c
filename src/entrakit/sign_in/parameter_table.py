"""The parameters of `connect()`, and the parameter sets: exactly one set must match the parameters that were given.

| Set | Selected by | Accepts also |
|---|---|---|
| Browser | `browser`, or nothing at all | `port`, `login_hint`, `domain_hint`, `prompt`, `redirect_uri`, |
|  | | `open_browser`, `on_link`, `paste` |
| BrowserOrDeviceCode | `browser_or_device_code` | those of Browser but `paste`, and `on_device_code` |
| DeviceCode | `device_code` | `on_device_code` |
| AppCertificate | one of `certificate`, `certificate_thumbprint`, `certificate_name`, `certificate_path`, |
|  | `certificate_uri` | `certificate_password` (of a file or a token), `send_certificate_chain`, |
|  | | `certificate_store` (with a thumbprint or name), `pkcs11_module`, `certificate_command` (with a path) |
| KeyVault | one of `key_vault_certificate`, `key_vault_secret`, `key_vault_key` | `key_vault` and |
|  | | `key_vault_connection`, which are required; `send_certificate_chain`; `certificate_path` (with a key) |
| AppSecret | `client_secret` | |
| UsernamePassword | `credential` | |
| AccessToken | `access_token` | |
| RefreshToken | `refresh_token` | all of AppCertificate, KeyVault, AppSecret or Federated, for a confidential client |
| OnBehalfOf | `on_behalf_of` | the same, or Like for an app's connection; one of them is required |
| Like | `like` | |
| AzAccount | `azure_cli`, `azd` or `azure_powershell` | |
| Federated | `federated` | `service_connection_id` |
| Identity | `managed_identity` | `identity_type` |
| Automatic | `automatic` | `on_passed_over` |

All other parameters go with every set. `scopes` are for users; an app ignores them with a warning.
"""

from __future__ import annotations

from typing import NamedTuple


class Parameter(NamedTuple):
    """One parameter of `connect()`.

    Args:
        name: Its name.
        help: Its meaning, as one phrase.
        value: Placeholder for its value, in brackets if it may be left out; empty if it is a switch.
        selects: Parameter set that it selects; empty if none.
        sets: Parameter sets that accept it in addition; empty for all, unless it selects one.
        goes_with: Parameters; one of them must be given with it. Empty if none is necessary.
        option: Option of the command, without its dashes; None if the command has none.
        ways: Options of the command that give the value, if they are not just `option`.
        variable: Environment variable that the command reads it from; empty if none.
        is_source: Whether the value says where something is that is read again for each token. Its `ways` are then
            the option with an optional value, and those that name a file, a variable (`env`) or a program (`command`).
        words: Name of the value in messages; empty if that is its name.
    """

    name: str
    help: str
    value: str = ""
    selects: str = ""
    sets: tuple[str, ...] = ()
    goes_with: tuple[str, ...] = ()
    option: str | None = ""
    ways: tuple[str, ...] = ()
    variable: str = ""
    is_source: bool = False
    words: str = ""


class ParameterSet(NamedTuple):
    """One way to call `connect()`.

    Args:
        name: Its name, as in the original command.
        flow: The way to sign in that it selects: the name of its file in `flows/`.
        chosen_by: Parameters that select it.
        options: Other parameters that it accepts.
        apps: Other sets, which say how the app authenticates; it accepts those of one of them in addition.
    """

    name: str
    flow: str
    chosen_by: tuple[str, ...]
    options: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()


_BROWSER, _CERTIFICATE, _KEY_VAULT = ("Browser", "BrowserOrDeviceCode"), ("AppCertificate",), ("KeyVault",)
IN_STORES = ("certificate_thumbprint", "certificate_name")

PARAMETERS = (
    Parameter("client_id", "the app: a GUID, Graph or Azure", "ID", variable="AZURE_CLIENT_ID"),
    Parameter("tenant_id", "the tenant: a GUID or a domain", "ID", variable="AZURE_TENANT_ID"),
    Parameter("scopes", "permission to request for a user", "SCOPE", option="scope"),
    Parameter("resource", "API that the token is for (default: Microsoft Graph)", "URI"),
    Parameter("cloud", "global, usgov, usgov-dod, china, bleu, delos or govsg", "CLOUD"),
    Parameter("authority_url", "another token service", "URL", variable="AZURE_AUTHORITY_HOST"),
    Parameter("graph_url", "another address of Microsoft Graph", "URL", variable="ENTRAKIT_GRAPH_URL"),
    Parameter("browser", "sign in with the system's browser", selects="Browser"),
    Parameter("open_browser", "function that opens an address", sets=_BROWSER, option="no-browser"),
    Parameter("on_link", "function that shows the link of the sign-in", sets=_BROWSER, option="no-browser"),
    Parameter("paste", "paste the address of the browser's last page", sets=("Browser",)),
    Parameter("port", "loopback port for the browser's response", "PORT", sets=_BROWSER),
    Parameter("login_hint", "user name to fill in", "NAME", sets=_BROWSER),
    Parameter("domain_hint", "domain whose sign-in page opens first", "DOMAIN", sets=_BROWSER),
    Parameter("prompt", "login, select_account, consent or none", "PROMPT", sets=_BROWSER),
    Parameter("redirect_uri", "another redirect URI of the app, such as http://localhost/x", "URI", sets=_BROWSER),
    Parameter(
        "browser_or_device_code", "the browser, or where none can open, a code on another device",
        selects="BrowserOrDeviceCode",
    ),
    Parameter("device_code", "sign in with a code on another device", selects="DeviceCode"),
    Parameter("on_device_code", "function that shows the code", sets=("DeviceCode", _BROWSER[1]), option=None),
    Parameter("certificate", "certificate with its private key, or bytes", selects="AppCertificate", option=None),
    Parameter(
        "certificate_path", "PFX or PEM file", "FILE", "AppCertificate", variable="AZURE_CLIENT_CERTIFICATE_PATH"
    ),
    Parameter(
        "certificate_password", "password of the file, or PIN of the token", "PASSWORD", sets=_CERTIFICATE,
        option="certificate-password-stdin", variable="AZURE_CLIENT_CERTIFICATE_PASSWORD",
    ),
    Parameter("certificate_thumbprint", "certificate in the user's or computer's store", "HEX", "AppCertificate"),
    Parameter("certificate_name", "subject or common name in a store", "NAME", "AppCertificate"),
    Parameter("certificate_uri", "on a token: pkcs11:token=NAME;object=NAME", "URI", "AppCertificate"),
    Parameter("certificate_store", "kind of store to search, user or computer", "STORE", "", _CERTIFICATE, IN_STORES),
    Parameter(
        "pkcs11_module", "PKCS#11 module of the token", "FILE", sets=_CERTIFICATE,
        goes_with=(*IN_STORES, "certificate_uri"),
    ),
    Parameter(
        "certificate_command", "program that signs for the certificate file", "COMMAND", sets=_CERTIFICATE,
        goes_with=("certificate_path",),
    ),
    Parameter("key_vault", "Azure Key Vault: its name or https URL", "VAULT", sets=_KEY_VAULT),
    Parameter("key_vault_connection", "saved connection with access to it", "CONNECTION", sets=_KEY_VAULT),
    Parameter("key_vault_certificate", "certificate whose key signs in the key vault", "NAME", "KeyVault"),
    Parameter("key_vault_secret", "secret to read; of several, the first that works", "NAME", "KeyVault"),
    Parameter("key_vault_key", "key that signs for the certificate file", "NAME", "KeyVault"),
    Parameter("send_certificate_chain", "send the certificate chain too (x5c)", sets=(*_CERTIFICATE, *_KEY_VAULT)),
    Parameter(
        "client_secret", "secret of the app", "SECRET", "AppSecret",
        ways=("client-secret-stdin", "client-secret-file"), variable="AZURE_CLIENT_SECRET",
    ),
    Parameter(
        "credential", "user name and password", "NAME", "UsernamePassword", option="username",
        variable="AZURE_USERNAME",
    ),
    Parameter(
        "access_token", "ready access token", "TOKEN", "AccessToken", option="access-token-stdin",
        ways=("access-token-stdin",),
    ),
    Parameter(
        "refresh_token", "refresh token of the same app", "TOKEN", "RefreshToken", option="refresh-token-stdin",
        ways=("refresh-token-stdin", "refresh-token-file"),
    ),
    Parameter(
        "on_behalf_of", "on behalf of a user, as a web API: the token that it received", "TOKEN", "OnBehalfOf",
        option="on-behalf-of-stdin",
        ways=("on-behalf-of-stdin",), words="token of the user",
    ),
    Parameter("like", "other connection whose sign-in serves this one, too", "CONNECTION", "Like"),
    Parameter("azure_cli", "signed-in tool: Azure CLI", selects="AzAccount"),
    Parameter("azd", "signed-in tool: Azure Developer CLI", selects="AzAccount"),
    Parameter("azure_powershell", "signed-in tool: Azure PowerShell", selects="AzAccount"),
    Parameter(
        "federated", "token of another issuer: its provider (default: the first available one)", "[PROVIDER]",
        "Federated", ways=("federated", "federated-token-file", "federated-token-env", "federated-command"),
        is_source=True,
    ),
    Parameter("service_connection_id", "service connection of Azure DevOps", "ID", sets=("Federated",)),
    Parameter("managed_identity", "managed identity of this host, or the one with this id", "[ID]", "Identity"),
    Parameter("identity_type", "client_id (default), object_id or resource_id", "KIND", sets=("Identity",)),
    Parameter(
        "automatic", "first available way: variables, identity, saved connection, tools", selects="Automatic",
        option="auto",
    ),
    Parameter("on_passed_over", "function that receives what was passed over", sets=("Automatic",), option=None),
    Parameter("fallback", "signed-in tool to use if this fails: azure_cli, azd or azure_powershell", "TOOL"),
    Parameter("name", "name to save the connection under", "CONNECTION"),
    Parameter("ensure", "do nothing if the connection exists and works"),
    Parameter("save_secret", "save the secret, password or key too, encrypted"),
    Parameter("on_replace", "function to call before another connection is replaced", "FUNCTION", option="yes"),
    Parameter("on_sign_in", "function to call before a user's connection is saved", "FUNCTION", option="yes"),
    Parameter("ca_bundle", "file of CA certificates to trust", "FILE", variable="SSL_CERT_FILE"),
    Parameter("timeout", "time limit: 90, 10m (default: 5m for the browser)", "TIME"),
    Parameter("transport", "transport that sends the requests", option=None),
    Parameter("vault", "vault that saves the connection", option=None),
    Parameter("clock", "source of the time", option=None),
)  # fmt: skip
BY_NAME = {one.name: one for one in PARAMETERS}

_FLOWS = {
    "Browser": "browser",
    "BrowserOrDeviceCode": "browser_or_device_code",
    "DeviceCode": "devicecode",
    "AppCertificate": "certificate",
    "KeyVault": "key_vault",
    "AppSecret": "secret",
    "UsernamePassword": "password",
    "AccessToken": "access_token",
    "RefreshToken": "refresh_token",
    "OnBehalfOf": "on_behalf_of",
    "Like": "refresh_token",
    "AzAccount": "azure_tool",
    "Federated": "federated",
    "Identity": "managed_identity",
    "Automatic": "automatic",
}
APPS = ("AppCertificate", "KeyVault", "AppSecret", "Federated")
_WITH_APP = {"RefreshToken": APPS, "OnBehalfOf": (*APPS, "Like")}
SETS = tuple(
    ParameterSet(
        name,
        flow,
        tuple(one.name for one in PARAMETERS if one.selects == name),
        tuple(one.name for one in PARAMETERS if name in one.sets),
        _WITH_APP.get(name, ()),
    )
    for name, flow in _FLOWS.items()
)
