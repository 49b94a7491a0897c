"""Hosts of managed identities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

from entrakit_emulator import faults, start

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

NAMES = {
    "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST"},
    "app_service": {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"},
    "container_apps": {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"},
    "service_fabric": {
        "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IDENTITY_API_VERSION",
    },
    "cloud_shell": {"MSI_ENDPOINT", "AZUREPS_HOST_ENVIRONMENT"},
    "azure_ml": {"MSI_ENDPOINT", "MSI_SECRET"},
}  # fmt: skip


@pytest.mark.parametrize("kind", NAMES)
def test_a_host_has_its_variables(caller: Caller, kind: str) -> None:
    """
    Each host gives the variables that programs know it by, the same ones at each call, on loopback.
    """
    first = caller.tenant.identity.variables(kind)

    assert NAMES[kind] == set(first)
    assert first == getattr(caller.tenant.identity, kind)() == caller.control("POST", "identity", {"host": kind}).json()
    scheme = "https" if kind == "service_fabric" else "http"
    assert next(iter(first.values())).startswith(f"{scheme}://127.0.0.1:")


def test_an_unknown_host_is_refused(caller: Caller) -> None:
    """
    The error lists the known hosts, also through the control plane.
    """
    with pytest.raises(ValueError, match="Unknown host 'moon'; known hosts: imds"):
        caller.tenant.identity.variables("moon")
    values: list[object] = [None, {"host": "moon"}, {"host": "imds", "more": 1}, []]
    for value in values:
        assert 400 == caller.control("POST", "identity", value).status_code


def test_a_directory_that_cannot_be_used_is_told(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The control plane names the directory of the agent that can't be created.
    """
    monkeypatch.setattr("entrakit_emulator.hosts.agent_directory", lambda: Path(caller.tenant.ca_path) / "tokens")

    response = caller.control("POST", "identity", {"host": "arc"})

    assert 400 == response.status_code
    assert caller.tenant.ca_path in response.json()["error"]


def test_a_host_has_no_other_addresses(caller: Caller) -> None:
    """
    Only the endpoint of the host is served there, for its own names; and not on the tenant's own port.
    """
    url = caller.tenant.identity.imds()["AZURE_POD_IDENTITY_AUTHORITY_HOST"]

    assert 404 == httpx2.get(f"{url}/v1.0/me", trust_env=False).status_code
    assert 421 == httpx2.get(url, headers={"Host": "attacker.example"}, trust_env=False).status_code
    assert 404 == caller.http.get("/metadata/identity/oauth2/token").status_code


def test_a_final_slash_is_accepted(caller: Caller) -> None:
    """
    A path with a slash at its end is the same endpoint.
    """
    url = caller.tenant.identity.imds()["AZURE_POD_IDENTITY_AUTHORITY_HOST"]

    response = httpx2.get(f"{url}/metadata/identity/oauth2/token/", trust_env=False)

    assert "Required metadata header not specified" == response.json()["error_description"]


def test_hosts_end_with_the_tenant(tmp_path: Path) -> None:
    """
    After `stop()` no host answers, and the files of Azure Arc are gone.
    """
    with start() as tenant:
        urls = [
            tenant.identity.imds()["AZURE_POD_IDENTITY_AUTHORITY_HOST"],
            tenant.identity.arc(directory=str(tmp_path / "tokens"))["IMDS_ENDPOINT"],
        ]
        path = "/metadata/identity/oauth2/token?api-version=2020-06-01&resource=https://graph.microsoft.com"
        answers = [httpx2.get(url + path, headers={"Metadata": "true"}, trust_env=False).status_code for url in urls]

    assert [200, 401] == answers
    assert not (tmp_path / "tokens").exists()
    for url in urls:
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(url, trust_env=False)


def test_faults_know_each_host() -> None:
    """
    Each host is an endpoint for faults and journal.
    """
    assert {*NAMES, "arc"} == set(faults.HOSTS) <= set(faults.ENDPOINTS)
