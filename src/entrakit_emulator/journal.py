"""What was asked of the tenant: every request, secrets masked, and every breach of the protocol noticed.

Readers never wait for the server: they get a copy of a list that is only ever appended to.
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

# Parameters that say what was asked, never who asked or with what secret.
SAFE_PARAMETERS = frozenset(
    {
        "api-version", "authorization_endpoint", "claims", "client_assertion_type", "client_id", "client_info",
        "code_challenge_method", "domain_hint", "grant_type", "prompt", "redirect_uri", "requested_token_use",
        "resource", "response_mode", "response_type", "scope", "step",
    }
)  # fmt: skip
SAFE_HEADERS = frozenset(
    {
        "accept", "client-request-id", "content-type", "host", "origin", "return-client-request-id", "user-agent",
        "x-app-name", "x-app-ver", "x-client-cpu", "x-client-current-telemetry", "x-client-last-telemetry",
        "x-client-os", "x-client-sku", "x-client-ver", "x-ms-lib-capability",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and what became of it.

    Args:
        at: The tenant's time when it came, in seconds since 1970.
        method: HTTP method.
        path: Path, without query.
        endpoint: Name of the endpoint: `token`, `devicecode`, ...; empty for a path that there is not.
        parameters: Query and form parameters; only values that can't be secret, `***` for all others.
        headers: What the client says about itself; `authorization` by scheme only.
        status: HTTP status of the answer; 0 where the connection was cut instead.
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
    """A breach of the protocol that the service would let pass, or answer without a word about it.

    Args:
        rule: Its name, such as `polling_too_fast`.
        text: What was seen, and which rule it breaks.
        endpoint: Where.
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
        """The breaches noticed, oldest first."""
        return self._violations[-LIMIT:]

    @property
    def counts(self) -> dict[str, int]:
        """How often each endpoint was asked, also beyond the last 2,000."""
        return self._counts.copy()

    def of(self, endpoint: str) -> list[Entry]:
        """Return the requests to one endpoint, oldest first."""
        name = ENDPOINT_ALIASES.get(endpoint, endpoint)
        return [entry for entry in self.entries if entry.endpoint == name]

    def add(self, entry: Entry) -> None:
        """Note a request."""
        self._entries.append(entry)
        self._counts[entry.endpoint or "unknown"] += 1
        if len(self._entries) > 2 * LIMIT:
            self._entries = self._entries[-LIMIT:]

    def violate(self, violation: Violation) -> None:
        """Note a breach."""
        self._violations.append(violation)
        if len(self._violations) > 2 * LIMIT:
            self._violations = self._violations[-LIMIT:]

    def clear(self) -> None:
        """Forget all."""
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
    """Return parameters with every value masked that might be a secret or name a person."""
    # MSAL.js says in parameters what others say in headers.
    safe = SAFE_PARAMETERS | SAFE_HEADERS
    return {name: value if name.lower() in safe else MASK for name, value in parameters.items()}


def client_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what a client says about itself; of an Authorization header, the scheme."""
    kept = {name: value for name, value in headers.items() if name in SAFE_HEADERS}
    authorization = headers.get("authorization")
    if authorization is not None:
        kept["authorization"] = f"{authorization.partition(' ')[0]} {MASK}"
    return kept
