"""The hosts that give their programs the token of a managed identity, and the request that each of them expects.

| Host | Known by | Request | Ids |
|---|---|---|---|
| Service Fabric | those of App Service, `IDENTITY_SERVER_THUMBPRINT` | `Secret`, pinned TLS | none |
| App Service, Functions, Container Apps | `IDENTITY_ENDPOINT`, `IDENTITY_HEADER` | `X-IDENTITY-HEADER` | any |
| Azure Machine Learning | `MSI_ENDPOINT`, `MSI_SECRET` | `secret` | client id |
| Azure Arc | `IDENTITY_ENDPOINT`, `IMDS_ENDPOINT`, or its agent | content of a file | any |
| Cloud Shell | `MSI_ENDPOINT` | POST | none |
| virtual machine, AKS node | nothing, or `AZURE_POD_IDENTITY_AUTHORITY_HOST` | `Metadata` | any |

The first row whose variables are set decides; an empty variable is not set. Nothing here writes the environment.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from entrakit.errors import ParameterError
from entrakit.http.message import Request
from entrakit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("client_id", "object_id", "resource_id")
IMDS = "http://169.254.169.254"
TOKEN_PATH = "/metadata/identity/oauth2/token"
ARC_AGENT = "http://localhost:40342" + TOKEN_PATH
LINUX_AGENT = "/opt/azcmagent/bin/himds"
# Requests of these statuses are sent again, in addition to those that every service may answer.
IMDS_PASSES = frozenset({404, 410})
_NONE: Mapping[str, str] = MappingProxyType({})


class Identity(NamedTuple):
    """A managed identity: the one of the host, or one by its id.

    Args:
        kind: `client_id`, `object_id` or `resource_id`; empty for the identity of the host.
        id: The id; empty for the identity of the host.
    """

    kind: str = ""
    id: str = ""

    def __str__(self) -> str:
        return f"the identity with the {self.kind.replace('_', ' ')} {self.id}" if self.kind else "the managed identity"


class Host(NamedTuple):
    """A host with an endpoint for tokens.

    Args:
        name: Short name.
        title: Its name for messages.
        url: Address of the endpoint.
        version: Version of its API; empty for none.
        headers: Header fields of each request, secrets included.
        id_names: Query parameter of an id, by the kind of the id.
        version_of_claims: Version that accepts `xms_cc` and `token_sha256_to_refresh`; empty if none does.
        thumbprint: SHA-1 thumbprint of its certificate; empty if it has none, or one of a CA.
        is_probed: Whether the endpoint may be missing, so that a short request finds out.
        passes: Statuses after which the same request succeeds later.
        repairs: What to do if the identity does not exist.
    """

    name: str
    title: str
    url: str
    version: str
    headers: Mapping[str, str]
    id_names: Mapping[str, str] = _NONE
    version_of_claims: str = ""
    thumbprint: str = ""
    is_probed: bool = False
    passes: frozenset[int] = frozenset()
    repairs: str = "Assign a managed identity to it in the Azure portal, then try again."

    def __repr__(self) -> str:
        return f"Host({self.name!r})"

    def secrets(self) -> tuple[str, ...]:
        """Return the secrets in its header fields."""
        return tuple(value for name, value in self.headers.items() if name != "metadata")

    def check(self, identity: Identity) -> None:
        """Raise ParameterError if a program can't choose this identity on the host."""
        if not identity.kind or identity.kind in self.id_names:
            return
        if not self.id_names:
            raise ParameterError(
                f"On {self.title} a program can't choose the managed identity.",
                remedy="Use `managed_identity=True`, which takes the one of the host.",
            )
        known = " or ".join(f"`identity_type='{kind}'`" for kind in self.id_names)
        raise ParameterError(
            f"{self.title} does not accept `identity_type='{identity.kind}'`.",
            remedy=f"Give the id for {known}. The Azure portal shows all ids of an identity.",
        )

    def request(self, resource: str, identity: Identity, *, refused: str = "", is_capable: bool = False) -> Request:
        """Return the request for a token.

        Args:
            resource: The resource.
            identity: The identity, which `check` accepts.
            refused: Token that the resource has refused, which a host with a cache must not return; empty for none.
            is_capable: Whether the program handles claims challenges.
        """
        asked = {"resource": resource}
        if self.name == "cloud_shell":
            fields = {**self.headers, "content-type": "application/x-www-form-urlencoded"}
            return Request("POST", self.url, fields, urlencode(asked).encode())
        if identity.kind:
            asked[self.id_names[identity.kind]] = identity.id
        version = self.version
        if self.version_of_claims and (refused or is_capable):
            version = self.version_of_claims
            asked["xms_cc"] = "cp1"
            if refused:
                asked["token_sha256_to_refresh"] = sha256(refused.encode()).hexdigest()
        return Request("GET", f"{self.url}?{urlencode({'api-version': version, **asked})}", self.headers)


