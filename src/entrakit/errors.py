"""Every error that entrakit raises, as one tree.

    EntraError                          never raised itself                       exit code
    ├── ParameterError                  an invalid parameter (a ValueError)           2
    │   └── ParameterSetError           parameters that don't go together             2
    ├── CertificateError                no certificate that can sign                  2
    │   └── CertificatePasswordError    the file is encrypted, the password missing   2
    ├── NotConnectedError               the saved connection does not exist           3
    ├── SignInError                     refused by the token service or the user      5
    │   ├── InteractionRequiredError    interactive sign-in required                  4
    │   └── ThrottledError              too many requests to the token service        7
    ├── NetworkError                    no usable response                            6
    │   ├── TlsError                    the server's certificate is not trusted       6
    │   ├── UnexpectedAnswerError       not a response of the service                 6
    │   └── ServiceUnavailableError     the service failed (5xx)                      6
    ├── VaultError                      a saved connection can't be read or written   8
    │   └── VaultBusyError              another process holds its lock                8
    ├── PermissionMissingError          the token lacks a required permission         9
    ├── ExportError                     a file can't be written                       1
    ├── OutcomeUnknownError             a write may have been done; look first       14
    └── GraphError                      a service refused a request                  10
        ├── ForbiddenError              the caller lacks a permission (403)           9
        ├── NotFoundError               the object does not exist (404)              11
        ├── TooManyRequestsError        throttled for longer than the limit           7
        ├── DependencyError             a request of a batch depends on a failed one 10
        └── ResyncRequiredError         a delta link is too old (410)                10

`str()` of an error has the problem, the remedy and the ids that support needs; no error holds a secret. Code spans of a
remedy name parameters (`save_secret=True`) and calls (`disconnect('work')`) of this package: `EntraError.parameters`
returns their names, and the command replaces them with its own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar, Self, TypedDict, Unpack

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
    """The base class of all errors of entrakit. `settings` are those of the connection that it is about, or None.

    Args:
        problem: One sentence: what happened.
        remedy: One or two sentences in the imperative: what to do next; empty if nothing helps.
        retryable: Whether the same call may succeed later, unchanged. Never set if a repeat may do something twice.
    """

    exit_code: ClassVar[int] = 1
    outcome_unknown: ClassVar[bool] = False

    def __init__(self, problem: str, *, remedy: str = "", retryable: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.retryable = retryable
        self.settings: object | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters and functions that the remedy mentions, in their order."""
        import re

        return tuple(dict.fromkeys(re.findall(r"`([a-z_]\w*)(?:=[^`]*|\([^`]*\))?`", self.remedy)))

    def about(self, settings: object) -> Self:
        """Set `settings`, those of the connection that the error is about, and return the error."""
        self.settings = settings
        return self

    def ids(self) -> list[tuple[str, str]]:
        """Return the known ids that support needs, as (label, value)."""
        return []

    def __str__(self) -> str:
        lines = [self.problem, *([f"  Next: {self.remedy}"] if self.remedy else [])]
        lines += [f"  {label}: {value}" for label, value in self.ids()]
        return "\n".join(lines)


class ParameterError(EntraError, ValueError):
    """A parameter has an invalid value; nothing was sent."""

    exit_code = 2


class ParameterSetError(ParameterError):
    """Parameters that don't go together, or an incomplete parameter set.

    Args:
        problem: One sentence: which parameters clash or are missing.
        clashing: Names of the parameters of `connect()` that don't go together.
        accepted_by: The parameter sets that accept some of them.
        remedy: What to omit or to add.
    """

    def __init__(
        self, problem: str, *, clashing: Sequence[str] = (), accepted_by: Sequence[str] = (), remedy: str = ""
    ) -> None:
        super().__init__(problem, remedy=remedy)
        self.clashing = tuple(clashing)
        self.accepted_by = tuple(accepted_by)


