"""Faults: a test requests them for an endpoint, for the next requests or for all.

Each kind is a value with its own fields. The control plane accepts the same as JSON: `{"kind": "throttle", "endpoint":
"token", "retry_after": 3, "times": 2}`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping  # noqa: TC003 read by get_type_hints
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import ClassVar, TypeAlias, get_args, get_type_hints

from entrakit_emulator.journal import ENDPOINT_ALIASES
from entrakit_emulator.json_values import fits

# Endpoints of the hosts of managed identities.
HOSTS = ("imds", "app_service", "container_apps", "arc", "service_fabric", "cloud_shell", "azure_ml")
ENDPOINTS = (
    *("token", "devicecode", "authorize", "discovery", "keys", "instance", "userrealm", "graph", "key_vault"),
    *("resource_manager", *HOSTS),
)  # fmt: skip
POLLS = ("pending", "slow_down", "approve", "decline", "expire")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The fields of all kinds.

    Args:
        endpoint: One of `ENDPOINTS`.
        times: Number of requests that get the fault; None for all requests until it is cleared.
        after: Number of requests that pass before.
    """

    kind: ClassVar[str] = ""
    # Values of the field `form`, in kinds that have it.
    forms: ClassVar[tuple[str, ...]] = ()
    endpoint: str
    times: int | None = 1
    after: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", ENDPOINT_ALIASES.get(self.endpoint, self.endpoint))
        if self.endpoint not in ENDPOINTS:
            raise ValueError(f"Unknown endpoint {self.endpoint!r}; known endpoints: {', '.join(ENDPOINTS)}.")
        form = getattr(self, "form", "")
        if self.forms and form not in self.forms:
            raise ValueError(f"Unknown form of {self.kind}: {form!r}; known forms: {', '.join(self.forms)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle(Fault):
    """429, with `Retry-After`.

    Args:
        retry_after: Seconds; None for no header.
        is_date: True for an HTTP date instead of seconds (RFC 9110, 10.2.3).
    """

    kind: ClassVar[str] = "throttle"
    retry_after: int | None = 1
    is_date: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Fault):
    """A server error.

    Args:
        status: HTTP status.
        is_html: True for an HTML body instead of JSON.
        retry_after: Seconds; None for no header.
    """

    kind: ClassVar[str] = "failure"
    status: int = 503
    is_html: bool = False
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Fault):
    """A cut connection.

    Args:
        is_mid_body: True to send half of the real answer first; False to send nothing.
    """

    kind: ClassVar[str] = "drop"
    is_mid_body: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptivePortal(Fault):
    """The sign-in page of a guest network: 200 and HTML."""

    kind: ClassVar[str] = "captive_portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(Fault):
    """200 with an invalid body.

    Args:
        form: `truncated` (the real answer, cut), `text`, `array`, `empty` or `binary`.
    """

    kind: ClassVar[str] = "garbage"
    forms: ClassVar[tuple[str, ...]] = ("truncated", "text", "array", "empty", "binary")
    form: str = "truncated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Fault):
    """The real answer, delayed.

    Args:
        seconds: Delay, by the real clock.
    """

    kind: ClassVar[str] = "slow"
    seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedRedirect(Fault):
    """A redirect, which no endpoint may answer with.

    Args:
        location: Target of the redirect.
        status: HTTP status.
    """

    kind: ClassVar[str] = "redirect"
    location: str = "https://attacker.example/"
    status: int = 302


