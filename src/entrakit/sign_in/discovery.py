"""What an authority says of itself (OpenID Connect Discovery 1.0), kept on disk for a day.

Its endpoints decide where credentials go, so a document, fetched or kept, counts only while each endpoint that it
names is `https` on the authority's own host. Keeping it saves the one request that every sign-in would begin with.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import NamedTuple

from entrakit.authority.tenants import is_guid
from entrakit.errors import UnexpectedAnswerError, VaultError
from entrakit.files.private import make_directory, read_file, write_file
from entrakit.http.failures import host_of
from entrakit.http.transport import unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.authority.clouds import Cloud
    from entrakit.http.transport import HttpAnswer, Transport

KEPT_FOR_S = 24 * 3600.0
SCHEMA = 1
MAX_DOCUMENT = 256 * 1024
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint")


class Authority(NamedTuple):
    """A cloud and a tenant, and what their token service says of itself.

    Args:
        cloud: Where the token service is.
        tenant_id: The tenant as it was asked for.
        document: The discovery document's text.
        token_endpoint: Where grants are redeemed; also the audience of client assertions.
        issuer: Who signs ID tokens; holds the literal `{tenantid}` where many tenants are meant.
    """

    cloud: Cloud
    tenant_id: str
    document: str
    token_endpoint: str
    issuer: str

    @property
    def address(self) -> str:
        """`https://host/tenant`."""
        return f"{self.cloud.authority}/{self.tenant_id}"

    @property
    def directory_id(self) -> str:
        """The tenant's id, also where a domain was asked for; empty where many tenants are meant."""
        tenant = self.token_endpoint.partition("://")[2].split("/")[1]
        return tenant.lower() if is_guid(tenant) else ""


def discover(cloud: Cloud, tenant_id: str, transport: Transport, *, directory: str | None) -> Authority:
    """Return what the authority says of itself, asking it only if that was not done within the last day.

    Args:
        cloud: Where the token service is.
        tenant_id: Tenant id, domain, or one of `organizations`, `common`, `consumers`.
        transport: What sends.
        directory: Where documents are kept; None to keep none.

    Raises:
        SignInError: There is no such tenant (AADSTS90002), or the service says no otherwise.
        UnexpectedAnswerError: What answers is no token service, or its document points elsewhere.
        NetworkError: No answer.
    """
    path = _path(cloud, tenant_id, directory)
    now = transport.clock.time()
    kept = _load(path, now) if path else None
    if kept is not None:
        try:
            return _checked(kept, cloud, tenant_id)
        except UnexpectedAnswerError:
            _forget(path)
    url = f"{cloud.authority}/{tenant_id}/v2.0/.well-known/openid-configuration"
    answer = transport.send("GET", url, headers={"Accept": "application/json"})
    text = _accepted(answer, cloud, tenant_id)
    authority = _checked(text, cloud, tenant_id)
    if path:
        _keep(path, text, now)
    return authority


def _accepted(answer: HttpAnswer, cloud: Cloud, tenant_id: str) -> str:
    host = host_of(cloud.authority)
    if answer.status == 200:
        return answer.text
    try:
        body = json.loads(answer.text)
    except ValueError:
        body = None
    if isinstance(body, dict) and "error" in body:
        from entrakit.sign_in.errors import error_from

        raise error_from(
            body, flow="discovery", tenant=tenant_id, client_id="", authority=cloud.authority, status=answer.status
        )
    if answer.status >= 500:
        raise unavailable(answer, host=host)
    raise _not_a_token_service(host, f"HTTP {answer.status}")


def _checked(text: str, cloud: Cloud, tenant_id: str) -> Authority:
    host = host_of(cloud.authority)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _not_a_token_service(host, "the answer is not JSON")
    allowed = {_machine(host), *cloud.aliases}
    for name in ENDPOINTS:
        endpoint = document.get(name)
        if endpoint is None and name == "device_authorization_endpoint":
            continue
        address = endpoint if isinstance(endpoint, str) else ""
        if not address.startswith("https://") or _machine(host_of(address)) not in allowed:
            raise _not_a_token_service(host, f"its {name} is not on {host}")
    endpoint, issuer = document["token_endpoint"], document.get("issuer")
    if endpoint.count("/") < 4 or not isinstance(issuer, str):
        raise _not_a_token_service(host, "its document is incomplete")
    authority = Authority(cloud, tenant_id, text, endpoint, issuer)
    if is_guid(tenant_id) and authority.directory_id not in ("", tenant_id):
        raise _not_a_token_service(host, "its document is another tenant's")
    return authority


def _machine(host: str) -> str:
    """Return a host with the names of the loopback interface made one."""
    for name in ("127.0.0.1", "[::1]"):
        if host == name or host.startswith(f"{name}:"):
            return f"localhost{host.removeprefix(name)}"
    return host


def _not_a_token_service(host: str, reason: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(
        f"What answers at {host} is not Microsoft Entra's token service: {reason}.",
        remedy="This network may want you to sign in first (captive portal), or a proxy answers instead: "
        "open a page in a browser, then try again; check the cloud or address that you named.",
        host=host,
        retryable=False,
    )


def _path(cloud: Cloud, tenant_id: str, directory: str | None) -> str:
    if not directory:
        return ""
    host = host_of(cloud.authority).replace(":", "_").strip("[]")
    return os.path.join(directory, f"{host}_{tenant_id}.json")


def _load(path: str, now: float) -> str | None:
    """Return the document of a saved file that is private and of the last day; else None."""
    try:
        data = read_file(path)
    except VaultError:
        return None
    if data is None or len(data) > MAX_DOCUMENT:
        return None
    try:
        saved = json.loads(data)
        fresh = saved["schema"] == SCHEMA and 0 <= now - saved["fetched_at"] < KEPT_FOR_S
        document = saved["document"]
    except (ValueError, KeyError, TypeError):
        return None
    return document if fresh and isinstance(document, str) else None


def _keep(path: str, document: str, now: float) -> None:
    """Save a document; if the disk refuses, later processes send one request more."""
    text = json.dumps({"schema": SCHEMA, "fetched_at": now, "document": document})
    directory = os.path.dirname(path)
    with contextlib.suppress(OSError, VaultError):
        make_directory(os.path.dirname(directory))
        make_directory(directory)
        write_file(path, text.encode("ascii"), is_durable=False)
        _sweep(directory, now - KEPT_FOR_S)


def _sweep(directory: str, before: float) -> None:
    """Remove documents that nobody would use any more, so that many authorities leave no heap behind."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.stat(follow_symlinks=False).st_mtime < before:
                _forget(entry.path)


def _forget(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
