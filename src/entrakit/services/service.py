"""The services that a connection reaches: base address, resource, and the hosts that may see a token.

    graph              Microsoft Graph v1.0
    graph-beta         Microsoft Graph beta
    azure              Azure Resource Manager
    keyvault           a vault of Azure Key Vault: `find_service("keyvault", vault="contoso")`
    defender-endpoint  Microsoft Defender for Endpoint
    defender-xdr       Microsoft Defender XDR

Each cloud has its own. A service that is not here is made with `Service(name, url, resource)`.
"""

from __future__ import annotations

from typing import NamedTuple

from entrakit.errors import ParameterError
from entrakit.http.address import Origin, parse_base, shown_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.authority.clouds import Cloud


class Service(NamedTuple):
    """An API that takes tokens of Microsoft Entra ID.

    Args:
        name: What it is called here.
        url: Base address, `https`, without a slash at its end: `https://graph.microsoft.com/v1.0`. Paths go below it.
        resource: Identifier of the resource, the part of a scope before `/.default`.
        hosts: Further hosts that the same service answers on, and that its next links may name.
        query: Parameters that every request carries, such as `api-version`.
    """

    name: str
    url: str
    resource: str
    hosts: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    @property
    def scope(self) -> str:
        """What a token for it is asked for."""
        return f"{self.resource}/.default"

    @property
    def host(self) -> str:
        """Host of the base address for messages, with its port if that is not 443."""
        return shown_host(self.url)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The origins that may see its token: the one of the base address, and those of its further hosts."""
        bases = [self.url, *(f"https://{host}" for host in self.hosts)]
        return tuple(origin for origin in map(Origin.of, bases) if origin)

    @property
    def is_graph(self) -> bool:
        """Whether it is Microsoft Graph, whose rules for queries and batches differ from other services'."""
        return self.name in ("graph", "graph-beta")

    def owns(self, url: str) -> bool:
        """Return whether an absolute address is on one of its origins, so that it may see its token."""
        return Origin.of(url) in self.origins


def find_service(name: str, cloud: Cloud, *, vault: str = "") -> Service:
    """Return a service of a cloud by its name.

    Args:
        name: One of the names above.
        cloud: The cloud of the connection.
        vault: Name of the key vault, for `keyvault`.

    Raises:
        ParameterError: There is no such service, the cloud has none, or the name of the vault is missing or wrong.
    """
    if name in ("graph", "graph-beta"):
        origin = cloud.graph_url or cloud.graph
        version = "beta" if name == "graph-beta" else "v1.0"
        hosts = (shown_host(cloud.graph),) if cloud.graph_url else ()
        return Service(name, f"{origin}/{version}", cloud.graph, hosts)
    table = _SERVICES.get(name)
    if table is None:
        known = ", ".join(("graph", "graph-beta", *_SERVICES))
        raise ParameterError(f"There is no service named {name!r}.", remedy=f"Use one of {known}.")
    # A cloud whose token service is elsewhere, as an emulator's, is still the cloud that it was.
    found = table.get(cloud.name.partition("@")[0])
    if found is None:
        raise ParameterError(
            f"Where {name} answers in the cloud {cloud.name} is not known.",
            remedy="Give it as Service(name, url, resource).",
        )
    url, resource, query = found
    if name == "keyvault":
        url = url.format(vault=_vault_name(vault))
    return Service(name, url, resource, (), query)


def checked(service: Service) -> Service:
    """Return a service of the user's own, if its address can be one.

    Raises:
        ParameterError: Its address is not `https`, or has a query, or its resource is missing.
    """
    origin, path = parse_base(service.url, remedy="Give it like https://api.contoso.com/v1.")
    if not service.resource:
        raise ParameterError(
            f"The service {service.name!r} has no resource.",
            remedy="Give the identifier of its app registration, such as api://orders.",
        )
    return service._replace(url=f"{origin}{path}")


def _vault_name(text: str) -> str:
    """Return the name of a vault: 3 to 24 letters, digits and hyphens, as Azure wants it."""
    if not 3 <= len(text) <= 24 or not text.isascii() or not text.replace("-", "").isalnum():
        raise ParameterError(
            f"{text!r} is not the name of a key vault." if text else "The name of the key vault is missing.",
            remedy="Give the first part of its address: contoso for https://contoso.vault.azure.net.",
        )
    return text.lower()


def _azure(host: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return (f"https://{host}", f"https://{host}", ())


def _vaults(suffix: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return (f"https://{{vault}}.{suffix}", f"https://{suffix}", (("api-version", "7.5"),))


def _endpoint(host: str, resource: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    return (f"https://{host}/api", f"https://{resource}", ())


_GOV_ENDPOINT = _endpoint("api-gov.securitycenter.microsoft.us", "api-gov.securitycenter.microsoft.us")
_GOV_XDR = _endpoint("api-gov.security.microsoft.us", "api-gov.security.microsoft.us")
_SERVICES: Mapping[str, Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]]] = {
    "azure": {
        "global": _azure("management.azure.com"),
        "usgov": _azure("management.usgovcloudapi.net"),
        "usgov-dod": _azure("management.usgovcloudapi.net"),
        "china": _azure("management.chinacloudapi.cn"),
        "bleu": _azure("management.sovcloud-api.fr"),
    },
    "keyvault": {
        "global": _vaults("vault.azure.net"),
        "usgov": _vaults("vault.usgovcloudapi.net"),
        "usgov-dod": _vaults("vault.usgovcloudapi.net"),
        "china": _vaults("vault.azure.cn"),
        "bleu": _vaults("vault.sovcloud-api.fr"),
        "delos": _vaults("vault.sovcloud-api.de"),
        "govsg": _vaults("vault.sovcloud-api.sg"),
    },
    "defender-endpoint": {
        "global": _endpoint("api.security.microsoft.com", "api.securitycenter.microsoft.com"),
        "usgov": _GOV_ENDPOINT,
        "usgov-dod": _GOV_ENDPOINT,
    },
    "defender-xdr": {
        "global": _endpoint("api.security.microsoft.com", "api.security.microsoft.com"),
        "usgov": _GOV_XDR,
        "usgov-dod": _GOV_XDR,
    },
}
