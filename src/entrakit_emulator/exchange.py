"""One HTTP request: its query and form are parsed once, before anything else reads them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import Response

from entrakit_emulator.journal import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from entrakit_emulator.world import World

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 100
# Endpoints whose bodies are JSON.
JSON_ENDPOINTS = ("graph", "key_vault", "control")


class MalformedRequestError(ValueError):
    """The query or the form of a request can't be read."""


class NotImplementedHereError(Exception):
    """A feature of the real service that the emulator refuses by name.

    Args:
        feature: Name of the feature.
    """

    def __init__(self, feature: str) -> None:
        self.feature = feature
        super().__init__(feature)

    def body(self) -> dict[str, object]:
        """Return the JSON body of the answer. The real service sends no answer like it."""
        return {
            "error": "emulator_not_implemented",
            "error_description": f"The emulator does not implement {self.feature}. "
            "The coverage page lists the supported features.",
        }


class Parameters(dict[str, str]):
    """Parameters of a query or a form. Empty ones are left out, as RFC 6749, 3.1 demands.

    Args:
        text: Encoded parameters.

    Attributes:
        repeated: Names that occur more than once (RFC 6749, 3.1: an error).
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.repeated: list[str] = []
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
        except ValueError as error:
            raise MalformedRequestError(str(error)) from error
        for name, value in pairs:
            if name in self:
                self.repeated.append(name)
            if value:
                self[name] = value


class Exchange:
    """A request and the data of its answer.

    Args:
        world: State of the tenant.
        request: The request.
        body: The whole body.
        endpoint: Name of the endpoint.

    Attributes:
        now: The tenant's time of the request.
        trace_id: GUID of this answer.
        correlation_id: The client's GUID of the sign-in after parsing, or else a new one.
        tenant: Tenant as written in the path; empty if the path has none.
        error: Error of the answer, for the journal.
        code: AADSTS number of the answer, for the journal.
    """

    def __init__(self, world: World, request: Request, body: bytes, endpoint: str) -> None:
        self.world = world
        self.endpoint = endpoint
        self.method = request.method
        self.path: str = request.scope["path"]
        self.body = body
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
        self.cookies: Mapping[str, str] = request.cookies
        self.path_parameters: Mapping[str, str] = {name: str(value) for name, value in request.path_params.items()}
        self.tenant = self.path_parameters.get("tenant", "")
        self.now = world.clock.now()
        self.trace_id = str(uuid.uuid4())
        self.correlation_id = str(uuid.uuid4())
        self.address = request.client.host if request.client else ""
        self.error = ""
        self.code = 0
        self.query = Parameters()
        self.form = Parameters()
        self._query_text: bytes = request.scope["query_string"]
        raw = request.scope.get("raw_path") or self.path.encode()
        self.raw_path = bytes(raw).partition(b"?")[0].decode("ascii", "replace")

    @property
    def query_text(self) -> str:
        """The query as received, still percent-encoded."""
        return self._query_text.decode("ascii", "replace")

    def parse(self) -> None:
        """Parse query and form, and the client's id of the sign-in: a header, or a parameter in MSAL.js.

        Raises:
            MalformedRequestError: The query or the form is malformed.
        """
        self.query = Parameters(_ascii(self._query_text))
        # The token service also reads a form without a content type.
        types = (FORM,) if self.endpoint in JSON_ENDPOINTS else (FORM, "")
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() in types:
            self.form = Parameters(_ascii(self.body))
        if _guid(self.named("client-request-id")):
            self.correlation_id = _guid(self.named("client-request-id"))

    def named(self, name: str) -> str:
        """Return a value that describes the client, from a header, the query or the form; empty if missing."""
        return self.headers.get(name) or self.query.get(name) or self.form.get(name, "")

    def violate(self, rule: str, text: str) -> None:
        """Record a breach of the protocol in the journal."""
        self.world.journal.violate(Violation(rule, text, self.endpoint, self.now))

    def json(self, body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """Return a JSON answer."""
        content = json.dumps(body, separators=(",", ":")).encode()
        return Response(content, status, {"content-type": "application/json; charset=utf-8", **(headers or {})})


def _ascii(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedRequestError("not ASCII") from error


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""