_ANY_ID = {"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"}


def find_host(environ: Mapping[str, str]) -> Host:
    """Return the host that this program runs on. Without a variable, it is assumed to be a virtual machine.

    Args:
        environ: Environment variables.
    """
    identity, msi = environ.get("IDENTITY_ENDPOINT", ""), environ.get("MSI_ENDPOINT", "")
    header, thumbprint = _secret("IDENTITY_HEADER", environ), environ.get("IDENTITY_SERVER_THUMBPRINT", "")
    if identity and header and thumbprint:
        return _service_fabric(identity, header, thumbprint)
    if identity and header:
        # Functions and Automation have the endpoint of App Service, too.
        title = "Container Apps" if environ.get("CONTAINER_APP_NAME") else "App Service"
        return Host(
            "app_service", title, identity, "2019-08-01", {"x-identity-header": header, "metadata": "true"},
            {**_ANY_ID, "resource_id": "mi_res_id"}, version_of_claims="2025-03-30",
            repairs="Assign a managed identity to the app (Identity, in the Azure portal), then start it again.",
        )  # fmt: skip
    secret = _secret("MSI_SECRET", environ)
    if msi and secret and not (identity and environ.get("IMDS_ENDPOINT")):
        ids = {"client_id": "clientid"}
        return Host(
            "machine_learning", "Azure Machine Learning", msi, "2017-09-01", {"secret": secret}, ids,
            repairs="Assign a managed identity to the compute in the Azure portal, then try again.",
        )  # fmt: skip
    arc = identity if environ.get("IMDS_ENDPOINT") else ""
    if arc or (not msi and _has_agent(environ)):
        return Host(
            "arc", "Azure Arc", arc or ARC_AGENT, "2020-06-01", {"metadata": "true"}, _ANY_ID,
            repairs="Connect the machine again: `azcmagent connect`.",
        )  # fmt: skip
    if msi:
        return Host("cloud_shell", "Cloud Shell", msi, "", {"metadata": "true"}, repairs="Open a new Cloud Shell.")
    pod = environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", "").strip().rstrip("/")
    return Host(
        "imds", "this machine", (pod or IMDS) + TOKEN_PATH, "2018-02-01", {"metadata": "true"}, _ANY_ID,
        is_probed=not pod, passes=IMDS_PASSES,
    )  # fmt: skip


def probe_of(host: Host) -> Request:
    """Return the request that finds out whether an endpoint exists: without `Metadata`, so that it is refused."""
    return Request("GET", host.url)


def _secret(name: str, environ: Mapping[str, str]) -> str:
    """Return the value of a variable, which other programs then do not inherit; empty if it has none."""
    return Secret.from_env(name, environ).reveal() if environ.get(name) else ""


def _service_fabric(url: str, header: str, thumbprint: str) -> Host:
    pinned = thumbprint.replace(":", "").replace(" ", "").lower()
    if len(pinned) != 40 or not set(pinned) <= set("0123456789abcdef") or not url.lower().startswith("https://"):
        raise ParameterError(
            "IDENTITY_SERVER_THUMBPRINT must be a SHA-1 thumbprint, and IDENTITY_ENDPOINT an https address.",
            remedy="Service Fabric sets both variables for its programs; do not set or change them.",
        )
    return Host(
        "service_fabric", "Service Fabric", url, "2019-07-01-preview", {"secret": header},
        version_of_claims="2019-07-01-preview", thumbprint=pinned,
        repairs="Assign a managed identity to the application in its template, and deploy it again.",
    )  # fmt: skip


def _has_agent(environ: Mapping[str, str]) -> bool:
    """Return whether the agent of Azure Arc is installed; it sets variables for the programs that it starts only."""
    if sys.platform == "win32":
        program = environ.get("ProgramFiles", "C:\\Program Files") + "\\AzureConnectedMachineAgent\\himds.exe"
        return os.path.isfile(program)
    return os.path.isfile(LINUX_AGENT)
