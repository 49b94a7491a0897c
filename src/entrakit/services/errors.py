"""Errors of services: an unsuccessful response as an error of the tree, with the permissions that a 403 requires.

    {"error": {"code": "Request_ResourceNotFound", "message": "…", "innerError": {…}, "details": […]}}

Microsoft Graph, Azure Resource Manager, Key Vault and Defender use this form. Any member may be missing or have another
type, and a proxy may answer with HTML. The service's message is shown without control characters, secrets masked.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from entrakit.errors import (
    ForbiddenError,
    GraphError,
    NetworkError,
    NotFoundError,
    ResyncRequiredError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnexpectedAnswerError,
)
from entrakit.http.address import path_of, shown_host
from entrakit.http.retry import retry_after
from entrakit.services.operation import HeldPermissions, held_of
from entrakit.shown_text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrakit.errors import GraphFields
    from entrakit.services.operation import Operation, Response

MAX_TEXT = 1000
MAX_CODE = 200
MAX_PATH = 300
_RESYNC = ("syncstatenotfound", "resyncrequired")
_REMEDIES = {
    400: "Fix the request; the message says what is wrong.",
    401: "Connect again; the service does not accept the token of this connection.",
    404: "Check the id or name, and that it is in the connected tenant; a new object may take a minute to appear.",
    405: "Check the method and the address.",
    409: "Read the object again, then decide; another change was made at the same time.",
    412: "Read the object again; it has changed since you read it.",
    413: "Send less at a time; the service does not accept such a large body.",
    414: "Send the request in a batch, which allows a longer address, or request less.",
}
_ID = r"[^/]+"
_READ, _WRITE = ("GET",), ("PATCH", "PUT", "DELETE", "POST")
# Methods, path below the version, permissions: any one of these is enough, the least privileged comes first. From the
# tables of Microsoft Graph's reference, for the calls of this product. The first matching row counts.
_PERMISSIONS: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = (
    (_READ, r"me", ("User.Read", "User.ReadWrite", "User.Read.All")),
    (_READ, rf"(me|users/{_ID})/(memberOf|transitiveMemberOf)(/.*)?", ("GroupMember.Read.All", "Directory.Read.All")),
    (_WRITE, rf"(me|users/{_ID})/revokeSignInSessions", ("User.RevokeSessions.All", "User.ReadWrite.All")),
    (_WRITE, rf"users/{_ID}/(assignLicense|reprocessLicenseAssignment)", ("LicenseAssignment.ReadWrite.All",)),
    (_READ, rf"users/{_ID}/licenseDetails", ("LicenseAssignment.Read.All", "User.Read.All", "Directory.Read.All")),
    (_READ, rf"users/{_ID}/authentication/.*", ("UserAuthenticationMethod.Read.All",)),
    (_READ, rf"users/{_ID}/manager", ("User.Read.All", "Directory.Read.All")),
    (_WRITE, rf"users/{_ID}/manager/\$ref", ("User.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, r"users(/.*)?", ("User.ReadBasic.All", "User.Read.All", "Directory.Read.All")),
    (_WRITE, r"invitations", ("User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All")),
    (_WRITE, r"users(/.*)?", ("User.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, rf"groups/{_ID}/(members|owners|transitiveMembers)(/.*)?", ("GroupMember.Read.All", "Group.Read.All")),
    (_WRITE, rf"groups/{_ID}/members(/{_ID})?/\$ref", ("GroupMember.ReadWrite.All", "Group.ReadWrite.All")),
    (_WRITE, rf"groups/{_ID}/owners(/{_ID})?/\$ref", ("Group.ReadWrite.All", "Directory.ReadWrite.All")),
    (_WRITE, rf"groups/{_ID}/assignLicense", ("LicenseAssignment.ReadWrite.All",)),
    (_READ, r"groups(/.*)?", ("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All")),
    (("POST",), r"groups", ("Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All")),
    (_WRITE, r"groups(/.*)?", ("Group.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, r"directory/deletedItems(/.*)?", ("User.Read.All", "Group.Read.All", "Directory.Read.All")),
    (_WRITE, r"directory/deletedItems/.*", ("User.DeleteRestore.All", "User.ReadWrite.All", "Group.ReadWrite.All")),
    (_READ, r"directory/administrativeUnits(/.*)?", ("AdministrativeUnit.Read.All", "Directory.Read.All")),
    (_WRITE, r"directory/administrativeUnits(/.*)?", ("AdministrativeUnit.ReadWrite.All",)),
    (("GET", "POST"), r"directoryObjects(/.*)?", ("Directory.Read.All",)),
    (_READ, r"devices(/.*)?", ("Device.Read.All", "Directory.Read.All")),
    (_WRITE, r"devices(/.*)?", ("Device.ReadWrite.All", "Directory.ReadWrite.All")),
    (_READ, r"contacts(/.*)?", ("OrgContact.Read.All", "Directory.Read.All")),
    (_READ, r"subscribedSkus(/.*)?", ("LicenseAssignment.Read.All", "Organization.Read.All", "Directory.Read.All")),
    (_READ, r"organization(/.*)?", ("User.Read", "Organization.Read.All", "Directory.Read.All")),
    (_READ, r"(applications|servicePrincipals)(/.*)?", ("Application.Read.All", "Directory.Read.All")),
    (_WRITE, rf"servicePrincipals/{_ID}/appRoleAssign.*", ("AppRoleAssignment.ReadWrite.All",)),
    (
        _WRITE,
        r"(applications|servicePrincipals)(/.*)?",
        ("Application.ReadWrite.OwnedBy", "Application.ReadWrite.All"),
    ),
    (_WRITE, r"oauth2PermissionGrants(/.*)?", ("DelegatedPermissionGrant.ReadWrite.All",)),
    (_READ, r"domains(/.*)?", ("Domain.Read.All", "Directory.Read.All")),
    (_READ, r"auditLogs/.*", ("AuditLog.Read.All",)),
    (_READ, r"admin/serviceAnnouncement/.*", ("ServiceMessage.Read.All", "ServiceHealth.Read.All")),
    (_WRITE, r"admin/serviceAnnouncement/.*", ("ServiceMessageViewpoint.Write",)),
)


class ServiceError(NamedTuple):
    """The contents of an error body.

    Args:
        code: Code of the service; empty if there is none.
        message: Message of the service, safe to show.
        inner: Inner error and details.
    """

    code: str = ""
    message: str = ""
    inner: Mapping[str, object] = {}


def check(response: Response) -> Operation[None]:
    """Raise the error of a response, unless it is successful or "not modified".

    Args:
        response: The response.

    Raises:
        GraphError: The service refused the request; 403, 404, 410 and 429 have subclasses.
        ServiceUnavailableError: The service failed (5xx) on every attempt.
        UnexpectedAnswerError: The response is a redirect.
    """
    if response.is_success or _is_unchanged(response):
        return
    error = error_of(response)
    if isinstance(error, ForbiddenError):
        held = held_of((yield HeldPermissions()))
        error.has = held
        error.remedy = _permission_remedy(error.needs, held)
    raise error


def error_of(response: Response) -> GraphError | NetworkError:
    """Return the error for an unsuccessful response."""
    status, request = response.status, response.request
    found = parse_error(response.body)
    host = shown_host(request.url)
    path = path_of(request.url)
    what = f"{request.method} {path if len(path) <= MAX_PATH else path[:MAX_PATH] + '…'}"
    tries = f" ({response.attempts} attempts)" if response.attempts > 1 else ""
    if 300 <= status < 400:
        return UnexpectedAnswerError(
            f"{host} answered {what} with a redirect, which is not followed for this method.",
            remedy="Check the address.", host=host, correlation_id=request.client_request_id,
            request_id=response.request_id, retryable=False,
        )  # fmt: skip
    if status >= 500 and not found.code:
        return ServiceUnavailableError(
            f"{host} failed with HTTP {status} for {what}{tries}.",
            remedy=_remedy_if_uncertain(response) or "Try again later; the service's status page lists its outages.",
            host=host, correlation_id=request.client_request_id, request_id=response.request_id,
        )  # fmt: skip
    fields: GraphFields = {
        "status": status, "code": found.code, "message": found.message, "inner": found.inner,
        "request_id": response.request_id, "client_request_id": request.client_request_id,
        "retryable": status == 429 or status >= 500,
    }  # fmt: skip
    problem = f"{what} was refused{tries}: {found.message or f'HTTP {status}.'}"
    if status == 429:
        return _throttled(response, f"{what}{tries}", fields)
    if status == 403:
        needs = permissions_for(request.method, path) if request.is_graph else ()
        return ForbiddenError(problem, needs=needs, **fields)
    fields["remedy"] = _remedy_if_uncertain(response) or _REMEDIES.get(status, "")
    if status == 404:
        return NotFoundError(problem, **fields)
    if status == 410 or found.code.lower() in _RESYNC:
        fields["remedy"] = "Start a new delta query, which reads everything again."
        return ResyncRequiredError(problem, location=response.headers.get("location", ""), **fields)
    return GraphError(problem, **fields)


def parse_error(body: bytes) -> ServiceError:
    """Parse an error body. Return an empty `ServiceError` if it is not one."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return ServiceError()
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if isinstance(error, str):
        return ServiceError(_text(error, MAX_CODE), _text(parsed.get("error_description") or parsed.get("message")))
    if not isinstance(error, dict):
        return ServiceError()
    inner = error.get("innerError") or error.get("innererror")
    members = dict(inner) if isinstance(inner, dict) else {}
    if isinstance(error.get("details"), list):
        members["details"] = error["details"]
    return ServiceError(_text(error.get("code"), MAX_CODE), _text(error.get("message")), members)


