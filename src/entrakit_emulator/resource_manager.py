"""Azure Resource Manager, as far as Azure CLI reads it to sign in: the cloud, the tenants and the subscriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.bearer import BearerError, Flaw, claims_of
from entrakit_emulator.contoso import MANAGEMENT, SUBSCRIPTION
from entrakit_emulator.exchange import NotImplementedHereError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange

WRONG_AUDIENCE = (
    "The access token has been obtained for wrong audience or resource. It should exactly match with one of the "
    "allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net',"
    "'https://management.azure.com/','https://management.azure.com'."
)
MESSAGES = {
    Flaw.MISSING: ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."),
    Flaw.EXPIRED: ("ExpiredAuthenticationToken", "The access token is expired."),
    Flaw.AUDIENCE: ("InvalidAuthenticationTokenAudience", WRONG_AUDIENCE),
}


class ArmError(Exception):
    """An error of Azure Resource Manager.

    Args:
        status: HTTP status.
        code: Error code.
        message: Message.
        headers: Additional headers.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        super().__init__(code)


def error_response(exchange: Exchange, error: ArmError) -> Response:
    """Return the answer for an error, and record the error."""
    exchange.error = error.code
    return exchange.json({"error": {"code": error.code, "message": error.message}}, error.status, error.headers)


def endpoints(exchange: Exchange) -> Response:
    """Answer `/metadata/endpoints`, which needs no token: the tenant as a cloud."""
    origin = exchange.world.origin
    audiences = list(exchange.world.apps[MANAGEMENT].identifier_uris)
    cloud: dict[str, object] = {
        "name": "EntraEmulator",
        "resourceManager": origin,
        "authentication": {
            "loginEndpoint": origin,
            "audiences": audiences,
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": "https://graph.microsoft.com/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "suffixes": {},
    }
    # These versions list all clouds, others describe the cloud of the requested host.
    is_list = "2019-05-01" <= exchange.query.get("api-version", "") < "2022-09-01"
    return exchange.json([cloud] if is_list else cloud)


def tenants(exchange: Exchange) -> Response:
    """Answer `/tenants`: the tenant of the caller."""
    return _answer(exchange, _tenant)


def subscriptions(exchange: Exchange) -> Response:
    """Answer `/subscriptions`: the seeded subscription, whatever roles the caller has."""
    return _answer(exchange, _subscription)


def absent(exchange: Exchange) -> Response:
    """Refuse the rest of the API by name."""
    missing = NotImplementedHereError(f"Azure Resource Manager's {exchange.method} {exchange.path}")
    message = str(missing.body()["error_description"])
    response = error_response(exchange, ArmError(501, "NotImplemented", message))
    exchange.error = "emulator_not_implemented"
    return response


def _answer(exchange: Exchange, row: Callable[[Exchange, str], dict[str, object]]) -> Response:
    try:
        tenant_id = _caller(exchange)
        if exchange.method != "GET":
            raise ArmError(405, "MethodNotAllowed", "The requested resource does not support this method.")
        if "api-version" not in exchange.query:
            raise ArmError(
                400, "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )  # fmt: skip
    except ArmError as error:
        return error_response(exchange, error)
    return exchange.json({"value": [row(exchange, tenant_id)], "count": {"type": "Total", "value": 1}})


def _caller(exchange: Exchange) -> str:
    """Return the tenant id of the caller."""
    uris = {uri.rstrip("/") for uri in exchange.world.apps[MANAGEMENT].identifier_uris} | {MANAGEMENT}
    try:
        claims = claims_of(exchange, lambda audience: audience.rstrip("/") in uris)
    except BearerError as error:
        code, message = MESSAGES.get(error.flaw, ("InvalidAuthenticationToken", "The access token is invalid."))
        challenge = (
            f'Bearer authorization_uri="{exchange.world.origin}/common", error="invalid_token", '
            f'error_description="{message}"'
        )
        raise ArmError(401, code, message, {"www-authenticate": challenge}) from error
    return str(claims["tid"])


def _tenant(exchange: Exchange, tenant_id: str) -> dict[str, object]:
    directory = exchange.world.tenants[tenant_id]
    return {
        "id": f"/tenants/{tenant_id}",
        "tenantId": tenant_id,
        "countryCode": "IE",
        "displayName": directory.name,
        "domains": list(directory.domains),
        "tenantCategory": "Home",
        "defaultDomain": directory.domains[0],
        "tenantType": "AAD",
    }


def _subscription(exchange: Exchange, tenant_id: str) -> dict[str, object]:
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": SUBSCRIPTION,
        "tenantId": tenant_id,
        "displayName": exchange.world.tenants[tenant_id].name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }
