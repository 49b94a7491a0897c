"""A program on a host of managed identities, which implements each protocol without code of any library."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.emulator.conftest import Caller

GRAPH = "https://graph.microsoft.com"
NAMES = {
    "imds": "AZURE_POD_IDENTITY_AUTHORITY_HOST", "cloud_shell": "MSI_ENDPOINT", "azure_ml": "MSI_ENDPOINT",
}  # fmt: skip


class Program:
    """A program on a host.

    Args:
        kind: Kind of the host.
        variables: Variables of the host.
    """

    def __init__(self, kind: str, variables: Mapping[str, str]) -> None:
        self.kind = kind
        self.variables = variables
        self.url = variables[NAMES.get(kind, "IDENTITY_ENDPOINT")]
        if kind == "imds":
            self.url += "/metadata/identity/oauth2/token"
        # The thumbprint of Service Fabric's certificate takes the place of a certificate authority.
        unverified = ssl.create_default_context()
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        self.http = httpx2.Client(verify=unverified, trust_env=False)

    def ask(self, method: str = "", headers: Mapping[str, str] | None = None, /, **changes: str) -> httpx2.Response:
        """Send a token request for Graph.

        Args:
            method: HTTP method; empty for that of the host.
            headers: Headers that replace those of the host.
            changes: Parameters, with `_` for `-` in `api_version`; a parameter changed to "" is left out.
        """
        version = {
            "imds": "2018-02-01", "arc": "2020-06-01", "service_fabric": "2019-07-01-preview", "azure_ml": "2017-09-01"
        }.get(self.kind, "2019-08-01")  # fmt: skip
        given = {"api-version": version, "resource": GRAPH}
        given |= {name.replace("api_version", "api-version"): value for name, value in changes.items()}
        given = {name: value for name, value in given.items() if value}
        sent = self._headers() if headers is None else dict(headers)
        if self.kind == "cloud_shell":
            return self.http.request(method or "POST", self.url, data={"resource": given["resource"]}, headers=sent)
        return self.http.request(method or "GET", self.url, params=given, headers=sent)

    def answered(self, **changes: str) -> dict[str, Any]:
        """Return the body of an answer, which has to be 200. Azure Arc's challenge is met."""
        response = self.ask(**changes)
        if self.kind == "arc" and response.status_code == 401:
            response = self.ask("", self._headers() | {"Authorization": f"Basic {secret_in(response)}"}, **changes)
        assert 200 == response.status_code, response.text
        body: dict[str, Any] = response.json()
        return body

    def _headers(self) -> dict[str, str]:
        secret = self.variables.get("IDENTITY_HEADER") or self.variables.get("MSI_SECRET", "")
        name = {
            "app_service": "X-IDENTITY-HEADER", "container_apps": "X-IDENTITY-HEADER", "azure_ml": "secret",
            "service_fabric": "Secret",
        }.get(self.kind)  # fmt: skip
        return {name: secret} if name else {"Metadata": "true"}


def challenged_file(response: httpx2.Response) -> str:
    """Return the path of the file in a challenge of Azure Arc."""
    scheme, _, path = response.headers["www-authenticate"].partition(" realm=")
    assert "Basic" == scheme
    return path


def secret_in(response: httpx2.Response) -> str:
    """Return the content of the file in a challenge of Azure Arc."""
    with open(challenged_file(response), encoding="ascii") as file:
        return file.read()


@pytest.fixture
def on(caller: Caller, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Return a function that starts a host, and returns a program on it."""
    programs = []

    def start(kind: str, **arguments: object) -> Program:
        if kind == "arc":
            arguments = {"directory": str(tmp_path / "tokens")} | arguments
        program = Program(kind, getattr(caller.tenant.identity, kind)(**arguments))
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.http.close()
