"""The Instance Metadata Service of virtual machines, scale sets and AKS nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrakit_emulator.identity import assigned
from entrakit_emulator.identity.refusals import HostError
from entrakit_emulator.identity.tokens import token_of
from entrakit_emulator.sts.errors import ServiceError, error_response

if TYPE_CHECKING:
    from starlette.responses import Response

    from entrakit_emulator.exchange import Exchange
    from entrakit_emulator.state.identities import App
    from entrakit_emulator.state.tickets import HostToken

PATH = "/metadata/identity/oauth2/token"
OLDEST = "2018-02-01"
SELECTORS = {
    "client_id": assigned.CLIENT_ID, "object_id": assigned.OBJECT_ID, "msi_res_id": assigned.RESOURCE_ID,
    "mi_res_id": assigned.RESOURCE_ID,
}  # fmt: skip


class Imds:
    """The endpoint of a virtual machine."""

    kind = "imds"
    path = PATH

    def variables(self, origin: str) -> dict[str, str]:
        """Return the variable that replaces `http://169.254.169.254`. A real machine has no variables."""
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": origin}

    def answer(self, exchange: Exchange) -> Response:
        """Answer a token request.

        Raises:
            HostError: The request is refused.
        """
        check_metadata_request(exchange, OLDEST)
        app = _identity(exchange)
        try:
            token = token_of(exchange, app, exchange.query["resource"])
        except ServiceError as error:
            return error_response(exchange, error)
        return exchange.json(body(exchange, app, token))


def check_metadata_request(exchange: Exchange, oldest: str) -> None:
    """Check the requirements of IMDS and of the agent of Azure Arc for every request.

    Raises:
        HostError: The method is not GET (405), the request has no `Metadata: true` or comes from a proxy, or a
            parameter is missing (400).
    """
    if exchange.method != "GET":
        raise HostError(405, "method_not_allowed", f"The method {exchange.method} is not allowed.", {"allow": "GET"})
    if exchange.headers.get("metadata") != "true" or "x-forwarded-for" in exchange.headers:
        raise HostError(400, "invalid_request", "Required metadata header not specified")
    version = exchange.query.get("api-version", "")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", version) or version < oldest:
        raise HostError(400, "invalid_request", f"The api-version '{version}' is invalid or not supported")
    if "resource" not in exchange.query:
        raise HostError(400, "invalid_request", "Required audience parameter not specified")


def body(exchange: Exchange, app: App, token: HostToken) -> dict[str, str]:
    """Return the answer with a token: all values are strings, and it repeats the id that selected the identity."""
    left = str(token.expires_on - int(exchange.now))
    echo = {name: exchange.query[name] for name in ("object_id", "msi_res_id") if name in exchange.query}
    return {
        "access_token": token.access_token,
        "client_id": app.client_id,
        "expires_in": left,
        "expires_on": str(token.expires_on),
        "ext_expires_in": left,
        "not_before": str(token.issued_at - 300),
        "resource": token.resource,
        "token_type": "Bearer",
        **echo,
    }


def _identity(exchange: Exchange) -> App:
    world = exchange.world
    users = assigned.user_assigned(world)
    try:
        app = assigned.selected(exchange, SELECTORS, list(assigned.all_of(world)))
    except LookupError as error:
        raise HostError(400, "invalid_request", "Identity not found") from error
    if app is None and assigned.system_assigned(world) is None and len(users) > 1:
        raise HostError(
            400, "invalid_request",
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the "
            "token request",
        )  # fmt: skip
    # A machine whose only identity is user-assigned gives its tokens to requests without an id.
    app = app or assigned.system_assigned(world) or next(iter(users), None)
    if app is None:
        raise HostError(400, "invalid_request", "Identity not found")
    return app
