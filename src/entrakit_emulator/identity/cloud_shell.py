"""Azure Cloud Shell, whose tokens belong to the user who signed in to the portal."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from entrakit_emulator.contoso import AZURE_CLI, USERS
from entrakit_emulator.identity.refusals import HostError
from entrakit_emulator.identity.tokens import host_token
from entrakit_emulator.state.tickets import Subject
from entrakit_emulator.sts import scopes, token_response
from entrakit_emulator.sts.errors import ServiceError, note

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange


class CloudShell:
    """The endpoint of a session of the seeded user `normal`."""

    kind = "cloud_shell"
    path = "/oauth2/token"

    def variables(self, origin: str) -> dict[str, str]:
        """Return the variables of a session."""
        return {"MSI_ENDPOINT": f"{origin}{self.path}", "AZUREPS_HOST_ENVIRONMENT": "cloud-shell/1.0"}

    def answer(self, exchange: Exchange) -> Response:
        """Answer a token request.

        Raises:
            HostError: The request is refused.
        """
        if exchange.headers.get("metadata") != "true":
            raise HostError(400, "BadRequest", "Required metadata header not specified")
        resource = exchange.form.get("resource") or exchange.query.get("resource", "")
        try:
            answer = self._answer(exchange, resource)
        except ServiceError as error:
            note(exchange, error)
            known = (uri for app in exchange.world.apps.values() for uri in app.identifier_uris)
            raise HostError(
                400, "AudienceNotSupported",
                f"Audience {resource} is not a supported MSI token audience. Supported audiences: {','.join(known)}",
            ) from error  # fmt: skip
        token = host_token(exchange, answer, resource)
        return exchange.json(
            {
                "access_token": token.access_token,
                "refresh_token": "",
                "expires_in": str(token.expires_on - token.issued_at),
                "expires_on": str(token.expires_on),
                "not_before": str(token.issued_at - 300),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    def _answer(self, exchange: Exchange, resource: str) -> dict[str, object]:
        """Return the answer of the token service to Azure CLI, which is the client in Cloud Shell."""
        world = exchange.world
        app, user = world.apps[AZURE_CLI], world.users[USERS.normal.object_id]
        if len(resource.split()) != 1:
            raise ServiceError(500011, resource=resource, tenant=user.tenant_id)
        asked = scopes.parse(world, f"{resource}/{scopes.DEFAULT}", app=app, tenant=user.tenant_id)
        subject = Subject(user.object_id, user.tenant_id, exchange.now, ("pwd",), str(uuid.uuid4()))
        return token_response.for_person(exchange, app, user, subject, asked, acr="0", platform="public")
