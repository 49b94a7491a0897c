"""Sign-in: accounts, passwords, second factor, sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.sts.conftest import answer_of, at_password, send, signed_in

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_the_second_factor_is_asked_for(caller: Caller) -> None:
    """
    A wrong code shows the page again, the right one continues; spaces around it are ignored.
    """
    page = signed_in(caller, "mfa")
    wrong = send(caller, page, otc="000000")
    right = send(caller, wrong, otc=" 246810 ")

    assert "Verify your identity" == read(page.text).heading
    assert "is wrong" in read(wrong.text).message
    assert "code" in answer_of(right)


@pytest.mark.parametrize("mode", ["query", "fragment"])
@pytest.mark.parametrize("state", ["a-state", ""])
def test_cancelling_is_told_to_the_app(caller: Caller, mode: str, state: str) -> None:
    """
    Cancel gives `access_denied` with `error_subcode=cancel`, from every page (service facts, 1.3).
    """
    response = send(caller, at_password(caller, response_mode=mode, state=state), action="cancel")

    assert "error=access_denied&error_subcode=cancel" in response.headers["location"]
    assert bool(state) == ("state=" in response.headers["location"])
    assert "access_denied" == caller.tenant.journal.entries[-1].error


def test_a_session_signs_in_silently(caller: Caller) -> None:
    """
    A session signs in without a page: without prompt, with `none`, and with the hint of the signed-in user.
    """
    signed_in(caller)

    for changes in ({}, {"prompt": "none"}, {"login_hint": "ADA@contoso.example"}):
        assert "code" in answer_of(caller.http.get(caller.authorize_url(**changes)))


def test_the_session_keeps_its_time_and_methods(caller: Caller) -> None:
    """
    A silent sign-in has the session, methods and `auth_time` of the earlier one (OpenID Connect Core, 2).
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
    A session older than `max_age` is ignored (OpenID Connect Core, 3.1.2.1).
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
    `login` shows the password page, `select_account` the accounts, and a hint skips the name (service facts, 1.3).
    """
    signed_in(caller)

    assert heading == read(caller.http.get(caller.authorize_url(**changes)).text).heading


def test_an_account_is_picked(caller: Caller) -> None:
    """
    With several signed-in users, the browser shows a choice; a picked account needs no password.
    """
    signed_in(caller)
    send(caller, signed_in(caller, "mfa", prompt="login"), otc="246810")
    page = caller.http.get(caller.authorize_url())
    users = caller.tenant.users

    picked = answer_of(send(caller, page, account=users.mfa.object_id))

    assert "Pick an account" == read(page.text).heading
    assert [users.normal.object_id, users.mfa.object_id, "other"] == [
        one.value
        for one in read(page.text).form.buttons[:3]  # type: ignore[union-attr] # the form exists
    ]
    claims = caller.claims(caller.redeem(picked["code"]).json()["id_token"])
    assert users.mfa.upn == claims["preferred_username"]


def test_an_account_that_is_picked_for_a_fresh_sign_in_shows_its_password(caller: Caller) -> None:
    """
    `prompt=login` requires the password even for a picked account.
    """
    signed_in(caller)
    page = caller.http.get(caller.authorize_url(prompt="login"))

    picked = send(caller, page, account=caller.tenant.users.normal.object_id)

    assert "Enter your password" == read(picked.text).heading


def test_another_account_may_be_used(caller: Caller) -> None:
    """
    "Use another account" shows the name page; so does an unknown id.
    """
    signed_in(caller)
    page = caller.http.get(caller.authorize_url(prompt="select_account"))

    forged = send(caller, page, account=caller.tenant.users.mfa.object_id)
    other = send(caller, page, account="other")

    assert "no account" in read(forged.text).message
    assert "Sign in" == read(other.text).heading


def test_a_picked_account_without_second_factor_is_asked_for_it(caller: Caller) -> None:
    """
    A session without the second factor of the account continues with it; `none` is refused.
    """
    signed_in(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"mfa_code": "1"})

    page = caller.http.get(caller.authorize_url())
    silent = answer_of(caller.http.get(caller.authorize_url(prompt="none")))

    assert "Verify your identity" == read(page.text).heading
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
    A disabled account is refused in spite of its session, and the app gets the error.
    """
    signed_in(caller)
    caller.tenant.seed.change_user(caller.tenant.users.normal.upn, {"is_enabled": False})

    assert "AADSTS50057" in caller.http.get(caller.authorize_url()).headers["location"].replace("+", " ")


def test_a_wrong_hint_can_be_left(caller: Caller) -> None:
    """
    A user with a wrong `login_hint` can go back to the name page, also if the hint is unknown.
    """
    page = caller.http.get(caller.authorize_url(login_hint="nobody@contoso.example"))

    wrong = send(caller, page, passwd="x")
    other = send(caller, wrong, action="other")

    assert "This tenant has no account with that name" in read(wrong.text).message
    assert "Sign in" == read(other.text).heading
    assert "Enter your password" == read(send(caller, other, loginfmt="ada@contoso.example").text).heading


def test_a_finished_sign_in_can_not_be_repeated(caller: Caller) -> None:
    """
    Sending the last form of a finished sign-in again gives a page with an error (AADSTS50089).
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
    A GET of the form's address is refused.
    """
    assert 405 == caller.http.get(f"/{caller.tenant.tenant_id}/login").status_code
