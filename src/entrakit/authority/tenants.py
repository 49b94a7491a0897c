"""Client ids and tenant ids: input of the user, checked once."""

from __future__ import annotations

import re

from entrakit.errors import ParameterError

WELL_KNOWN_CLIENTS = {
    "graph": "14d82eec-204b-4c2f-b7e8-296a70dab67e",  # Microsoft Graph Command Line Tools
    "azure": "1950a258-227b-4e31-a9cf-717495945fc2",  # Azure PowerShell
}

MANY_TENANTS = ("organizations", "common", "consumers")

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)


def is_guid(text: str) -> bool:
    """Return whether the text is a GUID in its 36-character form, in any case."""
    return _GUID.fullmatch(text.lower()) is not None


def parse_client_id(text: str) -> str:
    """Return the client id, in lower case.

    Args:
        text: A GUID, or the label of a well-known public client, `Graph` or `Azure`, in any case.

    Raises:
        ParameterError: The text is neither a GUID nor one of the labels.
    """
    client_id = _text(text, "client_id").strip().strip("{}").lower()
    client_id = WELL_KNOWN_CLIENTS.get(client_id, client_id)
    if not is_guid(client_id):
        raise ParameterError(
            f"The client id {text!r} is neither a GUID nor one of the labels Graph and Azure.",
            remedy="Copy the application (client) id from the app registration's overview page.",
        )
    return client_id


def parse_tenant_id(text: str) -> str:
    """Return the tenant, in lower case.

    Args:
        text: A GUID, a verified domain, or one of `organizations`, `common` and `consumers`.

    Raises:
        ParameterError: The text is not a tenant.
    """
    tenant = _text(text, "tenant_id").strip().strip("{}").lower()
    if tenant.isascii() and (tenant in MANY_TENANTS or is_guid(tenant) or _is_domain(tenant)):
        return tenant
    raise ParameterError(
        f"The tenant id {text!r} is neither a GUID nor a domain name.",
        remedy="Copy the directory (tenant) id from the tenant's overview page, or give its domain, "
        "such as contoso.onmicrosoft.com.",
    )


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{name} is missing or not a string.")
    return value


def _is_domain(text: str) -> bool:
    return len(text) <= 253 and _DOMAIN.fullmatch(text) is not None
