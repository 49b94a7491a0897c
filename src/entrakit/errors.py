"""Every error that entrakit raises, as one tree.

    EntraError                          never raised itself                       exit code
    ├── ParameterError                  a value that can't be right (ValueError)      2
    │   └── ParameterSetError           parameters that don't go together             2
    ├── CertificateError                no certificate that can sign                  2
    │   └── CertificatePasswordError    its file is encrypted, and no password came   2
    ├── NotConnectedError               no such kept connection                       3
    ├── SignInError                     the token service, or a person, said no       5
    │   ├── InteractionRequiredError    only a person can go on                       4
    │   └── ThrottledError              asked too often                               7
    ├── NetworkError                    no usable answer arrived                      6
    │   ├── TlsError                    the server's certificate is not trusted       6
    │   ├── UnexpectedAnswerError       something else answered (captive portal)      6
    │   └── ServiceUnavailableError     the token service is in trouble (5xx)         6
    ├── VaultError                      a kept connection can't be read or written    8
    ├── PermissionMissingError          the token lacks a permission that was asked   9
    ├── ExportError                     a file of an export can't be written          1
    └── GraphError                      a service refused a request                  10
        ├── ForbiddenError              the caller may not do this (403)              9
        ├── NotFoundError               there is no such object (404)                11
        ├── TooManyRequestsError        asked too often, for longer than we wait      7
        ├── DependencyError             what it depends on in a batch failed         10
        └── ResyncRequiredError         a delta link is too old (410)                10

`str()` of each says what happened, what to do next, and the ids that support asks for.
No error ever holds a secret. The exit code is the one that the `entra` command ends with.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar, TypedDict, Unpack

    class GraphFields(TypedDict, total=False):
        """The fields that every GraphError has."""

        remedy: str
        status: int
        code: str
        message: str
        inner: Mapping[str, object]
        request_id: str
        client_request_id: str
        retryable: bool


class EntraError(Exception):
    """The root of the family: catch it to catch everything that entrakit raises.

    Args:
        problem: One sentence: what happened.
        remedy: One or two sentences, imperative: what to do next; empty where nothing helps.
        retryable: True when the same call may succeed later, unchanged.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, remedy: str = "", retryable: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.retryable = retryable

    def ids(self) -> list[tuple[str, str]]:
        """Return the ids that support asks for, as (label, value), those known only."""
        return []

    def __str__(self) -> str:
        lines = [self.problem]
        if self.remedy:
            lines.append(f"  Next: {self.remedy}")
        lines += [f"  {label}: {value}" for label, value in self.ids()]
        return "\n".join(lines)


class ParameterError(EntraError, ValueError):
    """A parameter has a value that can't be right; nothing was sent anywhere."""

    exit_code = 2


class ParameterSetError(ParameterError):
    """Parameters that don't go together, or a set of them that is half given.

    Args:
        problem: One sentence: what clashes or is missing.
        clashing: The parameters that don't go together, as `connect()` names them.
        accepted_by: The parameter sets that would take some of them.
        remedy: What to leave out or to add.
    """

    def __init__(
        self, problem: str, *, clashing: Sequence[str] = (), accepted_by: Sequence[str] = (), remedy: str = ""
    ) -> None:
        super().__init__(problem, remedy=remedy)
        self.clashing = tuple(clashing)
        self.accepted_by = tuple(accepted_by)


class CertificateError(EntraError):
    """No certificate that can sign: not found, unreadable, expired, without key, of the wrong kind."""

    exit_code = 2


class CertificatePasswordError(CertificateError):
    """The certificate's file is encrypted, and no password was given."""


class NotConnectedError(EntraError):
    """There is no kept connection of this name, or it was disconnected elsewhere."""

    exit_code = 3