@dataclass(frozen=True, slots=True, kw_only=True)
class OversizedBody(Fault):
    """200 with a body of many megabytes.

    Args:
        size: Size in bytes.
    """

    kind: ClassVar[str] = "oversized"
    size: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Fault):
    """An error of the token service, by its number.

    Args:
        code: AADSTS number.
        error: OAuth error; empty for the error in the table.
        suberror: Suberror; None for the suberror in the table.
        claims: Claims that the client must request, JSON text.
        status: HTTP status; 0 for the status in the table.
    """

    kind: ClassVar[str] = "error"
    code: int
    error: str = ""
    suberror: str | None = None
    claims: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens(Fault):
    """Unusual token responses.

    Args:
        lifetime_s: `expires_in` of the access token; None for the usual lifetime.
        refresh_in_s: `refresh_in`; None to leave it out.
        is_opaque: True for an access token that is not a JWT.
        is_without_id_token: True for a response without an ID token.
        is_without_refresh_token: True for a response without a refresh token.
        is_without_rotation: True to return the refresh token that was sent.
        has_text_numbers: True for numbers as strings, as the v1 endpoint sends them.
        id_token: Claims of the ID token to replace: `aud`, `nonce`, `tid`, `iss`, ...
        access_token: Claims of the access token to replace.
    """

    kind: ClassVar[str] = "tokens"
    endpoint: str = "token"
    lifetime_s: int | None = None
    refresh_in_s: int | None = None
    is_opaque: bool = False
    is_without_id_token: bool = False
    is_without_refresh_token: bool = False
    is_without_rotation: bool = False
    has_text_numbers: bool = False
    id_token: Mapping[str, object] = field(default_factory=dict)
    access_token: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge(Fault):
    """401 of Graph or a key vault with a claims challenge (continuous access evaluation).

    Args:
        claims: Claims to request, JSON text; empty for "a token issued from now on".
    """

    kind: ClassVar[str] = "challenge"
    endpoint: str = "graph"
    claims: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Fault):
    """One item of a batch is refused; the batch itself succeeds.

    Args:
        url: Part of the item's URL; empty for any item.
        status: HTTP status.
        retry_after: Seconds; None for no header.
    """

    kind: ClassVar[str] = "item"
    endpoint: str = "graph"
    url: str = ""
    status: int = 429
    retry_after: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongPage(Fault):
    """A wrong page of a collection, or a wrong batch response.

    Args:
        form: `foreign` (the next link names another host), `twice` (the page comes again under another link) or
            `reordered` (items or responses in another order).
        host: The other host, for `foreign`.
    """

    kind: ClassVar[str] = "misled"
    endpoint: str = "graph"
    forms: ClassVar[tuple[str, ...]] = ("foreign", "twice", "reordered")
    form: str = "foreign"
    host: str = "attacker.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredToken(Fault):
    """401 of Graph, as for an expired token, whatever its `exp` says."""

    kind: ClassVar[str] = "expired"
    endpoint: str = "graph"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeFile(Fault):
    """A challenge of Azure Arc whose file a client must not use.

    Args:
        form: `elsewhere` (another directory), `upwards` (another directory through `..`), `ending` (not `.key`),
            `large` (more than 4,096 bytes), `missing` or `unnamed` (the challenge names no file).
    """

    kind: ClassVar[str] = "challenge_file"
    endpoint: str = "arc"
    forms: ClassVar[tuple[str, ...]] = ("elsewhere", "upwards", "ending", "large", "missing", "unnamed")
    form: str = "elsewhere"


AnyFault: TypeAlias = (
    Item
    | ChallengeFile
    | WrongPage
    | ExpiredToken
    | Throttle
    | Failure
    | Drop
    | CaptivePortal
    | Garbage
    | Slow
    | UnexpectedRedirect
    | OversizedBody
    | Refusal
    | Tokens
    | Challenge
)
# Names in version 0.1.
Redirected, Oversized, Misled, Expired = UnexpectedRedirect, OversizedBody, WrongPage, ExpiredToken
KINDS: dict[str, type[AnyFault]] = {one.kind: one for one in get_args(AnyFault)}


