"""Which parameters of `connect()` go together, and the value of the way to sign in that they describe."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from entrakit.authority.clouds import Cloud, find_cloud
from entrakit.errors import ParameterError, ParameterSetError
from entrakit.http.address import Origin, parse_base
from entrakit.sign_in.parameter_table import BY_NAME, IN_STORES, SETS, ParameterSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit.sign_in.flow import Flow
    from entrakit.sign_in.flows.azure_tool import AzureTool


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


def fallback_of(tool: str, how: Flow) -> AzureTool:
    """Return the way to sign in that the parameter `fallback` names. Raises ParameterError for an unknown tool."""
    if how.is_shared:
        raise ParameterError("The account of a tool must not replace the user of a web API.", remedy="Omit `fallback`.")
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
