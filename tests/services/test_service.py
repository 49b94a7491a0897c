"""Services: their addresses in each cloud, and the hosts that can receive a token."""

from __future__ import annotations

import pytest

from entrakit.authority.clouds import CLOUDS, GLOBAL, Cloud, find_cloud
from entrakit.errors import ParameterError
from entrakit.services.service import Service, checked, find_service

GRAPH = find_service("graph", GLOBAL)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_graph_is_the_clouds_own(cloud: object) -> None:
    """
    Each cloud has its own Graph, and the token is for that one.
    """
    assert isinstance(cloud, type(GLOBAL))
    service = find_service("graph", cloud)

    assert (f"{cloud.graph}/v1.0", f"{cloud.graph}/.default") == (service.url, service.scope)
    assert f"{cloud.graph}/beta" == find_service("graph-beta", cloud).url


@pytest.mark.parametrize(
    ("name", "cloud", "url", "scope"),
    [
        ("azure", "global", "https://management.azure.com", "https://management.azure.com/.default"),
        ("azure", "usgov", "https://management.usgovcloudapi.net", "https://management.usgovcloudapi.net/.default"),
        ("azure", "china", "https://management.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
        ("key-vault", "global", "https://contoso.vault.azure.net", "https://vault.azure.net/.default"),
        ("key-vault", "usgov-dod", "https://contoso.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net/.default"),
        ("defender-endpoint", "global", "https://api.security.microsoft.com/api", "https://api.securitycenter.microsoft.com/.default"),
        ("defender-xdr", "global", "https://api.security.microsoft.com/api", "https://api.security.microsoft.com/.default"),
        ("defender-xdr", "usgov", "https://api-gov.security.microsoft.us/api", "https://api-gov.security.microsoft.us/.default"),
    ],
)  # fmt: skip
def test_other_services(name: str, cloud: str, url: str, scope: str) -> None:
    """
    The other services have their own addresses and resources in each cloud.
    """
    service = find_service(name, find_cloud(cloud), key_vault="Contoso")

    assert (url, scope) == (service.url, service.scope)


@pytest.mark.parametrize("name", ["exchange", "", "GRAPH"])
def test_a_service_that_is_not_there_is_refused(name: str) -> None:
    """
    The error for an unknown name lists the known ones.
    """
    with pytest.raises(ParameterError, match="defender-xdr"):
        find_service(name, GLOBAL)


def test_a_service_that_a_cloud_has_not_is_refused() -> None:
    """
    If the address of a service in a cloud is not known, it is not guessed.
    """
    with pytest.raises(ParameterError, match="china"):
        find_service("defender-xdr", find_cloud("china"))


@pytest.mark.parametrize("name", ["key-vault", "keyvault", "key_vault"])
def test_older_names_of_key_vault_mean_the_same(name: str) -> None:
    """
    The service has one name; the older ones are accepted and lead to it.
    """
    service = find_service(name, GLOBAL, key_vault="contoso")

    assert ("key-vault", "https://contoso.vault.azure.net") == (service.name, service.url)


@pytest.mark.parametrize("vault", ["", "a", "x" * 25, "contoso.evil", "con/toso", "köln", "a b"])
def test_a_vault_has_a_name(vault: str) -> None:
    """
    An invalid name of a key vault, which could lead to another host, is refused.
    """
    with pytest.raises(ParameterError):
        find_service("key-vault", GLOBAL, key_vault=vault)


@pytest.mark.parametrize(
    ("vault", "cloud", "url"),
    [
        ("contoso", "global", "https://contoso.vault.azure.net"),
        ("Contoso-1", "china", "https://contoso-1.vault.azure.cn"),
        ("https://contoso.vault.usgovcloudapi.net/", "usgov", "https://contoso.vault.usgovcloudapi.net"),
        ("https://localhost:8443/keyvault/x/", "https://localhost:9443", "https://localhost:8443/keyvault/x"),
    ],
)
def test_a_vault_is_a_name_or_an_address(vault: str, cloud: str, url: str) -> None:
    """
    A name is completed with the suffix of the cloud; an address must be below it, unless the token service has
    its own address, too.
    """
    assert url == find_service("key-vault", find_cloud(cloud), key_vault=vault).url


@pytest.mark.parametrize("vault", ["x", "a.b", "http://contoso.vault.azure.net", "https://", "https://u:p@host",
                                   "https://host/?q=1", "contoso/../evil", "-contoso", "https://[",
                                   "https://exa mple", "https://host:x", "https://host:99999"])  # fmt: skip
def test_what_is_no_vault_is_refused(vault: str) -> None:
    """
    A key vault needs an https address with a plain host, because it receives a token.
    """
    with pytest.raises(ParameterError, match="neither a name nor an https address"):
        find_service("key-vault", GLOBAL, key_vault=vault)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_each_cloud_has_key_vaults(cloud: Cloud) -> None:
    """
    Key vaults of every cloud are known, in one table.
    """
    service = find_service("key-vault", cloud, key_vault="contoso")

    assert service.url.removeprefix("https://contoso.") == service.resource.removeprefix("https://")


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://graph.microsoft.com/v1.0/users", True),
        ("https://GRAPH.MICROSOFT.COM:443/x", True),
        ("HTTPS://graph.microsoft.com", True),
        ("https://graph.microsoft.com?x", True),
        ("http://graph.microsoft.com/", False),
        ("https://graph.microsoft.com:444/", False),
        ("https://graph.microsoft.com.evil.example/", False),
        ("https://graph.microsoft.com@evil.example/", False),
        ("https://evil.example/https://graph.microsoft.com/", False),
        ("https://evil.example\\@graph.microsoft.com/", False),
        ("https://evil.example#@graph.microsoft.com/", False),
        ("//graph.microsoft.com/", False),
        ("", False),
    ],
)
def test_whose_address_it_is(url: str, is_own: bool) -> None:
    """
    Only an https address on a host of the service can receive its token.
    """
    assert is_own == GRAPH.owns(url)