class CertificateError(EntraError):
    """No certificate that can sign: not found, unreadable, expired, without a key, or of an unsupported kind."""

    exit_code = 2


class CertificatePasswordError(CertificateError):
    """The file of the certificate is encrypted, and no password was given."""


class NotConnectedError(EntraError):
    """The saved connection does not exist, or another process removed it."""

    exit_code = 3


class SignInError(EntraError):
    """The token service returned an OAuth 2.0 error (RFC 6749, 5.2), or the sign-in was cancelled.

    Args:
        problem: One sentence: what happened.
        remedy: What to do next.
        error: The OAuth 2.0 error, such as `invalid_grant`.
        suberror: Entra's more specific reason, such as `consent_required`.
        code: The AADSTS number; None if the service gave none.
        description: The text of the service, without ids. The command prints it only if asked for details.
        correlation_id: The id of this attempt in the sign-in log.
        trace_id: The id of this response.
        timestamp: Time of the response, as the service wrote it (UTC).
        claims: Claims that the next request must contain, as JSON; empty if none.
        retryable: Whether the same call may succeed later, unchanged.
    """

    exit_code = 5

    def __init__(
        self, problem: str, *, remedy: str = "", error: str = "", suberror: str = "", code: int | None = None,
        description: str = "", correlation_id: str = "", trace_id: str = "", timestamp: str = "", claims: str = "",
        retryable: bool = False,
    ) -> None:  # fmt: skip
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
        """Return the error of the service and the ids of this attempt."""
        name = f"AADSTS{self.code}" if self.code else ""
        pairs = [
            ("Error", " ".join(part for part in (self.error, name) if part)),
            ("Correlation id", self.correlation_id),
            ("Trace id", self.trace_id),
            ("Timestamp", self.timestamp),
        ]
        return [(label, value) for label, value in pairs if value]


class InteractionRequiredError(SignInError):
    """A user has to sign in: the connection can't be renewed silently."""

    exit_code = 4


class ThrottledError(SignInError):
    """The token service received too many requests.

    Args:
        problem: One sentence: what happened.
        retry_after_s: Seconds to wait, as the service says; None if it does not.
        remedy: What to do next.
        correlation_id: The id of this attempt in the sign-in log.
        code: The AADSTS number; None if the service gave none.
    """

    exit_code = 7

    def __init__(
        self, problem: str, *, retry_after_s: float | None = None, remedy: str = "", correlation_id: str = "",
        code: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            problem, remedy=remedy, error="temporarily_unavailable", correlation_id=correlation_id, code=code
        )
        self.retryable = True
        self.retry_after_s = retry_after_s


