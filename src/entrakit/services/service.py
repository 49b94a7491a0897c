"""The services that a connection can call: base address, resource, and the origins that may receive a token.

    graph              Microsoft Graph v1.0
    graph-beta         Microsoft Graph beta
    azure              Azure Resource Manager
    key-vault          a key vault of Azure: `find_service("key-vault", cloud, key_vault="contoso")`
    defender-endpoint  Microsoft Defender for Endpoint
    defender-xdr       Microsoft Defender XDR

Each cloud has its own. Any other service is `Service(name, url, resource)`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import ParameterError
from entrakit.http.address import Origin, parse_base, shown_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.authority.clouds import Cloud

KEY_VAULT = "key-vault"
ALIASES = {"keyvault": KEY_VAULT, "key_vault": KEY_VAULT}
NAMES = ("graph", "graph-beta", "azure", KEY_VAULT, "defender-endpoint", "defender-xdr")
KEY_VAULT_API_VERSION = "7.5"

_GRAPH_VERSIONS = {"graph": "v1.0", "graph-beta": "beta"}
_KEY_VAULT_NAME = re.compile(r"[A-Za-z][0-9A-Za-z-]{1,22}[0-9A-Za-z]")
_REMEDY_OF_BASE = "Give it like https://api.contoso.com/v1."


class Service(NamedTuple):
    """An API that accepts tokens of Microsoft Entra ID.

    Args:
        name: Name of the service.
        url: Base address, `https`, without a slash at its end: `https://graph.microsoft.com/v1.0`. Paths go below it.
        resource: Identifier of the resource, the part of a scope before `/.default`.
        hosts: Further hosts of the same service, to which its next links may lead.
        query: Parameters of every request, such as `api-version`.
        is_graph: Whether it is Microsoft Graph, whose rules for queries and batches differ from other services'. Set
            by `find_service` only.
    """

    name: str
    url: str
    resource: str
    hosts: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    is_graph: bool = False

    @property
    def scope(self) -> str:
        """The scope of its tokens."""
        return f"{self.resource}/.default"

    @property
    def host(self) -> str:
        """Host of the base address for messages, with its port if that is not 443."""
        return shown_host(self.url)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The origins that may receive its token: the one of the base address, and those of its further hosts."""
        bases = [self.url, *(f"https://{host}" for host in self.hosts)]
        return tuple(origin for origin in map(Origin.of, bases) if origin)

    def owns(self, url: str) -> bool:
        """Return whether an absolute address is on one of its origins, so that it may receive its token."""
        return Origin.of(url) in self.origins


class _Place(NamedTuple):
    """Where a service is in one cloud.

    Args:
        url: Base address; for key vaults, the origin that all of them are below.
        resource: Identifier of the resource.
    """

    url: str
    resource: str


def find_resource(name: str, cloud: Cloud) -> str:
    """Return the resource of a service of a cloud, for its token.

    Args:
        name: Name of the service, as for `find_service`.
        cloud: The cloud of the connection.

    Raises:
        ParameterError: The service does not exist, or the cloud has none.
    """
    name = ALIASES.get(name, name)
    return cloud.graph if name in _GRAPH_VERSIONS else _place_of(name, cloud).resource


def find_service(name: str, cloud: Cloud, *, key_vault: str = "") -> Service:
    """Return a service of a cloud by its name.

    Args:
        name: One of the names above; `keyvault` and `key_vault` are older names of `key-vault`.
        cloud: The cloud of the connection.
        key_vault: Name of the key vault, or its https address, for `key-vault`.

    Raises:
        ParameterError: The service does not exist, the cloud has none, or the key vault is missing or invalid.
    """
    name = ALIASES.get(name, name)
    if name in _GRAPH_VERSIONS:
        url = f"{cloud.graph_url or cloud.graph}/{_GRAPH_VERSIONS[name]}"
        hosts = (shown_host(cloud.graph),) if cloud.graph_url else ()
        return Service(name, url, cloud.graph, hosts, is_graph=True)
    place = _place_of(name, cloud)
    if name != KEY_VAULT:
        return Service(name, place.url, place.resource)
    url = _key_vault_url(key_vault, Origin.parse(place.url), cloud)
    return Service(name, url, place.resource, query=(("api-version", KEY_VAULT_API_VERSION),))


