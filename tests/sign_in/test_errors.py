"""Conversion of the token service's error bodies into errors of entrakit."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.errors import InteractionRequiredError, SignInError, ThrottledError
from entrakit.sign_in.errors import MAX_TEXT, describe_skew, error_from

if TYPE_CHECKING:
    from collections.abc import Mapping

CANARY = "canary-Secret+1/x y"
TRACE = "6a1b9a5f-0000-4000-8000-3c5e7d9f1b2a"
CORRELATION = "0f3c2c1e-8d0b-4f0e-9f0d-9f7f6d8f1a11"
TIME = "2026-08-03 00:46:25Z"

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = ["error", "suberror", "error_description", "error_codes", "correlation_id", "trace_id", "timestamp", "claims"]


def explained(body: Mapping[str, object], *, flow: str = "secret", **more: object) -> SignInError:
    """Return the error for a body."""
    known = {"tenant": "contoso.com", "client_id": CORRELATION, "authority": "https://login.microsoftonline.com"}
    return error_from(body, flow=flow, **known, **more)  # type: ignore[arg-type] # the cases have matching types


def a_body(code: int = 7000215, *, between: str = "\r\n", **more: object) -> dict[str, object]:
    """Return a body as the service writes it."""
    parts = [
        f"AADSTS{code}: It went wrong.",
        f"Trace ID: {TRACE}",
        f"Correlation ID: {CORRELATION}",
        f"Timestamp: {TIME}",
    ]
    return {
        "error": "invalid_client",
        "error_description": between.join(parts),
        "error_codes": [code],
        "timestamp": TIME,
        "trace_id": TRACE,
        "correlation_id": CORRELATION,
    } | more


@pytest.mark.parametrize("between", ["\r\n", " ", "\n"])
@pytest.mark.parametrize("members", [True, False])
def test_the_parts_of_an_answer_come_apart(between: str, *, members: bool) -> None:
    """
    Number, text, ids and time are distinguished, separated by lines or spaces, even without separate members,
    as in an answer through the browser (checklist 46).
    """
    body = a_body(between=between)
    if not members:
        body = {name: body[name] for name in ("error", "error_description")}

    error = explained(body)

    assert 7000215 == error.code
    assert "invalid_client" == error.error
    assert "AADSTS7000215: It went wrong." == error.description
    assert [CORRELATION, TRACE, TIME] == [error.correlation_id, error.trace_id, error.timestamp]
    assert "value, not its id" in error.remedy


def test_what_is_shown_is_words_and_ids() -> None:
    """
    `str()` is problem, remedy, error, number and ids; the service's own text is not in it (checklist 46, 48).
    """
    text = str(explained(a_body()))

    assert "It went wrong" not in text
    for expected in ("The client secret is wrong.", "Next: ", "invalid_client AADSTS7000215", CORRELATION, TRACE, TIME):
        assert expected in text


@pytest.mark.parametrize(
    ("codes", "description", "expected"),
    [
        ([50076], "AADSTS1: x", 50076),
        (["50076"], "", 50076),
        ([None, "x", True, -1, 10**12, {}, 50076], "", 50076),
        ([], "AADSTS50076: x", 50076),
        ("50076", "AADSTS50079: x", 50079),
        (None, "AADSTS1234567890123: x", None),
        (["0"], "AADSTS0: x", None),
        (["\u0665"], "AADSTS\u0665: x", None),
        (None, "x" * 3000 + "AADSTS50076", None),
    ],
)
def test_the_number_is_found(codes: object, description: str, expected: int | None) -> None:
    """
    `error_codes` has priority, as numbers or strings; else the first AADSTS number of the description.
    """
    body = {"error": "invalid_grant", "error_codes": codes, "error_description": description}

    assert expected == explained(body).code


@pytest.mark.parametrize(
    ("body", "flow", "expected"),
    [
        ({"error": "interaction_required", "suberror": "basic_action"}, "password", InteractionRequiredError),
        ({"error": "invalid_grant", "error_codes": [50076]}, "password", InteractionRequiredError),
        ({"error": "invalid_grant", "suberror": "consent_required"}, "devicecode", InteractionRequiredError),
        ({"error": "invalid_grant"}, "refresh", InteractionRequiredError),
        ({"error": "invalid_grant"}, "password", SignInError),
        ({"error": "invalid_client"}, "refresh", SignInError),
        ({"error": "authorization_pending"}, "devicecode", SignInError),
        ({"error": "slow_down"}, "devicecode", SignInError),
        ({"error": "temporarily_unavailable"}, "secret", ThrottledError),
        ({"error": "invalid_grant", "error_codes": [50196]}, "refresh", ThrottledError),
        ({}, "secret", SignInError),
    ],
)
def test_each_answer_has_its_kind(body: dict[str, object], flow: str, expected: type[SignInError]) -> None:
    """
    Interaction required, throttled and refused are three classes with three exit codes; error and suberror decide.
    """
    assert expected is type(explained(body, flow=flow))


def test_throttling_says_how_long() -> None:
    """
    HTTP 429 means throttling for any body, and Retry-After is passed on (RFC 6585, 4).
    """
    error = explained(a_body(123456), status=429, retry_after_s=17.0)

    assert isinstance(error, ThrottledError)
    assert 17.0 == error.retry_after_s
    assert "17 seconds" in error.remedy
    assert error.retryable
    assert [CORRELATION, TRACE, TIME] == [error.correlation_id, error.trace_id, error.timestamp]
    for unknown in (None, 0.0, float("inf"), float("nan")):
        assert "Wait" in explained({}, status=429, retry_after_s=unknown).remedy


def test_trouble_of_the_service_may_be_tried_again() -> None:
    """
    `server_error` and numbers of temporary failures are retryable, a wrong secret is not.
    """
    assert explained({"error": "server_error"}).retryable
    assert explained({"error": "invalid_grant", "error_codes": [90033]}, flow="refresh").retryable
    assert SignInError is type(explained({"error": "invalid_grant", "error_codes": [90033]}, flow="refresh"))
    assert not explained(a_body()).retryable


@pytest.mark.parametrize("code", [700024, 700027])
def test_a_clock_that_is_off_is_told(code: int) -> None:
    """
    A refused assertion with a measured skew over a minute names the clock (user wish 36).
    """
    assert "clock is 7 minutes behind" in explained(a_body(code), skew_s=420.0).problem
    assert "clock is 3 minutes ahead" in explained(a_body(code), skew_s=-180.0).problem
    assert "Set this machine's clock" in explained(a_body(code), skew_s=420.0).remedy
    for harmless in (None, 59.0, -60.0, float("inf"), float("nan")):
        assert "minutes" not in explained(a_body(code), skew_s=harmless).problem
    assert "clock" not in explained(a_body(7000215), skew_s=420.0).problem
    assert "This machine's clock is 1 minute behind." == describe_skew(61.0)


def test_a_renewal_says_how_to_connect_again() -> None:
    """
    The remedy of a renewal that requires a user contains the call that connects again.
    """
    error = explained({"error": "invalid_grant"}, flow="refresh")

    assert "`connect()`" in error.remedy
    assert ("connect",) == error.parameters


@pytest.mark.parametrize("frame", ["{}", "secret {} was sent", "a={}&b", "{}{}", "se\u200b{}"])
def test_our_own_secrets_are_masked(frame: str) -> None:
    """
    Secrets of the request are masked in the answer: plain, encoded, or with other spaces.
    """
    spaced = (CANARY.replace("-", "\u200b-"), CANARY.replace(" ", "\n"))
    for shape in (CANARY, quote_plus(CANARY), quote(CANARY), quote(CANARY, safe=""), *spaced):
        text = frame.format(shape, shape)
        body = dict.fromkeys(MEMBERS, text) | {"claims": json.dumps({"a": frame.format(CANARY, shape)})}
        error = explained(body, hide=[CANARY, "", "abc"])
        shown = f"{error} {vars(error)}"
        assert "canary" not in shown
        assert "Secret" not in shown.replace("secret", "")


def test_tokens_in_a_description_are_masked() -> None:
    """
    Any string that looks like a token is masked, too.
    """
    assert "eyJ" not in explained({"error_description": "got eyJhbGciOiJub25lIn0.e30. here"}).description


@pytest.mark.parametrize("member", MEMBERS)
def test_nothing_steers_a_terminal(member: str) -> None:
    """
    Escape sequences, line breaks, and invisible or direction characters are removed (checklist 48).
    """
    hostile = "a\x1b[31m\r\nb\x07\u202e\u2066\u200b\ud800\u2028c\x9b1m\x00"
    error = explained({member: hostile, "error": hostile})
    shown = f"{error}{error.description}{error.suberror}{error.claims}"

    assert [] == [letter for letter in shown if letter != "\n" and unicodedata.category(letter)[0] == "C"]


def test_text_has_an_end() -> None:
    """
    A description is cut at 2,000 characters, names at 100.
    """
    error = explained({"error": "e" * 10**6, "error_description": "d " * 10**6, "trace_id": "t" * 10**6})

    assert MAX_TEXT == len(error.description)
    assert [100, 100] == [len(error.error), len(error.trace_id)]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ('{"access_token": {"acrs": {"essential": true}}}', '{"access_token":{"acrs":{"essential":true}}}'),
        ({"access_token": {}}, ""),
        ("[1]", ""),
        ("{", ""),
        ("[" * 7000, ""),
        ('{"a":"' + "x" * 10_000 + '"}', ""),
        (None, ""),
    ],
)
def test_claims_are_json_of_our_own_making(claims: object, expected: str) -> None:
    """
    The claims for the next request are parsed and serialized again; other values are dropped.
    """
    assert expected == explained({"error": "interaction_required", "claims": claims}).claims


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=8), ANYTHING, max_size=9), st.booleans())
def test_arbitrary_json_never_crashes(body: dict[str, object], renewal: bool) -> None:
    """
    Any JSON object becomes an error with a bounded, printable message without the text of the service.
    """
    error = explained(body, flow="refresh" if renewal else "browser")

    assert isinstance(error, SignInError)
    assert len(str(error)) < 4 * MAX_TEXT
    assert str(error).replace("\n", "").isprintable()
    assert error.claims == "" or isinstance(json.loads(error.claims), dict)


@settings(deadline=None)
@given(st.text(min_size=4).filter(str.strip), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_never_comes_back(secret: str, before: str, after: str) -> None:
    """
    No sent value, of any characters, is left in the description.
    """
    clean = "".join(letter for letter in " ".join(secret.split()) if unicodedata.category(letter)[0] != "C")
    error = explained({"error_description": f"{before} {secret} {after}"}, hide=[secret])

    assert clean not in error.description or clean in f"{before} […] {after}" or len(clean) < 4


UNKNOWN = "AADSTS7654321: The tenant's quantum policy forbids this.\r\nTrace ID: a\r\nCorrelation ID: b\r\nTimestamp: c"


def test_an_unknown_number_keeps_the_words_of_the_service() -> None:
    """
    For a number that is not in our table the first line of the description is all that explains it.
    """
    error = explained({"error": "invalid_grant", "error_description": UNKNOWN, "error_codes": [7654321]}, status=400)

    assert error.problem.endswith(" The service says (HTTP 400): The tenant's quantum policy forbids this.")


def test_a_known_number_has_our_words_only() -> None:
    """
    The description of a number that we explain stays in `description`.
    """
    assert "service says" not in explained(a_body()).problem


@pytest.mark.parametrize(
    ("code", "description"),
    [
        (None, "The scope 'User.Reed' is not valid."),
        (70011, "AADSTS70011: The scope 'User.Reed' is not valid."),
        (650053, "AADSTS650053: The scope 'User.Reed' is not valid."),
    ],
)
def test_a_wrong_scope_is_named(code: int | None, description: str) -> None:
    """
    If a scope is wrong, the error has the words of the service, which name it, and the requested scopes.
    """
    body = {"error": "invalid_scope", "error_description": description, "error_codes": [code] if code else []}

    problem = explained(body, scopes=["https://graph.microsoft.com/User.Reed", "openid"], status=400).problem

    assert problem.endswith(
        " The service says (HTTP 400): The scope 'User.Reed' is not valid. "
        "Requested: https://graph.microsoft.com/User.Reed openid."
    )


def test_an_error_that_is_an_object_is_read() -> None:
    """
    A gateway answers for the token service in the form of APIs: code and message are kept.
    """
    error = explained(
        {"error": {"code": "TooLarge", "message": "The header is too large."}, "trace_id": TRACE}, status=431
    )

    assert ("TooLarge", TRACE) == (error.error, error.trace_id)
    assert error.problem.endswith(" The service says (HTTP 431): The header is too large.")


def test_an_answer_without_any_reason_has_its_status() -> None:
    """
    Without error, number and description, the HTTP status is what is known.
    """
    assert explained({"error": 7}, status=418).problem.endswith(" HTTP 418.")
