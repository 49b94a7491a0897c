"""The page for device codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.page_reader import read

if TYPE_CHECKING:
    import httpx2
    from tests.emulator.conftest import Caller


def typed(caller: Caller, code: str, **fields: str) -> httpx2.Response:
    """Send a typed code."""
    form = read(caller.http.get("/devicelogin").text).form
    assert form
    return caller.http.post("/devicelogin", data=form.hidden | {"otc": code, "action": "go"} | fields)


def test_the_page_may_be_filled_in_beforehand(caller: Caller) -> None:
    """
    `?otc=` fills the field, escaped, and sends nothing.
    """
    page = caller.http.get("/devicelogin", params={"otc": 'AB"C'})

    assert 'value="AB&quot;C"' in page.text


@pytest.mark.parametrize("change", [str, str.lower, lambda code: f" {code[:3]}-{code[3:]} "])
def test_case_and_separators_do_not_matter(caller: Caller, change: object) -> None:
    """
    Case and separators of a typed code are ignored (RFC 8628, 6.1).
    """
    assert callable(change)
    page = typed(caller, change(caller.device()["user_code"]))

    assert "Sign in" == read(page.text).heading


def test_wrong_codes_are_told(caller: Caller) -> None:
    """
    A missing, an unknown, an expired and a used code each have their own message.
    """
    used, expired = caller.device(), caller.device()
    caller.tenant.person().deny_device(used["user_code"])

    empty = typed(caller, " ")
    unknown = typed(caller, "ZZZZZZZZZ")
    again = typed(caller, used["user_code"])
    caller.tenant.clock.advance(901)
    late = typed(caller, expired["user_code"])

    assert ["Type the code", "didn't work", "used already", "has expired"] == [
        words
        for words, page in zip(
            ["Type the code", "didn't work", "used already", "has expired"], [empty, unknown, again, late], strict=True
        )
        if words in read(page.text).message
    ]


def test_the_page_may_be_left(caller: Caller) -> None:
    """
    Cancel neither signs in nor declines.
    """
    device = caller.device()

    page = typed(caller, device["user_code"], action="cancel")

    assert "Sign-in cancelled" == read(page.text).heading
    assert "authorization_pending" == caller.poll(device["device_code"]).json()["error"]


def test_forged_forms_are_refused(caller: Caller) -> None:
    """
    A form from another site is refused (AADSTS165000).
    """
    response = caller.http.post("/devicelogin", data={"otc": caller.device()["user_code"]})

    assert "AADSTS165000" in response.text


@pytest.mark.parametrize("user", ["normal", "mfa", "consent"])
def test_the_person_confirms_the_app(caller: Caller, user: str) -> None:
    """
    After the sign-in, the user confirms having started it (RFC 8628, 5.4), and then consents.
    """
    person = caller.tenant.person(getattr(caller.tenant.users, user))

    page = person.approve_device(caller.device()["user_code"])

    titles = [one.title for one in person.pages]
    assert "Are you trying to sign in to Contoso Desk?" in titles
    assert (user == "consent") == ("Permissions requested" in titles)
    assert "You're signed in" == page.title


def test_declining_permissions_declines_the_device(caller: Caller) -> None:
    """
    Without consent the device is declined.
    """
    device = caller.device()
    person = caller.tenant.person(caller.tenant.users.consent)
    person.accepts = False

    page = person.approve_device(device["user_code"])

    assert "Sign-in cancelled" == page.title
    assert "authorization_declined" == caller.poll(device["device_code"]).json()["error"]


def test_a_session_spares_the_password(caller: Caller) -> None:
    """
    A user who is signed in with the browser picks the account and confirms.
    """
    person = caller.tenant.person()
    caller.answer(person)
    seen = len(person.pages)

    person.approve_device(caller.device()["user_code"])

    assert ["Enter code", "Pick an account", "Are you trying to sign in to Contoso Desk?", "You're signed in"] == [
        page.title for page in person.pages[seen:]
    ]


def test_who_was_disabled_at_the_last_moment_signs_no_device_in(caller: Caller) -> None:
    """
    The account is checked again at the end, and the page shows the error.
    """
    person = caller.tenant.person()
    caller.answer(person)
    caller.tenant.seed.change_user(person.upn, {"is_blocked": True})
    device = caller.device()

    page = person.approve_device(device["user_code"])

    assert "We can't sign you in" == page.title
    assert "AADSTS53003" in page.text
    assert "authorization_pending" == caller.poll(device["device_code"]).json()["error"]


def test_a_person_of_another_tenant_is_refused(caller: Caller) -> None:
    """
    The user must belong to the tenant in the device's request.
    """
    caller.tenant.seed.add_tenant("fabrikam.example")
    code = caller.post(
        "/oauth2/v2.0/devicecode",
        {"client_id": caller.tenant.public_client, "scope": "User.Read"},
        at="fabrikam.example",
    ).json()["user_code"]

    assert "belongs to another tenant" in caller.tenant.person().approve_device(code).message
