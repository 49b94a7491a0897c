"""Service Fabric. The cluster decides which identity an application has; the server's certificate is pinned."""

from __future__ import annotations

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

VERSION = "2019-07-01-preview"


class ServiceFabric:
    """The endpoint of a node.

    Args:
        thumbprint: SHA-1 thumbprint of the server's certificate.
    """

    kind = "service_fabric"
    path = "/metadata/identity/oauth2/token"

    def __init__(self, thumbprint: str) -> None:
        self._thumbprint = thumbprint
        self._secret = secrets.token_hex(16)

    def variables(self, origin: str) -> dict[str, str]:
        """Return the variables of an application."""
        return {
            "IDENTITY_ENDPOINT": f"{origin}{self.path}",
            "IDENTITY_HEADER": self._secret,
            "IDENTITY_SERVER_THUMBPRINT": self._thumbprint,
            "IDENTITY_API_VERSION": VERSION,
        }

    def answer(self, exchange: Exchange) -> Response:
        """Answer a token request.

        Raises:
            HostError: The request is refused.
        """
        if exchange.method != "GET":
            raise HostError(405, "MethodNotAllowed", f"The method {exchange.method} is not allowed.", {"allow": "GET"})
        app = self._identity(exchange)
        version = exchange.query.get("api-version", "")
        if version != VERSION:
            raise HostError(
                400, "InvalidApiVersion",
                f"The api-version '{version}' is not supported. Supported version is '{VERSION}'.",
            )  # fmt: skip
        if "resource" not in exchange.query:
            raise HostError(400, "ArgumentNullOrEmpty", "The parameter 'resource' should not be null or empty string.")
        refused = exchange.query.get("token_sha256_to_refresh", "")
        try:
            token = token_of(exchange, app, exchange.query["resource"], refused=refused)
        except ServiceError as error:
            note(exchange, error)
            raise HostError(500, "InternalServerError", "An error occurred.") from error
        return exchange.json(
            {
                "token_type": "Bearer",
                "access_token": token.access_token,
                "expires_on": token.expires_on,
                "resource": token.resource,
            }
        )

    def _identity(self, exchange: Exchange) -> App:
        secret = exchange.headers.get("secret", "")
        if not secret:
            raise HostError(400, "SecretHeaderNotFound", "Secret is not found in the request headers.")
        world = exchange.world
        app = assigned.system_assigned(world) or next(iter(assigned.user_assigned(world)), None)
        if app is None or not hmac.compare_digest(secret.encode(), self._secret.encode()):
            raise HostError(
                404, "ManagedIdentityNotFound", "Managed identity not found for the specified application host."
            )
        return app
