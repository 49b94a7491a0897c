"""Clouds: names and addresses of authorities."""

from __future__ import annotations

import pytest

from entrakit.authority.clouds import CLOUDS, find_cloud
from entrakit.errors import ParameterError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("global", "global"),
        ("Global", "global"),
        ("USGov", "usgov"),
        ("USGovDOD", "usgov-dod"),
        ("usgov-dod", "usgov-dod"),
        ("China", "china"),
        ("AzureChinaCloud", "china"),
        ("AzureUSGovernment", "usgov"),
        ("BleuCloud", "bleu"),
        ("login.microsoftonline.us", "usgov"),
        ("https://login.microsoftonline.com/", "global"),
        ("https://LOGIN.chinacloudapi.cn", "china"),
    ],
)
def test_a_cloud_is_found_by_its_names_and_hosts(text: str, name: str) -> None:
    """
    The names of the original, of Azure PowerShell and of Azure CLI are known, in any case, and so are the hosts.
    """
    assert name == find_cloud(text).name


def test_an_unknown_host_keeps_the_global_resources() -> None:
    """
    Another authority's address changes the issuer of tokens, not their Graph.
    """
    cloud = find_cloud("https://Localhost:8443/")

    assert ("https://localhost:8443", "https://graph.microsoft.com") == (cloud.authority, cloud.graph)


def test_an_ipv6_address_keeps_its_brackets() -> None:
    """
    The literal address of a host is written in brackets in every address made from it (RFC 3986, 3.2.2).
    """
    assert "https://[::1]:8443" == find_cloud("https://[::1]:8443").authority


@pytest.mark.parametrize(
    "text",
    [
        "http://login.microsoftonline.com",
        "https://user:pass@login.microsoftonline.com",
        "https://login.microsoftonline.com/contoso.com",
        "https://login.microsoftonline.com?x=1",
        "https://host:notaport",
        "https://",
        "https://[::1",
        "https://evil host.com",
        "ftp://host.example",
        "mars",
        "",
    ],
)
def test_what_is_no_authority_is_refused(text: str) -> None:
    """
    Only an https origin can be an authority (checklist 14): credentials are not sent to others.
    """
    with pytest.raises(ParameterError):
        find_cloud(text)


def test_each_cloud_has_its_own_hosts() -> None:
    """
    A token of one cloud is useless in another, so no two share a Graph.
    """
    assert len(CLOUDS) == len({cloud.graph for cloud in CLOUDS})
