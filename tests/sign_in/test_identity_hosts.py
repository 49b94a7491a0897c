"""Which host a program runs on, and the request of each."""

from __future__ import annotations

import pytest

from entrakit.errors import ParameterError
from entrakit.sign_in.identity_hosts import Identity, find_host, probe_of

URL = "http://127.0.0.1:1/token"
IDENTITY = {"IDENTITY_ENDPOINT": URL, "IDENTITY_HEADER": "h"}
MSI = {"MSI_ENDPOINT": URL, "MSI_SECRET": "s"}
APPS = {"CONTAINER_APP_NAME": "one"}
FABRIC = {"IDENTITY_ENDPOINT": "https://10.0.0.4:2377/token", "IDENTITY_HEADER": "h"}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "imds"),
        ({"IDENTITY_ENDPOINT": URL}, "imds"),
        ({"IDENTITY_HEADER": "h", "MSI_SECRET": "s", "IMDS_ENDPOINT": URL}, "imds"),
        (IDENTITY, "app_service"),
        # App Service also sets the variables of its older API.
        (IDENTITY | MSI, "app_service"),
        (FABRIC | {"IDENTITY_SERVER_THUMBPRINT": "aB" * 20}, "service_fabric"),
        ({"IDENTITY_ENDPOINT": URL, "IMDS_ENDPOINT": URL}, "arc"),
        ({"IDENTITY_ENDPOINT": URL, "IMDS_ENDPOINT": URL} | MSI, "arc"),
        (MSI, "machine_learning"),
        ({"MSI_ENDPOINT": URL}, "cloud_shell"),
        ({"MSI_ENDPOINT": URL, "MSI_SECRET": ""}, "cloud_shell"),
        ({"IDENTITY_ENDPOINT": "", "IDENTITY_HEADER": "h"}, "imds"),
        (IDENTITY | {"IDENTITY_SERVER_THUMBPRINT": ""}, "app_service"),
    ],
)
def test_the_variables_decide(environ: dict[str, str], name: str) -> None:
    """
    The first host whose variables are set is the one; an empty variable is not set.
    """
    assert name == find_host(environ).name


def test_container_apps_have_their_own_name() -> None:
    """
    Their endpoint is that of App Service; messages name the right host.
    """
    assert ["Container Apps", "App Service"] == [find_host(IDENTITY | more).title for more in (APPS, {})]


@pytest.mark.parametrize(
    ("environ", "url", "is_probed"),
    [
        ({}, "http://169.254.169.254/metadata/identity/oauth2/token", True),
        ({"AZURE_POD_IDENTITY_AUTHORITY_HOST": " "}, "http://169.254.169.254/metadata/identity/oauth2/token", True),
        (
            {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:8000/"},
            "http://127.0.0.1:8000/metadata/identity/oauth2/token",
            False,
        ),
    ],
)
def test_the_endpoint_of_a_virtual_machine(environ: dict[str, str], url: str, is_probed: bool) -> None:
    """
    It has a fixed address, which is probed; a variable replaces its origin.
    """
    host = find_host(environ)

    assert (url, is_probed) == (host.url, host.is_probed)
    assert {} == probe_of(host).headers


def test_a_thumbprint_is_checked_before_it_is_used() -> None:
    """
    A variable that is not a thumbprint, or an address without TLS, would make every certificate count.
    """
    for environ in (
        FABRIC | {"IDENTITY_SERVER_THUMBPRINT": "ab" * 19},
        FABRIC | {"IDENTITY_SERVER_THUMBPRINT": "zz" * 20},
        IDENTITY | {"IDENTITY_SERVER_THUMBPRINT": "ab" * 20},
    ):
        with pytest.raises(ParameterError, match="SHA-1 thumbprint"):
            find_host(environ)
    assert "ab" * 20 == find_host(FABRIC | {"IDENTITY_SERVER_THUMBPRINT": " ".join(["AB"] * 20)}).thumbprint


def test_ids_and_resources_are_escaped() -> None:
    """
    No id or resource adds a parameter to the address, or ends it.
    """
    identity = Identity("resource_id", "/subscriptions/s/a b&resource=x#y%20é")

    request = find_host({}).request("api://a?b&c", identity)

    assert request.url.endswith(
        "?api-version=2018-02-01&resource=api%3A%2F%2Fa%3Fb%26c"
        "&msi_res_id=%2Fsubscriptions%2Fs%2Fa+b%26resource%3Dx%23y%2520%C3%A9"
    )


def test_secrets_are_not_shown() -> None:
    """
    The secrets of a host are not in its `repr`, and known for messages that repeat them.
    """
    host = find_host(IDENTITY | {"IDENTITY_HEADER": "canary"})

    assert "canary" not in repr(host)
    assert ("canary",) == host.secrets()
