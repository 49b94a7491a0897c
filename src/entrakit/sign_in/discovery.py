"""The metadata of an authority (OpenID Connect Discovery 1.0), which is stored on disk for a day.

Its endpoints decide where credentials are sent. A document is used only if each of its endpoints is on the origin of
the authority, or on another host of the same cloud; this is checked for a stored document, too. Storing it saves the
request with which every sign-in would begin.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, NamedTuple

from entrakit.authority.tenants import is_guid
from entrakit.errors import UnexpectedAnswerError, VaultError
from entrakit.files.private import make_directory, read_file, write_file
from entrakit.http.address import Origin, path_of
from entrakit.http.failures import unavailable

if TYPE_CHECKING:
    from entrakit.authority.clouds import Cloud
    from entrakit.http.message import Response
    from entrakit.http.transport import Transport

KEPT_FOR_S = 24 * 3600.0
SCHEMA = 1
MAX_DOCUMENT = 256 * 1024
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "device_authorization_endpoint")


class Authority(NamedTuple):
    """A cloud and a tenant, with the metadata of their token service.

    Args:
        cloud: Cloud of the token service.
        tenant_id: The tenant as the caller named it.
        document: Text of the metadata.
        token_endpoint: Address at which grants are redeemed; also the audience of client assertions.
        issuer: Issuer of ID tokens; contains the literal `{tenantid}` if the authority serves many tenants.
        directory_id: Id of the tenant, even if the caller named a domain; empty if the authority serves many tenants.
        address: `https://host/tenant`.
    """

    cloud: Cloud
    tenant_id: str
    document: str
    token_endpoint: str
    issuer: str
    directory_id: str
    address: str


def offline(cloud: Cloud, tenant_id: str) -> Authority:
    """Return an authority without its metadata, for a way to sign in that sends no request to it.

    Args:
        cloud: Cloud of the token service.
        tenant_id: As for `discover`.
    """
    directory_id = tenant_id if is_guid(tenant_id) else ""
    return Authority(cloud, tenant_id, "", "", "", directory_id, f"{cloud.authority}/{tenant_id}")


def discover(cloud: Cloud, tenant_id: str, transport: Transport, *, directory: str | None) -> Authority:
    """Return the metadata of an authority; it is requested only if no document of the last day is stored.

    Args:
        cloud: Cloud of the token service.
        tenant_id: Tenant id, domain, or one of `organizations`, `common`, `consumers`.
        transport: Transport that sends the request.
        directory: Directory of the stored documents; None to store none.

    Raises:
        SignInError: The tenant does not exist (AADSTS90002), or the service refuses for another reason.
        UnexpectedAnswerError: The answer is not from a token service, or its document names other hosts.
        NetworkError: No answer arrived.
    """
    origin = Origin.parse(cloud.authority)
    host = origin.shown()
    path = _path(host, tenant_id, directory)
    now = transport.clock.time()
    stored = _load(path, now) if path else None
    if stored is not None:
        try:
            return _checked(stored, cloud, tenant_id, origin)
        except UnexpectedAnswerError:
            _forget(path)
    url = f"{cloud.authority}/{tenant_id}/v2.0/.well-known/openid-configuration"
    answer = transport.send("GET", url, headers={"Accept": "application/json"})
    text = _accepted(answer, cloud, tenant_id, origin)
    authority = _checked(text, cloud, tenant_id, origin)
    if path:
        _keep(path, text, now)
    return authority


def _accepted(answer: Response, cloud: Cloud, tenant_id: str, origin: Origin) -> str:
    if answer.status == 200:
        return answer.text
    try:
        body = json.loads(answer.text)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and "error" in body:
        from entrakit.sign_in.errors import error_from

        raise error_from(
            body, flow="discovery", tenant=tenant_id, client_id="", authority=cloud.authority, status=answer.status
        )
    if answer.status >= 500:
        raise unavailable(answer)
    raise _not_a_token_service(origin, f"HTTP {answer.status}")


def _checked(text: str, cloud: Cloud, tenant_id: str, origin: Origin) -> Authority:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _not_a_token_service(origin, "the answer is not JSON")
    trusted = [*origin.on_this_machine(), *map(Origin, cloud.aliases)]
    for name in ENDPOINTS:
        endpoint = document.get(name)
        if endpoint is None and name == "device_authorization_endpoint":
            continue
        if not isinstance(endpoint, str) or Origin.of(endpoint) not in trusted:
            raise _not_a_token_service(origin, f"its {name} is not on {origin.shown()}")
    endpoint, issuer = document["token_endpoint"], document.get("issuer")
    parts = path_of(endpoint).split("/")
    if len(parts) < 3 or not isinstance(issuer, str):
        raise _not_a_token_service(origin, "its document is incomplete")
    directory_id = parts[1].lower() if is_guid(parts[1]) else ""
    if directory_id not in ("", tenant_id) and is_guid(tenant_id):
        raise _not_a_token_service(origin, "its document belongs to another tenant")
    return Authority(cloud, tenant_id, text, endpoint, issuer, directory_id, f"{cloud.authority}/{tenant_id}")


def _not_a_token_service(origin: Origin, reason: str) -> UnexpectedAnswerError:
    host = origin.shown()
    return UnexpectedAnswerError(
        f"The server at {host} is not Microsoft Entra's token service: {reason}.",
        remedy="This network may require you to sign in first (captive portal), or a proxy answers for the service: "
        "open a page in a browser, then try again; check the cloud or address that you named.",
        host=host,
        retryable=False,
    )


def _path(host: str, tenant_id: str, directory: str | None) -> str:
    if not directory:
        return ""
    return os.path.join(directory, f"{host.replace(':', '_').strip('[]')}_{tenant_id}.json")


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
    except (ValueError, KeyError, TypeError, RecursionError):
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
    """Remove documents that are too old to be used, so that they do not accumulate."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.stat(follow_symlinks=False).st_mtime < before:
                _forget(entry.path)


def _forget(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
