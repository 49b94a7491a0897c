"""National clouds: who signs tokens there, and where Microsoft Graph answers.

A token of one cloud is useless in another, and the resource named in a scope must be the cloud's own
(Microsoft Graph, "National cloud deployments"). Tenants of GCC use the global hosts.
"""

from __future__ import annotations

from typing import NamedTuple

from entrakit.errors import ParameterError


class Cloud(NamedTuple):
    """One deployment of Microsoft Entra ID.

    Args:
        name: Its name, the value of `cloud` in `connect()`.
        authority: Origin of the token service, such as `https://login.microsoftonline.com`.
        graph: Origin of Microsoft Graph, which is also its resource identifier.
        aliases: Other hosts that the same token service answers on.
        graph_url: Origin where Microsoft Graph is reached, if that is not `graph`: a proxy's, or an emulator's.
    """

    name: str
    authority: str
    graph: str
    aliases: tuple[str, ...] = ()
    graph_url: str = ""

    def with_graph_at(self, graph_url: str) -> Cloud:
        """Return this cloud with Microsoft Graph reached elsewhere; tokens stay those of `graph`.

        Args:
            graph_url: An `https` origin, such as `https://localhost:8443`.

        Raises:
            ParameterError: It is not an origin, or not `https`.
        """
        return self._replace(graph_url=_origin(graph_url))

    def at(self, authority: str) -> Cloud:
        """Return this cloud with another token service: a proxy's, or an emulator's.

        Args:
            authority: An `https` origin, such as `https://localhost:8443`.

        Raises:
            ParameterError: It is not an origin, or not `https` (RFC 6749, 3.2: credentials go over TLS only).
        """
        return self._replace(name=f"{self.name}@{_origin(authority)[8:]}", authority=_origin(authority), aliases=())


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

# What Azure PowerShell, Azure CLI and Graph PowerShell call them.
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
    """Return the cloud that a name or an authority's address stands for.

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
    origin = _origin(name if "://" in name else f"https://{name}")
    for cloud in CLOUDS:
        if origin == cloud.authority or origin[8:] in cloud.aliases:
            return cloud
    return GLOBAL.at(origin)


def _origin(address: str) -> str:
    """Return `https://host[:port]`, or raise ParameterError."""
    from urllib.parse import urlsplit

    remedy = "Give scheme, host and port only, such as https://login.microsoftonline.us."
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        raise ParameterError(f"{address!r} is not the address of a service.", remedy=remedy) from None
    if parts.scheme != "https":
        raise ParameterError(f"The address {address!r} is not an https address.", remedy=remedy)
    host = (parts.hostname or "").lower()
    spoilt = parts.username or parts.password or parts.path.strip("/") or parts.query or parts.fragment
    if spoilt or not host or not all(letter.isalnum() or letter in "-.:_" for letter in host):
        raise ParameterError(f"{address!r} is more, or less, than the address of a service.", remedy=remedy)
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}" if port in (None, 443) else f"https://{host}:{port}"
