"""The tenant and the app of a request."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from entrakit_emulator.sts.errors import ServiceError

if TYPE_CHECKING:
    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App, Directory

MULTI = ("common", "organizations")
CONSUMERS = ("consumers", "9188040d-6c67-4c5b-b112-36a304b66dad")
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)


def directory_of(exchange: Exchange, *, unknown: str = "") -> Directory | None:
    """Return the tenant in the path; None for `common`, `organizations` and `consumers`.

    Args:
        exchange: The request.
        unknown: OAuth error for an unknown tenant, if not that of the token endpoint.

    Raises:
        ServiceError: The tenant is unknown (90002), or the name can't be a tenant's (900023).
    """
    name = exchange.tenant
    if name.lower() in (*MULTI, *CONSUMERS):
        return None
    directory = exchange.world.find_directory(name)
    if directory is not None:
        return directory
    if is_guid(name) or _DOMAIN.fullmatch(name):
        raise ServiceError(90002, error=unknown, tenant=name)
    raise ServiceError(900023, error=unknown, tenant=name)


def served(directory: Directory | None, *, is_confidential: bool = False) -> None:
    """Check that a tenant belongs to this cloud.

    Raises:
        ServiceError: The tenant belongs to another cloud (90038; 900382 for a confidential client).
    """
    if directory is not None and directory.cloud != "global":
        raise ServiceError(900382 if is_confidential else 90038, tenant=directory.tenant_id, cloud=directory.cloud)


def app_of(exchange: Exchange, directory: Directory | None, client_id: str) -> App:
    """Return the app with a client id, if the tenant knows it.

    Raises:
        ServiceError: The client id is malformed (700038), the app is unknown (700016) or disabled (7000112), or the
            path does not fit the app (50194, 9002332).
    """
    lowered = client_id.lower()
    if not is_guid(lowered) or uuid.UUID(lowered).int == 0:
        raise ServiceError(700038, app=client_id)
    app = exchange.world.apps.get(lowered)
    foreign = app is not None and directory is not None and app.tenant_id != directory.tenant_id
    if app is None or (foreign and not app.is_multi_tenant):
        raise ServiceError(700016, app=client_id, tenant=directory.name if directory else exchange.tenant)
    if not app.is_enabled:
        raise ServiceError(7000112, app=client_id, name=app.name)
    if exchange.tenant.lower() in CONSUMERS:
        raise ServiceError(9002332, app=client_id, name=app.name)
    if directory is None and not app.is_multi_tenant:
        raise ServiceError(50194, app=client_id, name=app.name)
    return app


def is_guid(text: str) -> bool:
    """Return whether a string is a GUID in its usual form."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text, re.IGNORECASE) is not None
