"""The answer at the redirect URI, from a browser or pasted."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import ParameterError
from entrakit.sign_in.redirect import NotOursError, parse_answer, parse_pasted

STATE = "s" * 43
HOME = "http://localhost"


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=8))
def test_parameters_are_read_by_name(parameters: dict[str, str]) -> None:
    """
    Parameters in any order and encoding are found by name (the original reads by position).
    """
    parameters = parameters | {"state": STATE}

    assert parameters == parse_answer(urlencode(parameters), state=STATE)


@given(st.text())
def test_any_other_text_is_not_ours(text: str) -> None:
    """
    A string without the right state is refused (checklist 3).
    """
    with pytest.raises(NotOursError):
        parse_answer(text, state=STATE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "code=x",
        f"code=x&state={STATE}x",
        f"code=x&state={STATE[:-1]}",
        f"code=x&state={STATE}&state={STATE}",
        f"code=x&code=y&state={STATE}",
        f"state={STATE}&x=%ff",
        f"state={STATE}" + "&a=1" * 50,
    ],
)
def test_a_doubtful_answer_is_refused(text: str) -> None:
    """
    A missing, wrong or repeated state, repeated parameters, bad encoding and too many parameters are refused.
    """
    with pytest.raises(NotOursError):
        parse_answer(text, state=STATE)


def test_an_error_is_an_answer() -> None:
    """
    An error with the right state is an answer: the caller explains it (checklist 12).
    """
    answer = parse_answer(f"error=access_denied&error_description=a+b&state={STATE}", state=STATE)

    assert ("access_denied", "a b") == (answer["error"], answer["error_description"])


@pytest.mark.parametrize(
    "pasted",
    [
        f"{HOME}/?code=a%3Db&state={STATE}",
        f"{HOME}?code=a%3Db&state={STATE}",
        f"{HOME}/#code=a%3Db&state={STATE}",
        f'  "{HOME}/?code=a%3Db&state={STATE}"\n',
        f"<{HOME}/?code=a%3Db&sta\nte={STATE}>",
        f"{HOME}:80/?code=a%3Db&state={STATE}",
    ],
)
def test_an_address_is_pasted_in_many_ways(pasted: str) -> None:
    """
    A pasted address may have quotes, brackets, line breaks, a query or a fragment.
    """
    assert "a=b" == parse_pasted(pasted, state=STATE, redirect_uri=HOME)["code"]


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("", "Nothing was pasted"),
        ("abcdef", "not a complete address"),
        (f"https://evil.example/?code=x&state={STATE}", "does not begin with"),
        (f"{HOME}:8080/?code=x&state={STATE}", "does not begin with"),
        (f"{HOME}/other?code=x&state={STATE}", "does not begin with"),
        ("https://login.microsoftonline.com/t/oauth2/v2.0/authorize?state=x", "sign-in link"),
        (f"{HOME}/?code=x", "another sign-in"),
        ("http://[::1", "not an address"),
    ],
)
def test_what_is_not_the_address_is_told(pasted: str, words: str) -> None:
    """
    Each mistake has its own message, which says what to paste.
    """
    with pytest.raises(ParameterError, match=words) as caught:
        parse_pasted(pasted, state=STATE, redirect_uri=HOME)

    assert caught.value.remedy


@given(st.text())
def test_any_paste_is_an_answer_or_an_error(text: str) -> None:
    """
    No pasted text causes a crash.
    """
    with pytest.raises(ParameterError):
        parse_pasted(text, state=STATE, redirect_uri=HOME)