class SignInError(EntraError):
    """The token service answered with an OAuth 2.0 error (RFC 6749, 5.2), or the sign-in was given up.

    Args:
        problem: One sentence: what happened.
        remedy: What to do next.
        error: The OAuth 2.0 error, such as `invalid_grant`.
        suberror: Entra's finer reason, such as `consent_required`.
        code: The AADSTS number, where there is one.
        description: The service's own text, without ids; shown with `-v` only.
        correlation_id: The id that the sign-in log knows this attempt by.
        trace_id: The id of this one answer of the service.
        timestamp: When the service answered, as it wrote it (UTC).
        claims: The claims that the service wants to be asked for, as JSON text; empty if none.
        retryable: True when the same call may succeed later, unchanged.
    """

    exit_code = 5

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        error: str = "",
        suberror: str = "",
        code: int | None = None,
        description: str = "",
        correlation_id: str = "",
        trace_id: str = "",
        timestamp: str = "",
        claims: str = "",
        retryable: bool = False,
    ) -> None:
        super().__init__(problem, remedy=remedy, retryable=retryable)
        self.error = error
        self.suberror = suberror
        self.code = code
        self.description = description
        self.correlation_id = correlation_id
        self.trace_id = trace_id
        self.timestamp = timestamp
        self.claims = claims

    def ids(self) -> list[tuple[str, str]]:
        """Return the service's error and the ids of this attempt."""
        name = f"AADSTS{self.code}" if self.code else ""
        pairs = [
            ("Error", " ".join(part for part in (self.error, name) if part)),
            ("Correlation id", self.correlation_id),
            ("Trace id", self.trace_id),
            ("Timestamp", self.timestamp),
        ]
        return [(label, value) for label, value in pairs if value]


class InteractionRequiredError(SignInError):
    """Only a person can go on: renewing in silence is not possible any more."""

    exit_code = 4


class ThrottledError(SignInError):
    """The service asks to be called less often.

    Args:
        problem: One sentence: what happened.
        retry_after_s: Seconds that the service asks to wait; None if it did not say.
        remedy: What to do next.
        correlation_id: The id that the sign-in log knows this attempt by.
        code: The AADSTS number, where there is one.
    """

    exit_code = 7

    def __init__(
        self,
        problem: str,
        *,
        retry_after_s: float | None = None,
        remedy: str = "",
        correlation_id: str = "",
        code: int | None = None,
    ) -> None:
        super().__init__(
            problem,
            remedy=remedy,
            error="temporarily_unavailable",
            correlation_id=correlation_id,
            code=code,
            retryable=True,
        )
        self.retry_after_s = retry_after_s


class NetworkError(EntraError):
    """No usable answer arrived: no such host, no connection, a time-out, a proxy that refuses.

    Args:
        problem: One sentence: what happened, with the host's name.
        remedy: What to do next.
        host: The host that was called.
        correlation_id: The id that was sent with the request, if any.
        retryable: True when the same call may succeed later, unchanged.
        may_have_arrived: False where the request did certainly not reach the service.
        request_id: The service's id of its answer, if there was one.
    """

    exit_code = 6

    def __init__(
        self, problem: str, *, remedy: str = "", host: str = "", correlation_id: str = "", retryable: bool = True,
        may_have_arrived: bool = True, request_id: str = "",
    ) -> None:  # fmt: skip
        super().__init__(problem, remedy=remedy, retryable=retryable)
        self.host = host
        self.correlation_id = correlation_id
        self.may_have_arrived = may_have_arrived
        self.request_id = request_id

    def ids(self) -> list[tuple[str, str]]:
        """Return the service's id of its answer, and the id that was sent with the request, if any."""
        both = [("Request id", self.request_id), ("Correlation id", self.correlation_id)]
        return [(label, value) for label, value in both if value]


class TlsError(NetworkError):
    """The server's certificate is not trusted; `problem` names the issuer that was seen."""


class UnexpectedAnswerError(NetworkError):
    """Something answered, but not as the token service does: a captive portal, a proxy's page, broken JSON."""


