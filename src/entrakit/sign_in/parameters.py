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
| RefreshToken | `refresh_token` | all of AppCertificate, KeyVault or AppSecret, for a confidential client |
| OnBehalfOf | `on_behalf_of` | the same, or Like for an app's connection; one of them is required |
| Like | `like` | |
| AzAccount | `azure_cli`, `azd` or `azure_powershell` | |
| Federated | `federated` | `service_connection_id` |
| Identity | `managed_identity` | `identity_type` |
| Automatic | `automatic` | `on_passed_over` |

All other parameters go with every set. `scopes` are for users; an app ignores them with a warning.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from entrakit.authority.clouds import Cloud, find_cloud
from entrakit.errors import ParameterError, ParameterSetError
from entrakit.http.address import Origin, parse_base

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.sign_in.flow import Flow
    from entrakit.sign_in.flows.azure_tool import AzureTool


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
        words: What the value is called in messages; empty if that is its name.
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
        "automatic", "whatever is there: variables, identity, saved connection, tools", selects="Automatic",
        option="auto",
    ),
    Parameter("on_passed_over", "function that is told what was passed over", sets=("Automatic",), option=None),
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
APPS = ("AppCertificate", "KeyVault", "AppSecret")
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

_IN_SETS = frozenset(name for one in SETS for name in one.chosen_by + one.options)
# An empty value, or 0, is the same as no value. For a parameter that selects a set it is not.
_MAY_BE_EMPTY = (
    *("port", "login_hint", "domain_hint", "prompt", "redirect_uri", "certificate_store", "pkcs11_module"),
    *("certificate_command", "key_vault", "key_vault_connection", "service_connection_id", "identity_type"),
)
CERTIFICATE_SOURCES = next(one.chosen_by for one in SETS if one.name == "AppCertificate")
KEY_VAULT_SOURCES = next(one.chosen_by for one in SETS if one.name == "KeyVault")


def choose_set(given: Mapping[str, object]) -> ParameterSet:
    """Return the one parameter set that accepts all given parameters; Browser if there are none.

    Args:
        given: Parameters by name. None and False count as not given, and so do empty hints. Those that go with every
            set do not matter.

    Raises:
        ParameterSetError: Parameters of two sets are mixed, a parameter belongs to another set, the certificate has
            two sources, or a password has nothing to open.
    """
    names = [name for name, value in given.items() if name in _IN_SETS and _is_given(name, value)]
    chosen = [one for one in SETS if any(name in one.chosen_by for name in names)] or [SETS[0]]
    with_app = next((one for one in chosen if one.apps), None)
    if with_app is not None:
        others = {name: given[name] for name in names if name not in with_app.chosen_by + with_app.options}
        app = choose_set(others) if others else None
        if app is not None and app.name not in with_app.apps:
            choosers = [name for name in names if name in with_app.chosen_by or name in others]
            raise _clash("select different ways to sign in", choosers, [with_app.name, app.name])
        return with_app
    if "key_vault_key" in names and "certificate_path" in names:
        # The certificate is in the file, its key in the key vault.
        names = [name for name in names if name != "certificate_path"]
        chosen = [one for one in chosen if one.name != "AppCertificate"]
    if "certificate_path" in names and "certificate_command" not in names:
        # The thumbprint chooses among several certificates of the file.
        names = [name for name in names if name != "certificate_thumbprint"]
    if len(chosen) > 1:
        choosers = [name for name in names if any(name in one.chosen_by for one in chosen)]
        raise _clash("select different ways to sign in", choosers, [one.name for one in chosen])
    only = chosen[0]
    sources = [name for name in names if name in CERTIFICATE_SOURCES + KEY_VAULT_SOURCES]
    if len(sources) > 1:
        raise _clash("each select a certificate", sources, [only.name])
    strangers = [name for name in names if name not in only.chosen_by + only.options]
    if strangers:
        raise _stranger(strangers, [name for name in names if name in only.chosen_by], only)
    for name in names:
        if BY_NAME[name].goes_with and sources[0] not in BY_NAME[name].goes_with:
            raise _clash("don't go together", [name, *sources], [only.name])
    in_store = sources[:1] and sources[0] in IN_STORES and "pkcs11_module" not in names
    if "certificate_password" in names and in_store and "certificate_store" not in names:
        raise _clash("don't go together: a store needs no password", ["certificate_password", *sources], [only.name])
    return only


def flow_of(given: Mapping[str, Any]) -> Flow:
    """Return the way to sign in that parameters of `connect()` describe, or the value of it that is among them.

    Args:
        given: All parameters by name.

    Raises:
        ParameterSetError: As for `choose_set`, or parameters are mixed with a value.
        ParameterError: A parameter is invalid, or several can't be used together.
    """
    how: Flow | None = given.get("how")
    if how is not None:
        names = [name for name, value in given.items() if name in _IN_SETS and _is_given(name, value)]
        if names:
            homes = [one.name for one in SETS if any(name in one.chosen_by + one.options for name in names)]
            raise _clash("can't be used with a value that says how to sign in", names, homes)
        refuse_tenant(how, given["tenant_id"])
        _refuse_impossible(given, how.uses)
        return how
    chosen = choose_set(given)
    way: type[Flow] = import_module(f"entrakit.sign_in.flows.{chosen.flow}").FLOW
    refuse_tenant(way, given["tenant_id"])
    _refuse_impossible(given, given.get("key_vault_connection") or "")
    if chosen.apps:
        others = {name: value for name, value in given.items() if name not in chosen.chosen_by + chosen.options}
        app = choose_set(others)
        if app.name in chosen.apps:
            kind: type[Flow] = import_module(f"entrakit.sign_in.flows.{app.flow}").FLOW
            given = {**given, "app": kind.from_parameters(given)}
    return way.from_parameters(given)


