"""Access tokens that APIs accept or refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jwt
import pytest

from entrakit_emulator.faults import Tokens
from entrakit_emulator.state.keys import make_key

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aud": "https://vault.azure.net"}, "Invalid audience"),
        ({"aud": "https://nowhere.example"}, "Invalid audience"),
        ({"exp": 1}, "expired"),
        ({"exp": "soon"}, "expired"),
        ({"nbf": 2**40}, "not yet valid"),
        ({"nbf": None}, "not yet valid"),
        ({"tid": "other"}, "Invalid issuer"),
        ({"iss": "https://evil.example/"}, "Invalid issuer"),
    ],
)
def test_tokens_for_others_are_refused(caller: Caller, changes: dict[str, object], words: str) -> None:
    """
    Audience, lifetime, tenant and issuer are checked: 401 InvalidAuthenticationToken, with WWW-Authenticate.
    """
    caller.tenant.faults.add(Tokens(access_token=changes))

    response = caller.graph(caller.person_token())

    assert (401, "InvalidAuthenticationToken") == (response.status_code, response.json()["error"]["code"])
    assert words in response.json()["error"]["message"]
    assert response.headers["www-authenticate"].startswith('Bearer realm="", authorization_uri="https://localhost:')


@pytest.mark.parametrize("token", ["", "garbage", "a.b.c"])
def test_what_is_no_token_is_refused(caller: Caller, token: str) -> None:
    """
    A missing or unreadable token is refused.
    """
    assert 401 == caller.graph(token).status_code


def test_tokens_of_others_are_refused(caller: Caller) -> None:
    """
    A signature with another key, with none, or with an unknown key id is refused.
    """
    claims = caller.claims(caller.person_token())
    kid = caller.http.get("/common/discovery/keys").json()["keys"][0]["kid"]

    for token in (
        jwt.encode(claims, make_key(), "RS256", headers={"kid": kid}),
        jwt.encode(claims, make_key(), "RS256", headers={"kid": "unknown"}),
        jwt.encode(claims, "x" * 64, "HS256", headers={"kid": kid}),
        jwt.encode(claims, "", "none", headers={"kid": kid}),
    ):
        assert "signature" in caller.graph(token).json()["error"]["message"]


def test_a_token_outlives_a_reset(caller: Caller) -> None:
    """
    After a reset, a token is verified by its signature.
    """
    token = caller.person_token()
    caller.tenant.reset()

    assert 200 == caller.graph(token).status_code
