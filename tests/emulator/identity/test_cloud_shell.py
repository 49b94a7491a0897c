"""Cloud Shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller
    from tests.emulator.identity.conftest import Program


def test_the_token_is_that_of_the_user(caller: Caller, on: Callable[..., Program]) -> None:
    """
    The token belongs to the user of the portal, and all values are strings.
    """
    body = on("cloud_shell").answered()

    assert all(isinstance(value, str) for value in body.values())
    assert {"expires_in", "expires_on", "resource", "token_type"} <= set(body)
    assert caller.tenant.users.normal.upn == caller.claims(body["access_token"])["upn"]
    assert 200 == caller.graph(body["access_token"]).status_code


def test_the_header_is_required(on: Callable[..., Program]) -> None:
    """
    A request without `Metadata: true` is refused.
    """
    response = on("cloud_shell").ask("", {})

    assert (400, "BadRequest") == (response.status_code, response.json()["error"]["code"])


def test_an_unknown_audience_is_refused(on: Callable[..., Program]) -> None:
    """
    The error lists the audiences that are supported.
    """
    for resource in ("https://nothing.example", "a b"):
        error = on("cloud_shell").ask(resource=resource).json()["error"]

        assert "AudienceNotSupported" == error["code"]
        assert f"Audience {resource} is not a supported MSI token audience" in error["message"]
        assert "https://graph.microsoft.com" in error["message"]
