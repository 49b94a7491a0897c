"""Ending a user's sessions everywhere: Microsoft Graph's `revokeSignInSessions`.

Entra has no endpoint that revokes a single token (RFC 7009). This request ends all refresh tokens and browser sessions
of the user, of every app. It may take some minutes, and issued access tokens stay valid until they expire, except at
services with continuous access evaluation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit.errors import (
    ForbiddenError,
    GraphError,
    NetworkError,
    ParameterError,
    PermissionMissingError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from entrakit.connection import Connection

PERMISSION = "User.RevokeSessions.All"


def revoke_sign_ins(connection: Connection) -> None:
    """End all sessions and refresh tokens of a connection's user.

    Args:
        connection: A connection of a user.

    Raises:
        ParameterError: The connection is an app's, which has no sessions.
        PermissionMissingError: The app lacks the permission for this user.
        EntraError: No token, as for `Connection.token()`; or no usable answer (NetworkError).
    """
    settings = connection.info
    if settings.is_app:
        raise ParameterError(
            "An app has no sign-in sessions that could be revoked.",
            remedy="Disconnect without revoking. To shut the app out, remove its secret or certificate from its "
            "registration.",
        )
    graph = connection.graph
    try:
        graph.post("/me/revokeSignInSessions")
    except ForbiddenError as error:
        raise PermissionMissingError(
            "The app may not end the sessions of this user.",
            missing=[PERMISSION],
            remedy=f"Have an administrator consent to {PERMISSION} for the app {settings.client_id}, then connect "
            "again; or disconnect without revoking.",
        ) from error
    except GraphError as error:
        raise UnexpectedAnswerError(
            f"Microsoft Graph did not confirm the end of the sessions: HTTP {error.status}.",
            remedy="Try again, or disconnect without revoking.",
            host=graph.service.host,
            correlation_id=error.client_request_id,
            request_id=error.request_id,
        ) from error
    except NetworkError as error:
        if not error.outcome_unknown:
            raise
        # Sessions that have ended already can be ended again.
        raise NetworkError(
            error.problem,
            remedy="Try again, or disconnect without revoking.",
            host=error.host,
            correlation_id=error.correlation_id,
            request_id=error.request_id,
        ) from error
