"""Faults: kinds, order, and JSON form."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrakit_emulator import faults
from entrakit_emulator.faults import (
    Failure,
    Faults,
    Slow,
    Throttle,
    Tokens,
    from_json,
)

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller


def test_faults_hold_until_cleared(caller: Caller) -> None:
    """
    `times=None` applies to all requests until faults are cleared.
    """
    caller.tenant.faults.add(Failure(endpoint="token", times=None))
    caller.tenant.faults.next_polls("approve")
    failed = [caller.app_token().status_code for _ in range(3)]

    caller.tenant.faults.clear()

    assert [503] * 3 == failed
    assert 200 == caller.app_token().status_code
    assert "" == caller.tenant.faults.take_poll()


def test_faults_of_tokens_wait_beside_others() -> None:
    """
    Faults of tokens and faults of requests are taken independently, each in order.
    """
    one = Faults()
    for fault in (Tokens(lifetime_s=1), Throttle(endpoint="token"), Tokens(lifetime_s=2, times=2)):
        one.add(fault)

    assert [1, 2, 2, None] == [one.take_tokens().lifetime_s for _ in range(4)]
    assert [Throttle(endpoint="token"), None] == [one.take("token") for _ in range(2)]


@pytest.mark.parametrize("kind", sorted(faults.KINDS))
def test_every_kind_has_a_json_form(kind: str) -> None:
    """
    The control plane accepts every kind with all its fields.
    """
    needed = {"endpoint": "token", "code": 50076}
    value = {"kind": kind} | {name: one for name, one in needed.items() if kind == "error" or name == "endpoint"}

    assert faults.KINDS[kind] is type(from_json(value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "JSON object"),
        ({}, "The kind of a fault must be one of"),
        ({"kind": "flood", "endpoint": "token"}, "The kind of a fault must be one of"),
        ({"kind": "drop"}, "requires a field 'endpoint'"),
        ({"kind": "drop", "endpoint": "nowhere"}, "Unknown endpoint 'nowhere'"),
        ({"kind": "drop", "endpoint": "token", "speed": 1}, "no field 'speed'"),
        ({"kind": "drop", "endpoint": "token", "times": "2"}, "does not accept '2'"),
        ({"kind": "error", "endpoint": "token"}, "requires a field 'code'"),
        ({"kind": "garbage", "endpoint": "token", "form": "fruit"}, "Unknown form of garbage"),
        ({"kind": "garbage", "endpoint": "nowhere"}, "Unknown endpoint"),
    ],
)
def test_unknown_faults_are_refused_by_name(value: object, message: str) -> None:
    """
    A misspelt fault is an error, not a fault that never occurs.
    """
    with pytest.raises(ValueError, match=message):
        from_json(value)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)))
def test_any_json_is_a_fault_or_refused(value: object) -> None:
    """
    Any JSON value becomes a fault or a ValueError.
    """
    with pytest.raises(ValueError, match=r"."):
        from_json(value)


def test_unknown_poll_answers_are_refused() -> None:
    """
    A misspelt answer is refused at once.
    """
    with pytest.raises(ValueError, match="Unknown poll answer 'maybe'"):
        Faults().next_polls("maybe")


def test_no_fault_holds_up_others(caller: Caller) -> None:
    """
    While one request waits, others are answered.
    """
    caller.tenant.faults.add(Slow(endpoint="keys", seconds=30))
    context = ssl.create_default_context(cafile=caller.tenant.ca_path)
    address = f"{caller.tenant.url}/common/discovery/keys"

    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(address, verify=context, timeout=0.1, trust_env=False)

    assert 200 == caller.http.get("/common/discovery/keys").status_code
