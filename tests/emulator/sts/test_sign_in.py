"""Signing in: accounts, passwords, second factor, consent, sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller

ASSIGNED = "c3e66176-09f5-4bfa-b91b-508b6cd98062"
ADMIN_SCOPE = "User.Read Directory.ReadWrite.All"


def send(caller: Caller, page: httpx2.Response, **fields: str) -> httpx2.Response:
    """Send the form of a page with what was typed."""
    form = read(page.text).form
    assert form
    return caller.http.post(form.action, data=form.hidden | {"action": "go"} | fields, headers=caller.headers)


def at_password(caller: Caller, user: str = "normal", **changes: str) -> httpx2.Response:
    """Return the page that asks for the password."""
    page = caller.http.get(caller.authorize_url(**changes))
    return send(caller, page, loginfmt=getattr(caller.tenant.users, user).upn)


def signed_in(caller: Caller, user: str = "normal", **changes: str) -> httpx2.Response:
    """Return what comes after the password."""
    return send(caller, at_password(caller, user, **changes), passwd=getattr(caller.tenant.users, user).password)


def answer_of(response: httpx2.Response) -> dict[str, str]:
    """Return what a redirect carries."""
    query = parse_qs(urlsplit(response.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "no account with that name"),
        ("nobody@contoso.example", "no account with that name"),
        ("ann@federated.example", "no account with that name"),
        ("fay@fabrikam.example", "in another tenant"),
    ],
)
def test_unknown_names_are_told(caller: Caller, name: str, words: str) -> None:
    """
    A name that is none here stays on the page, with a message that is read out (role=alert), the name kept.
    """
    other = caller.tenant.seed.add_tenant("fabrikam.example")
    caller.tenant.seed.add_user("fay@fabrikam.example", "Password-1", tenant_id=other.tenant_id)

    page = send(caller, caller.http.get(caller.authorize_url()), loginfmt=name)

    assert "Sign in" == read(page.text).heading
    assert words in read(page.text).message
    assert f'value="{name}"' in page.text


@pytest.mark.parametrize(
    ("user", "typed", "words"),
    [
        ("normal", "wrong", "The password is not right"),
        ("normal", "", "The password is not right"),
        ("disabled", "", "disabled"),
        ("locked", "", "locked"),
        ("expired", "", "expired"),
        ("blocked", "", "policy"),
        ("passwordless", "x", "no password"),
    ],
)
def test_who_may_not_sign_in_is_told(caller: Caller, user: str, typed: str, words: str) -> None:
    """
    Each account that can't sign in says why, on the page, in plain words.
    """
    password = typed if typed or user == "normal" else getattr(caller.tenant.users, user).password

    page = send(caller, at_password(caller, user), passwd=password)

    assert words in read(page.text).message
    assert "Enter your password" == read(page.text).heading


def test_who_is_not_assigned_is_told(caller: Caller) -> None:
    """
    An app that needs assignment lets others in nowhere (AADSTS50105).
    """
    assert "not assigned" in read(signed_in(caller, client_id=ASSIGNED).text).message
    assert "code" in caller.answer(caller.tenant.person(caller.tenant.users.mfa), client_id=ASSIGNED)


def test_the_second_factor_is_asked_for(caller: Caller) -> None:
    """
    A wrong code stays, the right one goes on; spaces around it are not looked at.
    """
    page = signed_in(caller, "mfa")
    wrong = send(caller, page, otc="000000")
    right = send(caller, wrong, otc=" 246810 ")

    assert "Prove it's you" == read(page.text).heading
    assert "not right" in read(wrong.text).message
    assert "code" in answer_of(right)


def test_permissions_are_asked_for_in_words(caller: Caller) -> None:
    """
    Who granted nothing yet sees what the app asks for, and what it means.
    """
    page = signed_in(caller, "consent", scope="User.Read Mail.Read openid offline_access")

    assert "Permissions requested" == read(page.text).heading
    for words in ("Contoso Desk", "Read your profile", "Read your mail", "Sign you in", "Keep the access"):
        assert words in page.text
    assert "code" in answer_of(send(caller, page, action="accept"))


def test_permissions_are_asked_for_once(caller: Caller) -> None:
    """
    What was granted is not asked for again; what is new is.
    """
    cora = caller.tenant.person(caller.tenant.users.consent)
    caller.answer(cora)
    seen = len(cora.pages)
    caller.answer(cora)
    caller.answer(cora, scope="User.Read Mail.Read")

    titles = [page.title for page in cora.pages[seen:] if page.title]
    assert ["Permissions requested"] == titles


def test_an_app_that_asks_for_nothing_is_asked_about_once(caller: Caller) -> None:
    """
    Signing in alone needs consent as well, the first time.
    """
    cora = caller.tenant.person(caller.tenant.users.consent)
    caller.answer(cora, scope="openid")
    seen = len(cora.pages)
    caller.answer(cora, scope="openid")

    assert 1 == len(cora.pages) - seen


def test_default_asks_for_what_is_registered(caller: Caller) -> None:
    """
    `.default` shows the permissions that the app is registered with.
    """
    page = signed_in(caller, "consent", scope="https://graph.microsoft.com/.default")

    assert "Read your profile" in page.text
    assert "Keep the access" not in page.text


def test_declining_is_told_to_the_app(caller: Caller) -> None:
    """
    `access_denied`, AADSTS65004 (service facts, 1.3).
    """
    answer = answer_of(send(caller, signed_in(caller, "consent"), action="decline"))

    assert "access_denied" == answer["error"]
    assert answer["error_description"].startswith("AADSTS65004: User declined to consent")


@pytest.mark.parametrize("mode", ["query", "fragment"])
@pytest.mark.parametrize("state", ["a-state", ""])
def test_cancelling_is_told_to_the_app(caller: Caller, mode: str, state: str) -> None:
    """
    `access_denied` with `error_subcode=cancel`, from every page (service facts, 1.3).
    """
    response = send(caller, at_password(caller, response_mode=mode, state=state), action="cancel")

    assert "error=access_denied&error_subcode=cancel" in response.headers["location"]
    assert bool(state) == ("state=" in response.headers["location"])
    assert "access_denied" == caller.tenant.journal.entries[-1].error


def test_what_only_an_administrator_may_grant(caller: Caller) -> None:
    """
    The page says so and offers the way back only; a forged yes is refused (AADSTS90094).
    """
    page = signed_in(caller, scope=ADMIN_SCOPE)
    forged = send(caller, page, action="accept")

    assert "An administrator has to approve" == read(page.text).heading
    assert "Change the directory" in page.text
    assert "administrator" in read(forged.text).message
    assert "access_denied" == answer_of(send(caller, page, action="decline"))["error"]


def test_prompt_consent_asks_again(caller: Caller) -> None:
    """
    `prompt=consent` shows what was granted before.
    """
    page = signed_in(caller, prompt="consent")

    assert "Permissions requested" == read(page.text).heading
    assert "Read all profiles" in page.text
    assert "code" in answer_of(send(caller, page, action="accept"))


def test_a_session_signs_in_silently(caller: Caller) -> None:
    """
    Once signed in, the browser is let through: without prompt, with `none`, and with the hint of who is signed in.
    """
    signed_in(caller)

    for changes in ({}, {"prompt": "none"}, {"login_hint": "ADA@contoso.example"}):
        assert "code" in answer_of(caller.http.get(caller.authorize_url(**changes)))


def test_the_session_keeps_its_time_and_methods(caller: Caller) -> None:
    """
    A silent sign-in is the old one: same session, same methods, an `auth_time` of then (OpenID Connect Core, 2).
    """
    then = int(caller.tenant.clock.now())
    send(caller, signed_in(caller, "mfa"), otc="246810")
    caller.tenant.clock.advance(100)

    code = answer_of(caller.http.get(caller.authorize_url(max_age="1000")))["code"]
    answer = caller.redeem(code).json()

    assert abs(then - caller.claims(answer["id_token"])["auth_time"]) <= 1
    assert ["pwd", "mfa"] == caller.claims(answer["access_token"])["amr"]


def test_max_age_asks_for_a_newer_sign_in(caller: Caller) -> None:
    """
    A session older than `max_age` is none (OpenID Connect Core, 3.1.2.1).
    """
    signed_in(caller)
    caller.tenant.clock.advance(100)

    assert "Sign in" == read(caller.http.get(caller.authorize_url(max_age="60")).text).heading


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({"prompt": "login"}, "Sign in"),
        ({"prompt": "login", "login_hint": "ada@contoso.example"}, "Enter your password"),
        ({"prompt": "select_account"}, "Pick an account"),
        ({"prompt": "select_account", "login_hint": "ada@contoso.example"}, "Pick an account"),
        ({"login_hint": "mia@contoso.example"}, "Enter your password"),
    ],
)
def test_prompts_show_their_page(caller: Caller, changes: dict[str, str], heading: str) -> None:
    """
    Login asks for the password again, select_account for who it is, a hint spares the name (service facts, 1.3).
    """
    signed_in(caller)

    assert heading == read(caller.http.get(caller.authorize_url(**changes)).text).heading


def test_an_account_is_picked(caller: Caller) -> None:
    """
    With several people signed in, the browser asks which; picking one needs no password.
    """
    signed_in(caller)
    send(caller, signed_in(caller, "mfa", prompt="login"), otc="246810")
    page = caller.http.get(caller.authorize_url())
    users = caller.tenant.users

    picked = answer_of(send(caller, page, account=users.mfa.object_id))

    assert "Pick an account" == read(page.text).heading
    assert [users.normal.object_id, users.mfa.object_id, "other"] == [
        one.value
        for one in read(page.text).form.buttons[:3]  # type: ignore[union-attr] # there is one
    ]
    claims = caller.claims(caller.redeem(picked["code"]).json()["id_token"])
    assert users.mfa.upn == claims["preferred_username"]


def test_an_account_that_is_picked_for_a_fresh_sign_in_shows_its_password(caller: Caller) -> None:
    """
    `prompt=login` asks for the password even of an account that a form picks.
    """
    signed_in(caller)
    page = caller.http.get(caller.authorize_url(prompt="login"))

    picked = send(caller, page, account=caller.tenant.users.normal.object_id)

    assert "Enter your password" == read(picked.text).heading


def test_another_account_may_be_used(caller: Caller) -> None:
    """
    "Use another account" asks for a name; an id that is nobody's here does as well.
    """
    signed_in(caller)
    page = caller.http.get(caller.authorize_url(prompt="select_account"))

    forged = send(caller, page, account=caller.tenant.users.mfa.object_id)
    other = send(caller, page, account="other")

    assert "no account" in read(forged.text).message
    assert "Sign in" == read(other.text).heading


def test_a_picked_account_without_second_factor_is_asked_for_it(caller: Caller) -> None:
    """
    A session that lacks what the account now demands goes on with the second step; `none` is refused.
    """
    signed_in(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"mfa_code": "1"})

    page = caller.http.get(caller.authorize_url())
    silent = answer_of(caller.http.get(caller.authorize_url(prompt="none")))

    assert "Prove it's you" == read(page.text).heading
    assert ("interaction_required", "AADSTS50076") == (silent["error"], silent["error_description"][:11])
    assert "code" in answer_of(send(caller, page, otc="1"))


def test_silent_requests_are_refused_where_something_is_to_be_asked(caller: Caller) -> None:
    """
    `prompt=none` never shows a page: consent_required, interaction_required, login_required (OIDC Core, 3.1.2.6).
    """
    signed_in(caller)
    consent = answer_of(caller.http.get(caller.authorize_url(prompt="none", scope="Mail.Read")))
    other = answer_of(caller.http.get(caller.authorize_url(prompt="none", login_hint="mia@contoso.example")))
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"is_enabled": False})
    disabled = answer_of(caller.http.get(caller.authorize_url(prompt="none")))

    assert ["consent_required", "login_required", "interaction_required"] == [
        one["error"] for one in (consent, other, disabled)
    ]


def test_who_was_disabled_is_refused_with_a_session(caller: Caller) -> None:
    """
    A session does not help a disabled account; the app is told.
    """
    signed_in(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"is_enabled": False})

    assert "AADSTS50057" in caller.http.get(caller.authorize_url()).headers["location"].replace("+", " ")


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


def test_a_wrong_hint_can_be_left(caller: Caller) -> None:
    """
    Who was sent with somebody else's name goes back to the name, also where that name is nobody's.
    """
    page = caller.http.get(caller.authorize_url(login_hint="nobody@contoso.example"))

    wrong = send(caller, page, passwd="x")
    other = send(caller, wrong, action="other")

    assert "no account with that name" in read(wrong.text).message
    assert "Sign in" == read(other.text).heading
    assert "Enter your password" == read(send(caller, other, loginfmt="ada@contoso.example").text).heading


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


def test_a_finished_sign_in_can_not_be_repeated(caller: Caller) -> None:
    """
    Going back and sending the last form again is answered with a page (AADSTS50089).
    """
    page = at_password(caller)
    send(caller, page, passwd=caller.tenant.users.normal.password)

    assert "AADSTS50089" in send(caller, page, passwd=caller.tenant.users.normal.password).text


def test_an_old_page_shows_what_is_due(caller: Caller) -> None:
    """
    The form of an earlier step changes nothing.
    """
    first = caller.http.get(caller.authorize_url())
    send(caller, first, loginfmt=caller.tenant.users.normal.upn)

    again = send(caller, first, loginfmt=caller.tenant.users.mfa.upn)

    assert "Enter your password" == read(again.text).heading
    assert caller.tenant.users.normal.upn in again.text


def test_forms_are_posted_only(caller: Caller) -> None:
    """
    The address of the forms shows nothing by itself.
    """
    assert 405 == caller.http.get(f"/{caller.tenant.tenant_id}/login").status_code


def test_what_people_type_is_escaped(caller: Caller) -> None:
    """
    Nothing typed becomes part of a page.
    """
    page = send(caller, caller.http.get(caller.authorize_url()), loginfmt='"><script>alert(1)</script>')

    assert "<script>" not in page.text
