"""Authorization requests: errors on a page, errors by redirect, and answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

DISABLED = "4672259f-08a8-41d0-8efc-a11867d743b0"


USGOV = "9546cb78-3fe3-49d5-8f17-5d5fdea1a175"


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"client_id": ""}, 900144, 400),
        ({"client_id": "x"}, 700038, 400),
        ({"client_id": DISABLED}, 7000112, 400),
        ({"redirect_uri": "https://evil.example/"}, 50011, 400),
        ({"redirect_uri": "http://localhost.evil.example:1"}, 50011, 400),
        ({"redirect_uri": ""}, 900144, 400),
        ({"at": "nowhere.example"}, 90002, 400),
        ({"at": USGOV}, 90038, 400),
        ({"at": "consumers"}, 9002332, 400),
    ],
)
def test_what_can_not_be_trusted_is_not_redirected(
    caller: Caller, changes: dict[str, str], code: int, status: int
) -> None:
    """
    A wrong client or redirect URI is reported on a page (RFC 6749, 4.1.2.1; RFC 9700, 4.11).
    """
    response = caller.http.get(caller.authorize_url(**changes))

    assert status == response.status_code
    assert "location" not in response.headers
    assert f"AADSTS{code}" in response.text
    assert code == caller.tenant.journal.entries[-1].code


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"response_type": ""}, "invalid_request", 900144),
        ({"response_type": "id_token"}, "unsupported_response_type", 700054),
        ({"response_type": "code id_token"}, "unsupported_response_type", 700054),
        ({"response_type": "device"}, "unsupported_response_type", 70005),
        ({"response_mode": "carrier_pigeon"}, "invalid_request", 9002313),
        ({"prompt": "please"}, "invalid_request", 9002313),
        ({"max_age": "-1"}, "invalid_request", 9002313),
        ({"claims": "{"}, "invalid_request", 9002313),
        ({"scope": ""}, "invalid_request", 900144),
        ({"scope": "User.Fly"}, "invalid_client", 650053),
        ({"scope": "https://nowhere.example/x"}, "invalid_resource", 500011),
        ({"code_challenge": "short"}, "invalid_request", 501491),
        ({"code_challenge": "x" * 129}, "invalid_request", 501491),
        ({"code_challenge_method": "S512"}, "invalid_request", 9002313),
        ({"prompt": "none"}, "login_required", 50058),
    ],
)
def test_all_other_mistakes_are_redirected(caller: Caller, changes: dict[str, str], error: str, code: int) -> None:
    """
    The client gets error, number and its state (RFC 6749, 4.1.2.1; service facts, 1.3).
    """
    response = caller.http.get(caller.authorize_url(**changes))
    answer = parse_qs(urlsplit(response.headers["location"]).query)

    assert response.headers["location"].startswith(f"{caller.native}?")
    assert (302, [error], ["a-state"]) == (response.status_code, answer["error"], answer["state"])
    assert answer["error_description"][0].startswith(f"AADSTS{code}: ")


def test_a_parameter_twice_is_a_mistake(caller: Caller) -> None:
    """
    RFC 6749, 3.1: a parameter must not occur twice.
    """
    response = caller.http.get(caller.authorize_url() + "&state=other")

    assert "error=invalid_request" in response.headers["location"]


def test_a_request_without_state_is_answered_without(caller: Caller) -> None:
    """
    An answer has a state only if the request had one.
    """
    assert "state" not in caller.answer(state="")
    assert "state=" not in caller.http.get(caller.authorize_url(state="", prompt="none")).headers["location"]


def test_a_request_may_be_posted(caller: Caller) -> None:
    """
    GET and POST are equivalent (OpenID Connect Core, 3.1.2.1).
    """
    address = urlsplit(caller.authorize_url())

    response = caller.http.post(address.path, data={k: v[0] for k, v in parse_qs(address.query).items()})

    assert 200 == response.status_code
    assert "Sign in" in response.text


def test_the_answer_has_all_its_parts(caller: Caller) -> None:
    """
    An answer has code, state, session_state, and client_info if requested (service facts, 1.3).
    """
    plain = caller.answer()
    full = caller.answer(client_info="1")

    assert {"code", "state", "session_state"} == set(plain)
    assert {"client_info"} == set(full) - set(plain)


def test_claims_of_the_request_hold_for_the_token(caller: Caller) -> None:
    """
    Claims of the authorization request also apply to the token request.
    """
    claims = json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}})

    answer = caller.redeem(caller.code(claims=claims)).json()

    assert ["cp1"] == caller.claims(answer["access_token"])["xms_cc"]
