"""The answer at the redirect URI, from a browser or pasted."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit.errors import ParameterError
from entrakit.sign_in.redirect import NotOursError, check_redirect_uri, parse_answer, parse_pasted

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


NATIVE = "https://login.microsoftonline.com/common/oauth2/nativeclient"


@pytest.mark.parametrize(
    ("redirect_uri", "pasted", "is_answer"),
    [
        (NATIVE, f"{NATIVE}?code=x&state={STATE}", True),
        (NATIVE, f"https://login.microsoftonline.com:443/common/oauth2/nativeclient?code=x&state={STATE}", True),
        (NATIVE, f"http://localhost/?code=x&state={STATE}", False),
        (f"{HOME}:8400/in", f"{HOME}:8400/in?code=x&state={STATE}", True),
        (f"{HOME}:8400/in", f"{HOME}:8401/in?code=x&state={STATE}", False),
        (f"{HOME}:8400/in", f"{HOME}:8400/?code=x&state={STATE}", False),
        ("com.contoso.app://auth", f"com.contoso.app://auth?code=x&state={STATE}", True),
        ("com.contoso.app://auth", f"com.contoso.app://auth/?code=x&state={STATE}", True),
        ("com.contoso.app:/auth", f"com.contoso.app:/auth?code=x&state={STATE}", True),
        ("com.contoso.app://auth", f"com.evil.app://auth?code=x&state={STATE}", False),
    ],
)
def test_the_answer_at_another_redirect_uri_is_pasted(redirect_uri: str, pasted: str, *, is_answer: bool) -> None:
    """
    The pasted address begins with the redirect URI, whatever its scheme; the error names the URI.
    """
    if is_answer:
        assert "x" == parse_pasted(pasted, state=STATE, redirect_uri=redirect_uri)["code"]
        return
    with pytest.raises(ParameterError, match="does not begin with") as caught:
        parse_pasted(pasted, state=STATE, redirect_uri=redirect_uri)
    assert redirect_uri in caught.value.problem
    assert redirect_uri in caught.value.remedy


@pytest.mark.parametrize(
    "uri",
    ["http://localhost", "http://localhost/", "http://localhost:8400", "http://localhost/signed-in/here",
     "http://127.0.0.1", "http://127.0.0.1:65535/a.b~c%20d"],
)  # fmt: skip
def test_a_redirect_uri_of_this_machine_can_be_used(uri: str) -> None:
    """
    `localhost` and 127.0.0.1, with any port and path (RFC 8252, 7.3), with and without `paste`.
    """
    check_redirect_uri(uri)
    check_redirect_uri(uri, is_pasted=True)


@pytest.mark.parametrize("uri", [NATIVE, "https://app.contoso.com/in", "com.contoso.app://auth", "https://localhost/x"])
def test_any_other_redirect_uri_needs_a_user_who_pastes(uri: str) -> None:
    """
    Nothing on this machine receives an answer there, so without `paste` the error names it.
    """
    check_redirect_uri(uri, is_pasted=True)
    with pytest.raises(ParameterError, match="can't be listened at") as caught:
        check_redirect_uri(uri)

    assert "`paste`" in caught.value.remedy


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("localhost:", "is not a URI"),
        ("signed-in", "is not a URI"),
        ("http://localhost/a b", "is not a URI"),
        ("http://localhost/\u00e9", "is not a URI"),
        ("http://localhost:99999", "is not a URI"),
        ("http://[::1", "is not a URI"),
        ("http://", "has no host"),
        ("https:///x", "has no host"),
        ("http://localhost/?x=1", "must not have a query"),
        ("http://localhost/#x", "must not have a query"),
        ("http://ada@localhost/", "must not have a query"),
        ("http://[::1]:8400", "does not accept"),
        ("http://app.contoso.com/in", "is not secure"),
        ("http://localhost.contoso.com", "is not secure"),
        ("http://127.0.0.2", "is not secure"),
        ("http://localhost:0/x", "has the port 0"),
    ],
)
def test_a_redirect_uri_that_no_app_can_use_is_refused(uri: str, words: str) -> None:
    """
    The error says which rule of Microsoft Entra ID or of RFC 8252 the URI breaks, with and without `paste`.
    """
    for is_pasted in (False, True):
        with pytest.raises(ParameterError, match=words) as caught:
            check_redirect_uri(uri, is_pasted=is_pasted)
        assert caught.value.remedy


def test_a_redirect_uri_has_one_port() -> None:
    """
    A port in the URI is the one to listen on; another `port` clashes with it.
    """
    check_redirect_uri("http://localhost:8400/x", port=8400)
    check_redirect_uri("http://localhost/x", port=8401)
    with pytest.raises(ParameterError, match="has another port than `port`, which is 8401"):
        check_redirect_uri("http://localhost:8400/x", port=8401)