class ServiceUnavailableError(NetworkError):
    """The service is in trouble (HTTP 5xx), and stayed so for as long as we tried."""


class VaultError(EntraError):
    """A kept connection can't be read or written: damaged, of a newer version, locked, no room, no permission."""

    exit_code = 8


class VaultBusyError(VaultError):
    """Another process holds the kept connection, and has done so for as long as we could wait."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem, remedy=remedy, retryable=True)


class PermissionMissingError(EntraError):
    """The token lacks a permission that was asked for.

    Args:
        problem: One sentence, which names what is missing.
        missing: The permissions that the token lacks.
        remedy: What to do next.
    """

    exit_code = 9

    def __init__(self, problem: str, *, missing: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(problem, remedy=remedy)
        self.missing = tuple(missing)


class ExportError(EntraError):
    """A file that objects are exported to can't be written or gone on with; what was written before is kept."""


class GraphError(EntraError):
    """Microsoft Graph, or another service, refused a request.

    Args:
        problem: One sentence: what was asked, and what the service says.
        remedy: What to do next.
        status: HTTP status.
        code: The service's error code, such as `Request_BadRequest`: decide by this, never by the message.
        message: The service's text.
        inner: The service's inner error, or further details; empty if none.
        request_id: The service's id of its answer.
        client_request_id: Our id of the request.
        retryable: True when the same request may succeed later, unchanged.
    """

    exit_code = 10

    def __init__(
        self, problem: str, *, remedy: str = "", status: int = 0, code: str = "", message: str = "",
        inner: Mapping[str, object] | None = None, request_id: str = "", client_request_id: str = "",
        retryable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(problem, remedy=remedy, retryable=retryable)
        self.status = status
        self.code = code
        self.message = message
        self.inner = dict(inner or {})
        self.request_id = request_id
        self.client_request_id = client_request_id

    def ids(self) -> list[tuple[str, str]]:
        """Return the service's code and the ids of this request."""
        status = f"HTTP {self.status}" if self.status else ""
        pairs = [
            ("Error", " ".join(part for part in (self.code, status) if part)),
            ("Request id", self.request_id),
            ("Client request id", self.client_request_id),
        ]
        return [(label, value) for label, value in pairs if value]


class ForbiddenError(GraphError):
    """The caller may not do this (HTTP 403).

    Args:
        problem: One sentence: what was asked, and what the service says.
        has: The permissions that the token has.
        needs: Permissions of which one is enough, where they are known; the least comes first.
        others: Further fields of GraphError.
    """

    exit_code = 9

    def __init__(
        self, problem: str, *, has: Sequence[str] = (), needs: Sequence[str] = (), **others: Unpack[GraphFields]
    ) -> None:
        super().__init__(problem, **others)
        self.has = tuple(has)
        self.needs = tuple(needs)


class NotFoundError(GraphError):
    """There is no such object, or no such address (HTTP 404)."""

    exit_code = 11


class TooManyRequestsError(GraphError):
    """The service asked to be called less often, for longer than we were ready to wait (HTTP 429).

    Args:
        problem: One sentence: what was asked, and for how long.
        retry_after_s: Seconds that the service asks to wait; None if it did not say.
        others: Further fields of GraphError.
    """

    exit_code = 7

    def __init__(self, problem: str, *, retry_after_s: float | None = None, **others: Unpack[GraphFields]) -> None:
        super().__init__(problem, **others)
        self.retry_after_s = retry_after_s


class DependencyError(GraphError):
    """A request of a batch was not sent, because one that it depends on failed (HTTP 424)."""


class ResyncRequiredError(GraphError):
    """A delta link is too old: everything has to be read again (HTTP 410).

    Args:
        problem: One sentence: what was asked, and what the service says.
        location: Where the service says to begin anew; empty if it does not.
        others: Further fields of GraphError.
    """

    def __init__(self, problem: str, *, location: str = "", **others: Unpack[GraphFields]) -> None:
        super().__init__(problem, **others)
        self.location = location
