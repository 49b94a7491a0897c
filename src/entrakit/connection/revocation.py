"""Ending a person's sessions everywhere: Microsoft Graph's `revokeSignInSessions`.

Entra has no endpoint to revoke a single token (RFC 7009). What there is ends all refresh tokens and browser sessions of
the person, of every app; it may take some minutes, and access tokens that were handed out stay valid until they end,
except at services with continuous access evaluation.
"""

from __future__ import annotations

from entrakit.errors import ParameterError, PermissionMissingError, UnexpectedAnswerError
from entrakit.http.address import shown_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from entrakit.connection import Connection

PERMISSION = "User.RevokeSessions.All"


def revoke_sign_ins(connection: Connection) -> None:
    """End all sessions and refresh tokens of the person that a connection stands for.

    Args:
        connection: A connection of a person.

    Raises:
        ParameterError: It is an app's, which has no sessions.
        PermissionMissingError: The app may not do this for the person.
        EntraError: No token, as for `Connection.token()`; or no usable answer (NetworkError).
    """
    settings = connection.settings
    if settings.is_app:
        raise ParameterError(
            "An app has no sign-in sessions that could be revoked.",
            remedy="Disconnect without it; to shut the app out, remove its secret or certificate in its registration.",
        )
    origin = settings.cloud.graph_url or settings.cloud.graph
    headers = connection.headers(f"{settings.cloud.graph}/.default")
    answer = connection.open_transport().send("POST", f"{origin}/v1.0/me/revokeSignInSessions", headers=headers)
    # Recorded answers have 200 and `"value": true`; older documentation has 204.
    if answer.status in (200, 204):
        return
    request_id = answer.headers.get("request-id", "")
    if answer.status == 403:
        raise PermissionMissingError(
            "The app may not end the sessions of this person.",
            missing=[PERMISSION],
            remedy=f"Have an administrator consent to {PERMISSION} for the app {settings.client_id} and connect again; "
            "or disconnect without it.",
        )
    raise UnexpectedAnswerError(
        f"Microsoft Graph did not end the sessions: HTTP {answer.status}.",
        remedy="Try again; or disconnect without it.",
        host=shown_host(origin),
        correlation_id=request_id,
    )
