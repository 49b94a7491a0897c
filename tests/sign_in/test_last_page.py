"""The last page of a browser sign-in: self-contained, and safe with any content."""

from __future__ import annotations

import base64
import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from entrakit.sign_in.last_page import POLICY, failure_page, stranger_page, success_page


def test_the_style_is_the_one_that_the_policy_allows() -> None:
    """
    The only style of the page has the hash that its policy names; nothing else is allowed (checklist 11).
    """
    style = re.search(r"<style>(.*?)</style>", success_page("ada"), re.DOTALL)

    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in POLICY
    assert POLICY.startswith("default-src 'none'")


@given(st.text(), st.text(), st.text())
def test_what_others_say_stays_text(problem: str, remedy: str, reference: str) -> None:
    """
    For any message of the service, no tag, no attribute, no control or direction character gets into the page.
    """
    plain = failure_page("", "", "")
    page = failure_page(problem, remedy, reference)

    kinds = ("<h1", "<script", "<img", "<a ", "<main")
    assert [plain.count(kind) for kind in kinds] == [page.count(kind) for kind in kinds]
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", page)


def test_pages_load_nothing_from_elsewhere() -> None:
    """
    The page has no script, no link, and no address of another host.
    """
    for page in (success_page("ada@contoso.com"), failure_page("a", "b", "c"), stranger_page()):
        assert "://" not in page
        assert "<script" not in page
        assert 'lang="en"' in page


def test_an_unknown_account_is_not_named() -> None:
    """
    Without an account, the page only reports the success.
    """
    assert "You are signed in." in success_page("")
    assert "<strong>a&lt;b&gt;</strong>" in success_page("a<b>")


def test_a_long_text_is_cut() -> None:
    """
    The length of the page is bounded.
    """
    assert len(failure_page("x" * 10**6, "", "")) < 10**4
