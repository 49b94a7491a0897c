"""The journal: every request with secrets masked, and every breach of the protocol.

Readers do not wait for the server: they get a copy of a list that only grows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 2000
# Names of endpoints in version 0.1.
ENDPOINT_ALIASES = {"keyvault": "key_vault"}
MASK = "***"

# Parameters whose values identify neither a user nor a secret.
SAFE_PARAMETERS = frozenset(
    {
        "api-version", "authorization_endpoint", "claims", "client_assertion_type", "client_id", "client_info",
        "clientid", "code_challenge_method", "domain_hint", "grant_type", "mi_res_id", "msi_res_id", "object_id",
        "principal_id", "prompt", "redirect_uri", "requested_token_use", "resource", "response_mode", "response_type",
        "scope", "step", "xms_cc",
    }
)  # fmt: skip
SAFE_HEADERS = frozenset(
    {
        "accept", "client-request-id", "content-type", "host", "metadata", "origin", "return-client-request-id",
        "user-agent",
        "x-app-name", "x-app-ver", "x-client-cpu", "x-client-current-telemetry", "x-client-last-telemetry",
        "x-client-os", "x-client-sku", "x-client-ver", "x-ms-lib-capability",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A request and its result.

    Args:
        at: The tenant's time of the request, in seconds since 1970.
        method: HTTP method.
        path: Path, without query.
        endpoint: Name of the endpoint: `token`, `devicecode`, ...; empty for an unknown path.
        parameters: Query and form parameters. Values that might be secret are `***`.
        headers: Headers that describe the client; of `authorization`, the scheme only.
        status: HTTP status of the answer; 0 if the connection was cut instead.
        error: OAuth error or Graph error code of the answer, or empty.
        code: AADSTS number of the answer, or 0.
    """

    at: float
    method: str
    path: str
    endpoint: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 0
    error: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Violation:
    """A breach of the protocol that the real service accepts, or refuses without naming it.

    Args:
        rule: Name of the rule, such as `polling_too_fast`.
        text: The breach and the rule, in a sentence.
        endpoint: Name of the endpoint.
        at: The tenant's time, in seconds since 1970.
    """

    rule: str
    text: str
    endpoint: str
    at: float


class Journal:
    """The last 2,000 requests, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._violations: list[Violation] = []
        self._counts: Counter[str] = Counter()

    @property
    def entries(self) -> list[Entry]:
        """The requests, oldest first."""
        return self._entries[-LIMIT:]

    @property
    def violations(self) -> list[Violation]:
        """The recorded breaches, oldest first."""
        return self._violations[-LIMIT:]

    @property
    def counts(self) -> dict[str, int]:
        """Number of requests per endpoint, including those before the last 2,000."""
        return self._counts.copy()

    def of(self, endpoint: str) -> list[Entry]:
        """Return the requests to one endpoint, oldest first."""
        name = ENDPOINT_ALIASES.get(endpoint, endpoint)
        return [entry for entry in self.entries if entry.endpoint == name]

    def add(self, entry: Entry) -> None:
        """Record a request."""
        self._entries.append(entry)
        self._counts[entry.endpoint or "unknown"] += 1
        if len(self._entries) > 2 * LIMIT:
            self._entries = self._entries[-LIMIT:]

    def violate(self, violation: Violation) -> None:
        """Record a breach."""
        self._violations.append(violation)
        if len(self._violations) > 2 * LIMIT:
            self._violations = self._violations[-LIMIT:]

    def clear(self) -> None:
        """Remove all entries."""
        self._entries = []
        self._violations = []
        self._counts = Counter()

    def to_json(self) -> dict[str, object]:
        """Return everything as JSON values, for the control plane."""
        return {
            "entries": [asdict(entry) for entry in self.entries],
            "violations": [asdict(violation) for violation in self.violations],
            "counts": self.counts,
        }


def masked(parameters: Mapping[str, str]) -> dict[str, str]:
    """Mask every value that might be secret or name a user, and return the parameters."""
    # MSAL.js sends as parameters what other clients send as headers.
    safe = SAFE_PARAMETERS | SAFE_HEADERS
    return {name: value if name.lower() in safe else MASK for name, value in parameters.items()}


def client_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that describe the client; of an Authorization header, the scheme."""
    kept = {name: value for name, value in headers.items() if name in SAFE_HEADERS}
    authorization = headers.get("authorization")
    if authorization is not None:
        kept["authorization"] = f"{authorization.partition(' ')[0]} {MASK}"
    return kept