def test_an_emulators_graph_owns_both_hosts() -> None:
    """
    The links of a Graph at another address can name that address and the real one.
    """
    service = find_service("graph", GLOBAL._replace(graph_url="https://localhost:8443"))

    assert service.url == "https://localhost:8443/v1.0"
    assert service.owns("https://localhost:8443/v1.0/users")
    assert service.owns("https://graph.microsoft.com/v1.0/users")
    assert not service.owns("https://localhost/v1.0/users")


@pytest.mark.parametrize(
    "service",
    [
        Service("mine", "http://api.contoso.com", "api://x"), Service("mine", "https://", "api://x"),
        Service("mine", "https://api.contoso.com", ""), Service("mine", "https://a@b/", "api://x"),
        Service("mine", "https://api.contoso.com?x", "api://x"), Service("mine", "api.contoso.com", "api://x"),
    ],
)  # fmt: skip
def test_a_service_of_ones_own_is_checked(service: Service) -> None:
    """
    A custom service requires an https address and a resource.
    """
    with pytest.raises(ParameterError):
        checked(service, GLOBAL)


def test_a_service_of_ones_own() -> None:
    """
    The address of a custom service is normalized: a host in lower case, no port 443, no slash at the end.
    """
    assert (
        checked(Service("mine", "https://API.contoso.com:443/v1/", "api://x"), GLOBAL).url
        == "https://api.contoso.com/v1"
    )


def test_only_the_registry_makes_a_service_graph() -> None:
    """
    Neither a name nor a host makes a service Microsoft Graph, and a caller can't set this; services of the registry
    are accepted.
    """
    graph = find_service("graph", GLOBAL)

    assert (True, True) == (graph.is_graph, find_service("graph-beta", GLOBAL).is_graph)
    assert not Service("graph", graph.url, graph.resource).is_graph
    assert graph == checked(graph, GLOBAL)
    with pytest.raises(ParameterError, match="is not the Microsoft Graph"):
        checked(Service("mine", "https://api.contoso.com", "api://x", is_graph=True), GLOBAL)
