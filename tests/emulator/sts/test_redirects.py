"""Redirect URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit_emulator.sts.redirects import fits, source, with_answer


@pytest.mark.parametrize(
    ("registered", "asked", "expected"),
    [
        ("http://localhost", "http://localhost", True),
        ("http://localhost", "http://localhost:12345", True),
        ("http://localhost", "http://localhost:12345/", True),
        ("http://localhost/cb", "http://localhost:1/cb", True),
        ("http://127.0.0.1", "http://127.0.0.1:1", True),
        ("http://localhost", "http://localhost:12345/other", False),
        ("http://localhost", "http://localhost:12345/?a=b", False),
        ("http://localhost", "http://localhost:12345/#f", False),
        ("http://localhost", "http://127.0.0.1:12345", False),
        ("http://localhost", "https://localhost:12345", False),
        ("http://localhost", "http://user@localhost:12345", False),
        ("http://localhost", "http://localhost.evil.example:1", False),
        ("http://localhost", "http://localhost:99999", False),
        ("http://localhost", "http://localhost:1\t/", False),
        ("https://app.example/cb", "https://app.example/cb", True),
        ("https://app.example/cb", "https://app.example:444/cb", False),
        ("https://app.example/cb", "https://app.example/CB", False),
        ("https://app.example", "https://app.example/", True),
        ("https://localhost/cb", "https://localhost:1/cb", False),
        ("my.app://auth", "my.app://auth", True),
        ("my.app://auth", "my.app://auth/", False),
    ],
)
def test_only_the_port_of_loopback_is_free(registered: str, asked: str, *, expected: bool) -> None:
    """
    The match is exact, except for the port of http://localhost and http://127.0.0.1 (RFC 8252, 7.3; RFC 9700, 2.1).
    """
    assert expected == fits(registered, asked)


@given(st.text(), st.text())
def test_any_text_is_judged(registered: str, asked: str) -> None:
    """
    No string breaks the comparison, and a URI that differs from loopback in more than its port never matches.
    """
    assert fits(asked, asked)
    assert not fits("http://localhost/cb", f"{registered}.example{asked}")


@pytest.mark.parametrize(
    ("uri", "mode", "expected"),
    [
        ("http://localhost:1", "query", "http://localhost:1/?code=a+b"),
        ("http://localhost:1/", "query", "http://localhost:1/?code=a+b"),
        ("http://localhost:1/cb", "query", "http://localhost:1/cb?code=a+b"),
        ("https://app.example", "query", "https://app.example/?code=a+b"),
        ("http://localhost:1/?x=y", "query", "http://localhost:1/?x=y&code=a+b"),
        ("http://localhost:1?x=y", "query", "http://localhost:1/?x=y&code=a+b"),
        ("http://localhost:1", "fragment", "http://localhost:1/#code=a+b"),
        ("http://localhost:1?x=y", "fragment", "http://localhost:1/?x=y#code=a+b"),
        ("my.app://auth", "query", "my.app://auth?code=a+b"),
        ("my.app://auth", "fragment", "my.app://auth#code=a+b"),
    ],
)
def test_answers_are_added_to_the_address(uri: str, mode: str, expected: str) -> None:
    """
    The redirect URI's own query is kept (RFC 6749, 3.1.2); a web address without a path gets its slash (service facts,
    1.3).
    """
    assert expected == with_answer(uri, mode, {"code": "a b"})


@pytest.mark.parametrize(
    ("uri", "expected"), [("http://localhost:1/cb", "http://localhost:1"), ("my.app://auth", "my.app:")]
)
def test_a_redirect_is_named_for_the_policy_of_pages(uri: str, expected: str) -> None:
    """
    `form-action` names an origin, or a scheme if the URI has none.
    """
    assert expected == source(uri)