def _place_of(name: str, cloud: Cloud) -> _Place:
    """Return where a service other than Microsoft Graph is. Raises ParameterError if that is not known."""
    table = _SERVICES.get(name)
    if table is None:
        known = ", ".join(NAMES)
        raise ParameterError(f"There is no service named {name!r}.", remedy=f"Use one of {known}.")
    # A cloud with another token service, such as an emulator's, still has the services of the original one.
    place = table.get(cloud.name.partition("@")[0])
    if place is None:
        raise ParameterError(
            f"Where {name} answers in the cloud {cloud.name} is not known.",
            remedy="Give it as Service(name, url, resource).",
        )
    return place


def checked(service: Service, cloud: Cloud) -> Service:
    """Return a service that the caller made, if it can be one.

    Args:
        service: The service.
        cloud: The cloud of the connection.

    Raises:
        ParameterError: Its address is not `https`, or has a query; its resource is missing; or it claims to be
            Microsoft Graph.
    """
    if service.is_graph and service not in [find_service(name, cloud) for name in _GRAPH_VERSIONS]:
        raise ParameterError(
            f"The service {service.name!r} is not the Microsoft Graph of the cloud {cloud.name}.",
            remedy="Leave is_graph out; if Graph has another address, connect with graph_url.",
        )
    origin, path = parse_base(service.url, remedy=_REMEDY_OF_BASE)
    if not service.resource:
        raise ParameterError(
            f"The service {service.name!r} has no resource.",
            remedy="Give the identifier of its app registration, such as api://orders.",
        )
    return service._replace(url=f"{origin}{path}")


def _key_vault_url(text: str, parent: Origin, cloud: Cloud) -> str:
    """Return the address of a key vault; raise ParameterError if the text is neither a name nor one of the cloud."""
    if _KEY_VAULT_NAME.fullmatch(text):
        return f"https://{text.lower()}.{parent.host}"
    remedy = f"Give a name such as contoso, or an address such as https://contoso.{parent.host}."
    try:
        origin, path = parse_base(text, remedy=remedy)
    except ParameterError as error:
        problem = "The key vault is neither a name nor an https address." if text else "The key vault is missing."
        raise ParameterError(problem, remedy=remedy) from error
    cloud_name, _, authority_host = cloud.name.partition("@")
    # If the token service was named by its address, the key vault can have any address, too.
    if not authority_host and not origin.host.endswith(f".{parent.host}"):
        raise ParameterError(
            f"{origin} is not a key vault of the cloud {cloud_name!r}, so it gets no token.",
            remedy=f"Name a key vault below {parent.host}, or use a connection to the cloud of the key vault.",
        )
    return f"{origin}{path}"


def _same(host: str) -> _Place:
    """Return the place of a service with its address as its resource."""
    return _Place(f"https://{host}", f"https://{host}")


def _api(host: str, resource: str) -> _Place:
    return _Place(f"https://{host}/api", f"https://{resource}")


_GOV_ENDPOINT = _api("api-gov.securitycenter.microsoft.us", "api-gov.securitycenter.microsoft.us")
_GOV_XDR = _api("api-gov.security.microsoft.us", "api-gov.security.microsoft.us")
_SERVICES: Mapping[str, Mapping[str, _Place]] = {
    "azure": {
        "global": _same("management.azure.com"),
        "usgov": _same("management.usgovcloudapi.net"),
        "usgov-dod": _same("management.usgovcloudapi.net"),
        "china": _same("management.chinacloudapi.cn"),
        "bleu": _same("management.sovcloud-api.fr"),
    },
    KEY_VAULT: {
        "global": _same("vault.azure.net"),
        "usgov": _same("vault.usgovcloudapi.net"),
        "usgov-dod": _same("vault.usgovcloudapi.net"),
        "china": _same("vault.azure.cn"),
        "bleu": _same("vault.sovcloud-api.fr"),
        "delos": _same("vault.sovcloud-api.de"),
        "govsg": _same("vault.sovcloud-api.sg"),
    },
    "defender-endpoint": {
        "global": _api("api.security.microsoft.com", "api.securitycenter.microsoft.com"),
        "usgov": _GOV_ENDPOINT,
        "usgov-dod": _GOV_ENDPOINT,
    },
    "defender-xdr": {
        "global": _api("api.security.microsoft.com", "api.security.microsoft.com"),
        "usgov": _GOV_XDR,
        "usgov-dod": _GOV_XDR,
    },
}
