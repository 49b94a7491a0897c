"""The simulated user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit_emulator.faults import CaptivePortal, Redirected
from entrakit_emulator.useragent import Page, Person

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller, Landing


@pytest.mark.parametrize(("mode", "method"), [("query", "GET"), ("form_post", "POST")])
def test_the_answer_is_delivered_to_loopback(caller: Caller, landing: Landing, mode: str, method: str) -> None:
    """
    Redirects and forms lead to the app, as in a browser; cookies are sent to the sign-in pages only.
    """
    page = caller.tenant.person().visit(caller.authorize_url(redirect_uri=landing.uri, response_mode=mode))

    ((came, headers, answer),) = landing.came
    assert ("Thank you", method, ["a-state"]) == (page.title, came, answer["state"])
    assert "Cookie" not in headers


def test_it_stands_in_for_a_browser(caller: Caller, landing: Landing) -> None:
    """
    `open_browser` returns True at once; the sign-in runs in parallel.
    """
    person = caller.tenant.person(caller.tenant.users.mfa)

    assert person.open_browser(caller.authorize_url(redirect_uri=landing.uri))
    person.wait()
    assert "code" in landing.came[0][2]


def test_it_goes_no_further_than_loopback(caller: Caller) -> None:
    """
    A redirect to another host is recorded and not followed.
    """
    person = caller.tenant.person()

    assert Page("https://evil.example/", 0, "") == person.visit("https://evil.example/")
    caller.tenant.faults.add(Redirected(endpoint="authorize", location="https://evil.example/"))
    assert "https://evil.example/" == person.visit(caller.authorize_url()).url


def test_it_may_cancel(caller: Caller) -> None:
    """
    The first page is cancelled, and the app gets the error.
    """
    person = caller.tenant.person()
    person.cancels = True

    assert "access_denied" == caller.answer(person)["error"]


def test_it_may_decline(caller: Caller) -> None:
    """
    The permissions are declined, and the app gets the error.
    """
    person = caller.tenant.person(caller.tenant.users.consent)
    person.accepts = False

    assert caller.answer(person)["error_description"].startswith("AADSTS65004")


def test_it_goes_back_where_only_an_administrator_can_help(caller: Caller) -> None:
    """
    The only button is pressed.
    """
    assert "access_denied" == caller.answer(scope="Directory.ReadWrite.All")["error"]


def test_it_stops_at_what_it_can_not_pass(caller: Caller) -> None:
    """
    A wrong password is sent once; the page with the error is the result.
    """
    page = Person(caller.tenant.url, caller.tenant.ca_path, "ada@contoso.example", "wrong").visit(
        caller.authorize_url()
    )

    assert "The password is wrong" in page.message


def test_it_signs_in_with_another_account(caller: Caller) -> None:
    """
    If other users are signed in with the browser, another account is used.
    """
    person = caller.tenant.person()
    caller.answer(person)
    person.upn, person._password = caller.tenant.users.consent.upn, caller.tenant.users.consent.password

    answer = caller.redeem(caller.code(person, prompt="select_account")).json()

    assert person.upn == caller.claims(answer["id_token"])["preferred_username"]


def test_it_signs_out(caller: Caller) -> None:
    """
    A deleted cookie is removed.
    """
    person = caller.tenant.person()
    caller.answer(person)
    before = set(person._cookies)

    person.visit(f"{caller.tenant.url}/{caller.tenant.tenant_id}/oauth2/v2.0/logout")

    assert 1 == len(before - set(person._cookies))


def test_a_page_without_form_is_the_end(caller: Caller) -> None:
    """
    A page without the expected form is returned.
    """
    caller.tenant.faults.add(CaptivePortal(endpoint="authorize"))

    assert "Welcome to our guest network" == caller.tenant.person().visit(caller.authorize_url()).title


def test_redirects_without_end_are_left(landing: Landing, caller: Caller) -> None:
    """
    A loop of redirects ends.
    """
    circle = caller.authorize_url()
    caller.tenant.faults.add(Redirected(endpoint="authorize", location=circle, times=None))

    assert 0 == caller.tenant.person().visit(circle).status


def test_other_pages_are_the_end_as_well(landing: Landing, caller: Caller) -> None:
    """
    A device page without a form is returned; a form that leads to itself ends, too.
    """
    person = Person(landing.uri, caller.tenant.ca_path, "ada@contoso.example", "x")
    first = person.approve_device("ABC")
    landing.page = "<form action='/'><input name=otc></form>"
    second = person.approve_device("ABC")

    assert ("Thank you", 200) == (first.title, second.status)
