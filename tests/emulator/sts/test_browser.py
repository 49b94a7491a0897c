"""Browser sessions, cookies and forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.sts.conftest import send, signed_in

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_revoked_sessions_are_none(caller: Caller) -> None:
    """
    After a revocation, the browser gets the sign-in page again.
    """
    signed_in(caller)
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    assert "Sign in" == read(caller.http.get(caller.authorize_url()).text).heading


def test_a_session_of_another_tenant_is_none_here(caller: Caller) -> None:
    """
    A user who is signed in to another tenant is not offered.
    """
    caller.tenant.seed.add_tenant("fabrikam.example")
    signed_in(caller)

    assert "Sign in" == read(caller.http.get(caller.authorize_url(at="fabrikam.example")).text).heading


def test_signing_out_ends_the_session(caller: Caller) -> None:
    """
    The answer is a page, or a redirect to a registered URI only (OIDC RP-Initiated Logout, 3).
    """
    signed_in(caller)
    path = f"/{caller.tenant.tenant_id}/oauth2/v2.0/logout"

    page = caller.http.get(path)
    known = caller.http.get(path, params={"post_logout_redirect_uri": caller.native})
    unknown = caller.http.get(path, params={"post_logout_redirect_uri": "https://evil.example/"})

    assert "You're signed out" == read(page.text).heading
    assert caller.native == known.headers["location"]
    assert 200 == unknown.status_code
    assert "Sign in" == read(caller.http.get(caller.authorize_url()).text).heading


def test_cookies_are_kept_from_scripts_and_plain_http(caller: Caller) -> None:
    """
    Cookies are HttpOnly, Secure, SameSite and for this host only; the session gets a new id at each sign-in.
    """
    first, second = signed_in(caller), signed_in(caller, prompt="login")
    cookies = [*first.headers.get_list("set-cookie"), *second.headers.get_list("set-cookie")]

    assert 2 == len({one.partition(";")[0] for one in cookies})
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"httponly", "secure", "samesite=lax", "path=/"} <= set(cookie.lower().split("; "))
        assert "domain" not in cookie.lower()


@pytest.mark.parametrize("what", ["csrf", "cookie", "origin", "flow"])
def test_forged_forms_are_refused(caller: Caller, what: str) -> None:
    """
    A form is accepted only with its token, from its browser, and from a page of the tenant (AADSTS165000).
    """
    page = caller.http.get(caller.authorize_url())
    fields = {"loginfmt": caller.tenant.users.normal.upn}
    if what == "csrf":
        fields["csrf"] = "0" * 64
    elif what == "flow":
        fields["flow"] = "other"
    elif what == "cookie":
        caller.http.cookies.clear()
    else:
        caller.headers = {"Origin": "https://evil.example"}

    response = send(caller, page, **fields)

    assert (400, "We can't sign you in") == (response.status_code, read(response.text).heading)
    assert "AADSTS165000" in response.text


def test_our_own_forms_are_known_by_every_loopback_name(caller: Caller) -> None:
    """
    A browser that came to 127.0.0.1 can continue there.
    """
    page = caller.http.get(caller.authorize_url())
    port = caller.tenant.url.rpartition(":")[2]
    caller.headers = {"Host": f"127.0.0.1:{port}", "Origin": f"https://127.0.0.1:{port}"}

    assert "Enter your password" == read(send(caller, page, loginfmt="ada@contoso.example").text).heading


def test_a_form_of_another_browsers_sign_in_is_refused(caller: Caller) -> None:
    """
    A valid token of one browser is refused for the sign-in of another browser.
    """
    page = caller.http.get(caller.authorize_url())
    for interaction in caller.tenant._world.interactions.values():
        interaction.browser_id = "other"

    assert "AADSTS165000" in send(caller, page, loginfmt="ada@contoso.example").text
