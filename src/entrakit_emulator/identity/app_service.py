"""App Service, Functions and Container Apps, and Azure Machine Learning, which has the older api-version only."""

from __future__ import annotations

import datetime
import hmac
import secrets
from typing import TYPE_CHECKING

from entrakit_emulator.identity import assigned
from entrakit_emulator.identity.refusals import HostError
from entrakit_emulator.identity.tokens import token_of
from entrakit_emulator.sts.errors import ServiceError, note

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App

OLD = "2017-09-01"
VERSIONS = ("2019-08-01", "2025-03-30")
SELECTORS = {
    "client_id": assigned.CLIENT_ID, "object_id": assigned.OBJECT_ID, "principal_id": assigned.OBJECT_ID,
    "mi_res_id": assigned.RESOURCE_ID,
}  # fmt: skip
OLD_SELECTORS = {"clientid": assigned.CLIENT_ID}


class AppService:
    """The endpoint of an app in App Service, or of a container app.

    Args:
        kind: `app_service` or `container_apps`; only the first one has the older api-version, too.
    """

    path = "/msi/token"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._header = secrets.token_hex(16).upper()

    def variables(self, origin: str) -> dict[str, str]:
        """Return the variables of an app; App Service also has those of the older api-version."""
        url = f"{origin}{self.path}"
        new = {"IDENTITY_ENDPOINT": url, "IDENTITY_HEADER": self._header}
        old = {"MSI_ENDPOINT": url, "MSI_SECRET": self._header}
        return new | (old if self.kind == "app_service" else {})

    def answer(self, exchange: Exchange) -> Response:
        """Answer a token request.

        Raises:
            HostError: The request is refused.
        """
        version = exchange.query.get("api-version", "")
        is_old = version == OLD and self.kind == "app_service"
        _check(exchange, "secret" if is_old else "x-identity-header", self._header)
        if version not in VERSIONS and not is_old:
            raise HostError(400, "UnsupportedApiVersion", f"The api-version '{version}' is not supported.")
        refused = exchange.query.get("token_sha256_to_refresh", "") if version == VERSIONS[-1] else ""
        return _answer(exchange, OLD_SELECTORS if is_old else SELECTORS, refused=refused, is_dated=is_old)


class AzureMl:
    """The endpoint of a compute instance or cluster of Azure Machine Learning.

    Args:
        is_dated: Whether `expires_on` is a date, and not a Unix time.
    """

    kind = "azure_ml"
    path = "/MSI/auth"

    def __init__(self, *, is_dated: bool) -> None:
        self._is_dated = is_dated
        self._secret = secrets.token_hex(16)

    def variables(self, origin: str) -> dict[str, str]:
        """Return the variables of a compute instance."""
        return {"MSI_ENDPOINT": f"{origin}{self.path}", "MSI_SECRET": self._secret}

    def answer(self, exchange: Exchange) -> Response:
        """Answer a token request.

        Raises:
            HostError: The request is refused.
        """
        _check(exchange, "secret", self._secret)
        if exchange.query.get("api-version") != OLD:
            raise HostError(400, "UnsupportedApiVersion", f"Only the api-version '{OLD}' is supported.")
        return _answer(exchange, OLD_SELECTORS, is_dated=self._is_dated)


def _check(exchange: Exchange, header: str, secret: str) -> None:
    if exchange.method != "GET":
        raise HostError(405, "MethodNotAllowed", f"The method {exchange.method} is not allowed.", {"allow": "GET"})
    if not hmac.compare_digest(exchange.headers.get(header, "").encode(), secret.encode()):
        raise HostError(401, "Unauthorized", "Unauthorized")


def _answer(exchange: Exchange, selectors: dict[str, str], *, is_dated: bool, refused: str = "") -> Response:
    if "resource" not in exchange.query:
        raise HostError(400, "BadRequest", "The parameter 'resource' is required.")
    app = _identity(exchange, selectors)
    try:
        token = token_of(exchange, app, exchange.query["resource"], refused=refused)
    except ServiceError as error:
        note(exchange, error)
        raise HostError(500, error.error, "An unexpected error occured while fetching the AAD Token.") from error
    at = datetime.datetime.fromtimestamp(token.expires_on, datetime.UTC)
    return exchange.json(
        {
            "access_token": token.access_token,
            "expires_on": at.strftime("%m/%d/%Y %H:%M:%S +00:00") if is_dated else str(token.expires_on),
            "resource": token.resource,
            "token_type": "Bearer",
            "client_id": app.client_id,
        }
    )


def _identity(exchange: Exchange, selectors: dict[str, str]) -> App:
    try:
        app = assigned.selected(exchange, selectors, list(assigned.all_of(exchange.world)))
    except LookupError as error:
        raise HostError(
            400, "BadRequest",
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
        ) from error  # fmt: skip
    app = app or assigned.system_assigned(exchange.world)
    if app is None:
        raise HostError(400, "BadRequest", "Unable to load the proper Managed Identity.")
    return app
