"""National clouds: their token services, and their Microsoft Graph.

A token of one cloud is useless in another, and the resource named in a scope must be the cloud's own
(Microsoft Graph, "National cloud deployments"). Tenants of GCC use the global hosts.
"""

from __future__ import annotations

from typing import NamedTuple

from entrakit.errors import ParameterError


class Cloud(NamedTuple):
    """One deployment of Microsoft Entra ID.

    Args:
        name: Name of the cloud: the value of `cloud` in `connect()`.
        authority: Origin of the token service, such as `https://login.microsoftonline.com`.
        graph: Origin of Microsoft Graph, which is also its resource identifier.
        aliases: Other hosts of the same token service.
        graph_url: Address of Microsoft Graph without its version, if it is not `graph`: a gateway's, or an emulator's.
    """

    name: str
    authority: str
    graph: str
    aliases: tuple[str, ...] = ()
    graph_url: str = ""

    def at(self, authority: str) -> Cloud:
        """Return this cloud with another token service: a proxy's, or an emulator's.

        Args:
            authority: An `https` origin, such as `https://localhost:8443`.

        Raises:
            ParameterError: It is not an origin, or not `https` (RFC 6749, 3.2: credentials go over TLS only).
        """
        from entrakit.http.address import Origin

        origin = Origin.parse(authority)
        return self._replace(name=f"{self.name}@{origin.shown()}", authority=str(origin), aliases=())


GLOBAL = Cloud(
    "global",
    "https://login.microsoftonline.com",
    "https://graph.microsoft.com",
    ("login.windows.net", "login.microsoft.com", "sts.windows.net"),
)

CLOUDS = (
    GLOBAL,
    Cloud("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us", ("login.usgovcloudapi.net",)),
    Cloud("usgov-dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    Cloud(
        "china",
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        ("login.chinacloudapi.cn",),
    ),
    Cloud("bleu", "https://login.sovcloud-identity.fr", "https://graph.svc.sovcloud.fr"),
    Cloud("delos", "https://login.sovcloud-identity.de", "https://graph.svc.sovcloud.de"),
    Cloud("govsg", "https://login.sovcloud-identity.sg", "https://graph.svc.sovcloud.sg"),
)

# Names in Azure PowerShell, Azure CLI and Graph PowerShell.
_OTHER_NAMES = {
    "azurecloud": "global",
    "public": "global",
    "usgovdod": "usgov-dod",
    "azureusgovernment": "usgov",
    "azurechinacloud": "china",
    "bleucloud": "bleu",
    "azurebleucloud": "bleu",
    "deloscloud": "delos",
    "govsgcloud": "govsg",
}


def find_cloud(text: str) -> Cloud:
    """Return the cloud with a name, or with the address of its token service.

    Args:
        text: A name in any case (`global`, `USGov`, `AzureChinaCloud`), or the address of a token service:
            `login.microsoftonline.us`, `https://localhost:8443`.

    Raises:
        ParameterError: Neither a known name nor an `https` address.
    """
    name = text.strip().lower()
    name = _OTHER_NAMES.get(name, name)
    for cloud in CLOUDS:
        if name == cloud.name:
            return cloud
    if "." not in name and "://" not in name:
        known = ", ".join(cloud.name for cloud in CLOUDS)
        raise ParameterError(f"There is no cloud named {text!r}.", remedy=f"Use one of {known}, or an https address.")
    from entrakit.http.address import Origin

    origin = Origin.parse(name if "://" in name else f"https://{name}")
    for cloud in CLOUDS:
        if str(origin) == cloud.authority or origin.shown() in cloud.aliases:
            return cloud
    return GLOBAL.at(str(origin))
