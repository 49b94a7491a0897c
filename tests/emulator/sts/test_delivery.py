"""Delivery of answers to the redirect URI."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.emulator.sts.conftest import signed_in

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_an_answer_may_come_in_the_fragment(caller: Caller) -> None:
    """
    `response_mode=fragment` puts the code into the fragment, which servers do not get.
    """
    page = caller.tenant.person().visit(caller.authorize_url(response_mode="fragment"))

    assert "code=" in urlsplit(page.url).fragment
    assert "" == urlsplit(page.url).query


@pytest.mark.parametrize(("mode", "mark"), [("query", "?"), ("fragment", "#")])
def test_an_address_without_a_path_gets_its_slash(caller: Caller, mode: str, mark: str) -> None:
    """
    The service sends the answer for `http://localhost:7071` to `http://localhost:7071/`. The code is redeemed with the
    redirect URI of the request (service facts, 1.3; RFC 6749, 4.1.3).
    """
    uri = "http://localhost:7071"

    address = signed_in(caller, redirect_uri=uri, response_mode=mode).headers["location"]
    code = parse_qs(address.partition(mark)[2])["code"][0]

    assert f"{uri}/" == address.partition(mark)[0]
    assert "access_token" in caller.redeem(code, redirect_uri=uri).json()


def test_an_error_gets_the_slash_too(caller: Caller) -> None:
    """
    Errors are sent to the same address as codes.
    """
    response = caller.http.get(caller.authorize_url(redirect_uri="http://localhost:7071", scope="User.Fly"))

    assert "http://localhost:7071/" == response.headers["location"].partition("?")[0]


def test_an_answer_may_come_as_a_form(caller: Caller) -> None:
    """
    `form_post` is a page that posts itself, escaped, with a button for browsers without scripts (OAuth 2.0 Form Post,
    2).
    """
    person = caller.tenant.person()
    page = person.visit(caller.authorize_url(response_mode="form_post", state='"><script>alert(1)</script>'))

    form_page = person.pages[-2]
    assert caller.native == page.url
    assert "<script>alert" not in form_page.text
    assert 'name="state" value="&quot;&gt;&lt;script&gt;' in form_page.text
    assert 1 == form_page.text.count("<script>")
    assert '<button class="main">' in form_page.text


def test_an_error_may_come_as_a_form(caller: Caller) -> None:
    """
    Errors use the requested response mode, too, with suberror and the address of an explanation.
    """
    caller.tenant.person().visit(caller.authorize_url())
    response = caller.http.get(caller.authorize_url(response_mode="form_post", scope="User.Fly"))

    assert 200 == response.status_code
    assert 'value="invalid_client"' in response.text
