"""What shall go wrong: asked for by a test, endpoint by endpoint, for the next requests or for all.

Each kind is a value with its own fields; the control plane takes the same as JSON:
`{"kind": "throttle", "endpoint": "token", "retry_after": 3, "times": 2}`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping  # noqa: TC003 read by get_type_hints
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import ClassVar, TypeAlias, get_args, get_type_hints

from entrakit_emulator.journal import ENDPOINT_ALIASES
from entrakit_emulator.json_values import fits

ENDPOINTS = ("token", "devicecode", "authorize", "discovery", "keys", "instance", "userrealm", "graph", "key_vault")
POLLS = ("pending", "slow_down", "approve", "decline", "expire")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What all kinds have.

    Args:
        endpoint: One of `ENDPOINTS`.
        times: How many requests it meets; None for all until it is cleared.
        after: How many requests it lets pass before.
    """

    kind: ClassVar[str] = ""
    endpoint: str
    times: int | None = 1
    after: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", ENDPOINT_ALIASES.get(self.endpoint, self.endpoint))
        if self.endpoint not in ENDPOINTS:
            raise ValueError(f"There is no endpoint {self.endpoint!r}; there are: {', '.join(ENDPOINTS)}.")


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
    """A connection cut.

    Args:
        is_mid_body: True to send half of the real answer first; False to send nothing.
    """

    kind: ClassVar[str] = "drop"
    is_mid_body: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptivePortal(Fault):
    """The sign-in page of a hotel: 200, and HTML."""

    kind: ClassVar[str] = "captive_portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(Fault):
    """200, and JSON that is none.

    Args:
        form: `truncated` (the real answer, cut), `text`, `array`, `empty` or `binary`.
    """

    kind: ClassVar[str] = "garbage"
    form: str = "truncated"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.form not in ("truncated", "text", "array", "empty", "binary"):
            raise ValueError(f"There is no garbage of form {self.form!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Fault):
    """The real answer, late.

    Args:
        seconds: How late, by the real clock.
    """

    kind: ClassVar[str] = "slow"
    seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedRedirect(Fault):
    """A redirect that no endpoint should answer with.

    Args:
        location: Where to.
        status: HTTP status.
    """

    kind: ClassVar[str] = "redirect"
    location: str = "https://attacker.example/"
    status: int = 302


@dataclass(frozen=True, slots=True, kw_only=True)
class OversizedBody(Fault):
    """200, and a body without end.

    Args:
        size: Bytes.
    """

    kind: ClassVar[str] = "oversized"
    size: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Fault):
    """An error of the service, by its number.

    Args:
        code: AADSTS number.
        error: OAuth error, where it shall differ from the table's.
        suberror: Entra's finer reason; None for the table's.
        claims: JSON text of the claims to ask for.
        status: HTTP status; 0 for the table's.
    """

    kind: ClassVar[str] = "error"
    code: int
    error: str = ""
    suberror: str | None = None
    claims: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens(Fault):
    """Tokens that are not as usual.

    Args:
        lifetime_s: `expires_in` of the access token; None for the usual.
        refresh_in_s: `refresh_in`; None for none.
        is_opaque: True for an access token that is no JWT.
        is_without_id_token: True for no ID token.
        is_without_refresh_token: True for no refresh token.
        is_without_rotation: True to return the refresh token that was sent.
        has_text_numbers: True for numbers as strings, as the v1 endpoint has them.
        id_token: Claims of the ID token to be replaced: `aud`, `nonce`, `tid`, `iss`, ...
        access_token: Claims of the access token to be replaced.
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
    """401 of Graph, or of a vault, with a claims challenge (continuous access evaluation).

    Args:
        claims: JSON text of the claims to ask for; empty for "a token issued from now on".
    """

    kind: ClassVar[str] = "challenge"
    endpoint: str = "graph"
    claims: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Fault):
    """An item of a batch that is refused, inside a batch that is not.

    Args:
        url: Part of the item's address; empty for any.
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
    """A page of a collection, or a batch, that is not as it should be.

    Args:
        form: `foreign` (the next link names another host), `twice` (the page comes once more, under another link) or
            `reordered` (its items, or its answers, in another order).
        host: The other host.
    """

    kind: ClassVar[str] = "misled"
    endpoint: str = "graph"
    form: str = "foreign"
    host: str = "attacker.example"

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.form not in ("foreign", "twice", "reordered"):
            raise ValueError(f"A page can't be misled in the form {self.form!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredToken(Fault):
    """401 of Graph: the token has expired, whatever it says."""

    kind: ClassVar[str] = "expired"
    endpoint: str = "graph"


AnyFault: TypeAlias = (
    Item
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
# The names of version 0.1.
Redirected, Oversized, Misled, Expired = UnexpectedRedirect, OversizedBody, WrongPage, ExpiredToken
KINDS: dict[str, type[AnyFault]] = {one.kind: one for one in get_args(AnyFault)}


class Faults:
    """The faults that wait for their requests; the first that fits is taken."""

    def __init__(self) -> None:
        self._waiting: list[AnyFault] = []
        self._polls: deque[str] = deque()
        # Tests add in their thread what the server takes in its own.
        self._lock = threading.Lock()

    @property
    def waiting(self) -> list[AnyFault]:
        """The faults still to come."""
        return list(self._waiting)

    def add(self, fault: AnyFault) -> None:
        """Let the next requests, or all, meet a fault."""
        with self._lock:
            self._waiting = [*self._waiting, fault]

    def next_polls(self, *answers: str) -> None:
        """Say how the next polls of any device are answered.

        Args:
            answers: `pending`, `slow_down`, `approve` (by the seeded person), `decline` or `expire`, one for each poll.
        """
        for answer in answers:
            if answer not in POLLS:
                raise ValueError(f"There is no poll answer {answer!r}; there are: {', '.join(POLLS)}.")
        self._polls.extend(answers)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._waiting = []
            self._polls.clear()

    def take(self, endpoint: str) -> AnyFault | None:
        """Return the fault that a request meets in place of, or around, its answer."""
        return self._take(endpoint)

    def take_tokens(self) -> Tokens:
        """Return how the tokens of a request shall differ."""
        fault = self._take("token", Tokens)
        return fault if isinstance(fault, Tokens) else Tokens()

    def take_poll(self) -> str:
        """Return how a poll is answered; empty for the honest answer."""
        return self._polls.popleft() if self._polls else ""

    def take_item(self, url: str) -> Item | None:
        """Return how an item of a batch is refused; None for an honest answer."""
        fault = self._take("graph", Item, url)
        return fault if isinstance(fault, Item) else None

    def _take(self, endpoint: str, wanted: type[AnyFault] | None = None, url: str = "") -> AnyFault | None:
        """Return the next fault of an endpoint; one of those that act elsewhere only if it is what is wanted."""
        with self._lock:
            for index, fault in enumerate(self._waiting):
                kind = type(fault) if isinstance(fault, Tokens | Item) else None
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
    """Read a fault of the control plane.

    Raises:
        ValueError: It has no known kind, a field that its kind has not, or a value of the wrong type.
    """
    if not isinstance(value, dict):
        raise ValueError("A fault is a JSON object.")  # noqa: TRY004 text from outside, not a mistake of a program
    given = dict(value)
    kind = KINDS.get(str(given.pop("kind", "")))
    if kind is None:
        raise ValueError(f"A fault has a kind: {', '.join(sorted(KINDS))}.")
    hints = get_type_hints(kind)
    for name, content in given.items():
        if name not in {one.name for one in fields(kind)}:
            raise ValueError(f"A fault of kind {kind.kind!r} has no field {name!r}.")
        if not fits(content, hints[name]):
            raise ValueError(f"The field {name!r} of a fault of kind {kind.kind!r} can't be {content!r}.")
    for one in fields(kind):
        if one.default is MISSING and one.default_factory is MISSING and one.name not in given:
            raise ValueError(f"A fault of kind {kind.kind!r} needs a field {one.name!r}.")
    return kind(**given)