class NetworkError(EntraError):
    """No usable response: an unknown host, no connection, a timeout, or a proxy that refuses.

    Args:
        problem: One sentence: what happened, with the name of the host.
        remedy: What to do next.
        host: The host that the request was for.
        correlation_id: The id that was sent with the request, if any.
        retryable: Whether the same call may succeed later, unchanged.
        may_have_arrived: False if the request certainly did not reach the service.
        request_id: The id of the response, if there was one.
        name_not_found: Whether the name of the host, or of the proxy, can't be resolved.
    """

    exit_code = 6

    def __init__(
        self, problem: str, *, remedy: str = "", host: str = "", correlation_id: str = "", retryable: bool = True,
        may_have_arrived: bool = True, request_id: str = "", name_not_found: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(problem, remedy=remedy, retryable=retryable)
        self.host = host
        self.correlation_id = correlation_id
        self.may_have_arrived = may_have_arrived
        self.request_id = request_id
        self.name_not_found = name_not_found

    def ids(self) -> list[tuple[str, str]]:
        """Return the id of the response and the id that was sent with the request, if known."""
        both = [("Request id", self.request_id), ("Correlation id", self.correlation_id)]
        return [(label, value) for label, value in both if value]


class TlsError(NetworkError):
    """The certificate of the server is not trusted; `problem` names its issuer."""


class UnexpectedAnswerError(NetworkError):
    """Not a response of the service: the page of a captive portal or a proxy, or invalid JSON."""


class ServiceUnavailableError(NetworkError):
    """The service failed with HTTP 5xx, and all retries failed as well."""


class VaultError(EntraError):
    """A saved connection can't be read or written: damaged, a newer version, locked, no space, or no permission."""

    exit_code = 8


class VaultBusyError(VaultError):
    """Another process holds the lock on this connection and did not release it in time."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem, remedy=remedy, retryable=True)


class PermissionMissingError(EntraError):
    """The token lacks a required permission.

    Args:
        problem: One sentence that names the missing permissions.
        missing: The permissions that the token lacks.
        remedy: What to do next.
    """

    exit_code = 9

    def __init__(self, problem: str, *, missing: Sequence[str] = (), remedy: str = "") -> None:
        super().__init__(problem, remedy=remedy)
        self.missing = tuple(missing)


class ExportError(EntraError):
    """A file can't be written: that of a result, an export, or a delta session; or an export can't be continued."""


class OutcomeUnknownError(EntraError):
    """A write may have been done: repeating it may do it a second time, so look first.

    The errors that clients raise are a `NetworkError` or a `GraphError`, too. Only these have `outcome_unknown` set.
    """

    exit_code = 14
    outcome_unknown = True


class GraphError(EntraError):
    """Microsoft Graph or another API refused a request.

    Args:
        problem: One sentence: the request, and the answer of the service.
        remedy: What to do next.
        status: HTTP status.
        code: The error code of the service, such as `Request_BadRequest`. Programs decide on this, not on the message.
        message: The text of the service.
        inner: The inner error or further details; empty if none.
        request_id: The id of the response.
        client_request_id: The id that was sent with the request.
        retryable: Whether the same request may succeed later, unchanged.
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
        """Return the error code and the ids of this request."""
        status = f"HTTP {self.status}" if self.status else ""
        pairs = [
            ("Error", " ".join(part for part in (self.code, status) if part)),
            ("Request id", self.request_id),
            ("Client request id", self.client_request_id),
        ]
        return [(label, value) for label, value in pairs if value]


class ForbiddenError(GraphError):
    """The caller lacks a permission for this request (HTTP 403).

    Args:
        problem: One sentence: the request, and the answer of the service.
        has: The permissions of the token.
        needs: Permissions, the least first; any one is sufficient. Empty if they are not known.
        others: Other fields of GraphError.
    """

    exit_code = 9

    def __init__(
        self, problem: str, *, has: Sequence[str] = (), needs: Sequence[str] = (), **others: Unpack[GraphFields]
    ) -> None:
        super().__init__(problem, **others)
        self.has = tuple(has)
        self.needs = tuple(needs)


class NotFoundError(GraphError):
    """The object or the address does not exist (HTTP 404)."""

    exit_code = 11


class TooManyRequestsError(GraphError):
    """The service throttles requests, and requires a longer wait than the limit (HTTP 429).

    Args:
        problem: One sentence: the request, and the required wait.
        retry_after_s: Seconds to wait, as the service says; None if it does not.
        others: Other fields of GraphError.
    """

    exit_code = 7

    def __init__(self, problem: str, *, retry_after_s: float | None = None, **others: Unpack[GraphFields]) -> None:
        super().__init__(problem, **others)
        self.retry_after_s = retry_after_s


class DependencyError(GraphError):
    """A request of a batch was not sent, because a request that it depends on failed (HTTP 424)."""


class ResyncRequiredError(GraphError):
    """A delta link is too old, so everything must be read again (HTTP 410).

    Args:
        problem: One sentence: the request, and the answer of the service.
        location: Address of the new delta query, if the service gives it; else empty.
        others: Other fields of GraphError.
    """

    def __init__(self, problem: str, *, location: str = "", **others: Unpack[GraphFields]) -> None:
        super().__init__(problem, **others)
        self.location = location
