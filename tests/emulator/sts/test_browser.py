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
    After a revocation the browser asks again.
    """
    signed_in(caller)
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)

    assert "Sign in" == read(caller.http.get(caller.authorize_url()).text).heading


def test_a_session_of_another_tenant_is_none_here(caller: Caller) -> None:
    """
    Who is signed in elsewhere is not offered in this tenant.
    """
    caller.tenant.seed.add_tenant("fabrikam.example")
    signed_in(caller)

    assert "Sign in" == read(caller.http.get(caller.authorize_url(at="fabrikam.example")).text).heading


def test_signing_out_ends_the_session(caller: Caller) -> None:
    """
    A page, or a redirect to an address that some app registered; never to another (OIDC RP-Initiated Logout, 3).
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
    HttpOnly, Secure, SameSite, of this host alone; the session gets a new name at each sign-in.
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
    A form counts only with its token, from its browser, from our pages (AADSTS165000).
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
    Whoever came by 127.0.0.1 may go on there.
    """
    page = caller.http.get(caller.authorize_url())
    port = caller.tenant.url.rpartition(":")[2]
    caller.headers = {"Host": f"127.0.0.1:{port}", "Origin": f"https://127.0.0.1:{port}"}

    assert "Enter your password" == read(send(caller, page, loginfmt="ada@contoso.example").text).heading


def test_a_form_of_another_browsers_sign_in_is_refused(caller: Caller) -> None:
    """
    A token that fits the browser does not open another browser's sign-in.
    """
    page = caller.http.get(caller.authorize_url())
    for interaction in caller.tenant._world.interactions.values():
        interaction.browser_id = "other"

    assert "AADSTS165000" in send(caller, page, loginfmt="ada@contoso.example").text
