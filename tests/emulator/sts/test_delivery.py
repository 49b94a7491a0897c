"""Delivery of answers to the redirect URI."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_an_answer_may_come_in_the_fragment(caller: Caller) -> None:
    """
    `response_mode=fragment` puts the code into the fragment, which servers do not get.
    """
    page = caller.tenant.person().visit(caller.authorize_url(response_mode="fragment"))

    assert "code=" in urlsplit(page.url).fragment
    assert "" == urlsplit(page.url).query


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