def permissions_for(method: str, path: str) -> tuple[str, ...]:
    """Return permissions for a call, the least privileged first; any one is enough. Empty if they are not known.

    Args:
        method: HTTP method, upper case.
        path: Path of the address of Microsoft Graph, with the version, and a gateway's path before it if there is one:
            `/v1.0/users/ada@contoso.com`.
    """
    found = re.fullmatch(r"(?:/.*?)?/(?:v1\.0|beta)/(.+?)/?", path)
    if found is None:
        return ()
    below = found[1]
    return next(
        (
            needed
            for methods, pattern, needed in _PERMISSIONS
            if method in methods and re.fullmatch(pattern, below, re.IGNORECASE)
        ),
        (),
    )


def _is_unchanged(response: Response) -> bool:
    """Return whether a response to a conditional request means "not modified" (RFC 9110, 15.4.5)."""
    return response.status == 304 and not {"if-none-match", "if-modified-since"}.isdisjoint(response.request.headers)


def _throttled(response: Response, what: str, fields: GraphFields) -> TooManyRequestsError:
    seconds = retry_after(response)
    pause = f" and requires a pause of {seconds:.0f} s" if seconds is not None else ""
    fields["remedy"] = "Try again later, with fewer requests at a time."
    host = shown_host(response.request.url)
    return TooManyRequestsError(f"{host} throttles {what}{pause}.", retry_after_s=seconds, **fields)


def _remedy_if_uncertain(response: Response) -> str:
    if response.status < 500 or response.request.is_idempotent:
        return ""
    return "Check whether the change was made before you repeat the request; the service did not say."


def _permission_remedy(needs: tuple[str, ...], held: tuple[str, ...]) -> str:
    has = f"The token has {', '.join(held)}" if held else "The token has no permissions"
    if not needs:
        return f"{has}. Look up which permission the call requires, get consent to it, and connect again."
    if set(needs) & set(held):
        return f"{has}, which is enough, but the user or app lacks a role in the directory."
    return f"{has}, but the call requires {' or '.join(needs)}. Get consent to it, and connect again."


def _text(value: object, longest: int = MAX_TEXT) -> str:
    if not isinstance(value, str):
        return ""
    from entrakit.redaction import redact

    return redact(one_line(value))[:longest]