class Faults:
    """The waiting faults; the first match is taken."""

    def __init__(self) -> None:
        self._waiting: list[AnyFault] = []
        self._polls: deque[str] = deque()
        # Tests add faults in their thread, and the server takes them in its own.
        self._lock = threading.Lock()

    @property
    def waiting(self) -> list[AnyFault]:
        """The waiting faults."""
        return list(self._waiting)

    def add(self, fault: AnyFault) -> None:
        """Add a fault."""
        with self._lock:
            self._waiting = [*self._waiting, fault]

    def next_polls(self, *answers: str) -> None:
        """Set the answers to the next polls of any device.

        Args:
            answers: `pending`, `slow_down`, `approve` (by the seeded user), `decline` or `expire`, one for each poll.
        """
        for answer in answers:
            if answer not in POLLS:
                raise ValueError(f"Unknown poll answer {answer!r}; known answers: {', '.join(POLLS)}.")
        self._polls.extend(answers)

    def clear(self) -> None:
        """Remove all faults and chosen poll answers."""
        with self._lock:
            self._waiting = []
            self._polls.clear()

    def take(self, endpoint: str) -> AnyFault | None:
        """Return the fault of a request to an endpoint; None if there is none."""
        return self._take(endpoint)

    def take_tokens(self) -> Tokens:
        """Return the changes to the tokens of a request."""
        fault = self._take("token", Tokens)
        return fault if isinstance(fault, Tokens) else Tokens()

    def take_challenge_file(self) -> ChallengeFile | None:
        """Return the fault of a challenge of Azure Arc; None if there is none."""
        fault = self._take("arc", ChallengeFile)
        return fault if isinstance(fault, ChallengeFile) else None

    def take_poll(self) -> str:
        """Return the chosen answer to a poll; empty if none was chosen."""
        return self._polls.popleft() if self._polls else ""

    def take_item(self, url: str) -> Item | None:
        """Return the fault of an item of a batch; None if there is none."""
        fault = self._take("graph", Item, url)
        return fault if isinstance(fault, Item) else None

    def _take(self, endpoint: str, wanted: type[AnyFault] | None = None, url: str = "") -> AnyFault | None:
        """Return the next fault of an endpoint; those of tokens, batch items, files only if `wanted`."""
        with self._lock:
            for index, fault in enumerate(self._waiting):
                kind = type(fault) if isinstance(fault, Tokens | Item | ChallengeFile) else None
                if (
                    fault.endpoint != endpoint
                    or kind is not wanted
                    or (isinstance(fault, Item) and fault.url not in url)
                ):
                    continue
                if fault.after > 0:
                    later = replace(fault, after=fault.after - 1)
                    self._waiting = [*self._waiting[:index], later, *self._waiting[index + 1 :]]
                    continue
                left = None if fault.times is None else fault.times - 1
                rest = [] if left == 0 else [replace(fault, times=left)]
                self._waiting = [*self._waiting[:index], *rest, *self._waiting[index + 1 :]]
                return fault
        return None


def from_json(value: object) -> AnyFault:
    """Parse a fault of the control plane.

    Raises:
        ValueError: The kind is unknown, a field does not belong to it, or a value has the wrong type.
    """
    if not isinstance(value, dict):
        raise ValueError("A fault must be a JSON object.")  # noqa: TRY004 input of a caller, not a mistake of a program
    given = dict(value)
    kind = KINDS.get(str(given.pop("kind", "")))
    if kind is None:
        raise ValueError(f"The kind of a fault must be one of {', '.join(sorted(KINDS))}.")
    hints = get_type_hints(kind)
    for name, content in given.items():
        if name not in {one.name for one in fields(kind)}:
            raise ValueError(f"A fault of kind {kind.kind!r} has no field {name!r}.")
        if not fits(content, hints[name]):
            raise ValueError(f"The field {name!r} of a fault of kind {kind.kind!r} does not accept {content!r}.")
    for one in fields(kind):
        if one.default is MISSING and one.default_factory is MISSING and one.name not in given:
            raise ValueError(f"A fault of kind {kind.kind!r} requires a field {one.name!r}.")
    return kind(**given)