def cloud_of(cloud: str | Cloud, authority_url: str, graph_url: str) -> Cloud:
    """Return the cloud with the addresses that the caller named; log a warning if requests would leave an emulator.

    Args:
        cloud: The cloud, or its name.
        authority_url: Address of another token service; empty for the cloud's.
        graph_url: Address of Microsoft Graph without its version; empty for the cloud's.

    Raises:
        ParameterError: The cloud does not exist, or an address is invalid.
    """
    found = cloud if isinstance(cloud, Cloud) else find_cloud(cloud)
    found = found.at(authority_url) if authority_url else found
    if graph_url:
        remedy = "Give it like https://graph.contoso.com or https://gateway.contoso.com/graph, without a version."
        origin, path = parse_base(graph_url, remedy=remedy)
        if path.rpartition("/")[2] in ("v1.0", "beta"):
            raise ParameterError("`graph_url` must not end in a version of Microsoft Graph.", remedy=remedy)
        url = f"{origin}{path}"
        return found._replace(graph_url="" if url == found.graph else url)
    if _is_loopback(found.authority) and not _is_loopback(found.graph_url or found.graph):
        import logging

        logging.getLogger("entrakit").warning(
            "The token service is on this machine, but requests to Microsoft Graph are sent to %s. For a Graph on this "
            "machine, use `graph_url=…`.",
            found.graph_url or found.graph,
        )
    return found


def fallback_of(tool: str) -> AzureTool:
    """Return the way to sign in that the parameter `fallback` names. Raises ParameterError for an unknown tool."""
    found: AzureTool = import_module("entrakit.sign_in.flows.azure_tool").FLOW(tool)
    return found


def refuse_tenant(how: Flow | type[Flow], tenant_id: str) -> None:
    """Raise ParameterError if a way to sign in can't be used with a tenant id that stands for many tenants.

    Apps sign in to one tenant (AADSTS50059 and 90002 otherwise). The password grant also accepts `organizations`
    (AADSTS9001023).
    """
    if str(tenant_id).strip().strip("{}").lower() in how.refused_tenants:
        who = "An app" if how.is_app else "A user name and password"
        also = "" if how.is_app else ", or use `tenant_id='organizations'`"
        raise ParameterError(
            f"{who} can't sign in to {tenant_id!r}, which stands for many tenants.",
            remedy=f"Give the id or a domain of one tenant{also}.",
        )


def _is_given(name: str, value: object) -> bool:
    return value is not None and value is not False and (name not in _MAY_BE_EMPTY or bool(value))


def _stranger(strangers: Sequence[str], choosers: Sequence[str], only: ParameterSet) -> ParameterSetError:
    homes = [one for one in SETS if any(name in one.options for name in strangers)]
    if not choosers and len(homes) == 1:
        needed = _list(homes[0].chosen_by, "or")
        return ParameterSetError(
            f"{_list(strangers)} can't be used alone, only with {needed}.",
            clashing=strangers,
            accepted_by=[homes[0].name],
            remedy=f"Add {needed} (parameter set {homes[0].name}), or leave {_list(strangers)} out.",
        )
    return _clash(
        f"can't be used with {_list(choosers)}" if choosers else "can't be used with the browser sign-in",
        strangers,
        [one.name for one in homes],
        chosen=only.name,
    )


def _clash(problem: str, clashing: Sequence[str], accepted_by: Sequence[str], *, chosen: str = "") -> ParameterSetError:
    sets = f"parameter set{'s' * (len(accepted_by) > 1)} {' and '.join(accepted_by)}"
    remedy = f"Use only one of them; they belong to the {sets}."
    if chosen:
        remedy = f"Leave {_list(clashing)} out (parameter set {chosen}), or use the {sets}."
    return ParameterSetError(f"{_list(clashing)} {problem}.", clashing=clashing, accepted_by=accepted_by, remedy=remedy)


def _list(names: Sequence[str], conjunction: str = "and") -> str:
    spans = [f"`{name}`" for name in names]
    return f" {conjunction} ".join([", ".join(spans[:-1]), spans[-1]] if len(spans) > 1 else spans)


def _refuse_impossible(given: Mapping[str, Any], uses: str) -> None:
    """Raise ParameterError for values that can't be used together, or with the connection that the way uses."""
    name, timeout, ensure = given.get("name"), given.get("timeout"), given.get("ensure")
    if name is None and (ensure or given.get("save_secret")):
        what = "ensure" if ensure else "save_secret"
        raise ParameterError(f"`{what}` is for a saved connection, and no name was given.", remedy="Add `name`.")
    if name is not None and uses.lower() == name.lower():
        raise ParameterError(
            "A connection can't authenticate itself at the key vault.",
            remedy="Save it under another name than that of `key_vault_connection`.",
        )
    if timeout is not None and timeout <= 0:
        raise ParameterError(f"The time-out must be longer than {timeout:g} seconds.")
    if given.get("transport") is not None and given.get("ca_bundle") is not None:
        raise ParameterError("`ca_bundle` is set on the transport, and a transport was given.", remedy="Omit one.")


def _is_loopback(url: str) -> bool:
    origin = Origin.of(url)
    return origin is not None and len(origin.on_this_machine()) > 1
