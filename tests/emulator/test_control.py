"""The control plane."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.emulator.sts.conftest import prove

if TYPE_CHECKING:
    from tests.emulator.conftest import Caller

NAMES = ["tenant", "reset", "seed", "clock", "faults", "polls", "journal", "coverage", "issuer"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("headers", [{}, {"X-Emulator-Key": "wrong"}, {"X-Emulator-Key": ""}])
def test_nobody_gets_in_without_the_key(caller: Caller, name: str, headers: dict[str, str]) -> None:
    """
    A web page can't know this run's key, and can't send the header without a preflight request, which is refused.
    """
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        response = caller.http.request(method, f"/_emulator/{name}", headers=headers)

        assert 403 == response.status_code
        assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("name", NAMES)
def test_only_some_methods_are_taken(caller: Caller, name: str) -> None:
    """
    Another method gets 405 with the allowed ones.
    """
    response = caller.control("PUT", name)

    assert 405 == response.status_code
    assert response.headers["allow"]


def test_it_tells_what_a_client_needs(caller: Caller) -> None:
    """
    The control plane returns the values of the tenant's attributes.
    """
    told = caller.control("GET", "tenant").json()
    tenant = caller.tenant

    assert (tenant.url, tenant.ca_path, tenant.tenant_id, tenant.public_client, tenant.client_secret) == tuple(
        told[name] for name in ("url", "ca_path", "tenant_id", "public_client", "client_secret")
    )
    assert tenant.users.mfa.upn == told["users"]["mfa"]["upn"]
    assert tenant.certificate_pem == told["certificate_pem"]


def test_seeds_are_planted_and_reset(caller: Caller) -> None:
    """
    A reset removes added objects, and keeps keys and certificate.
    """
    keys = caller.http.get("/common/discovery/keys").json()
    step = {"do": "add_user", "upn": "una@contoso.example", "password": "Password-1"}

    planted = caller.control("POST", "seed", [step])
    known = caller.password(username="una@contoso.example", password="wrong").json()["error_codes"]
    caller.control("POST", "reset")
    unknown = caller.password(username="una@contoso.example", password="wrong").json()["error_codes"]

    assert (200, [50126], [50034]) == (planted.status_code, known, unknown)
    assert keys == caller.http.get("/common/discovery/keys").json()


def test_the_clock_is_set(caller: Caller) -> None:
    """
    The clock accepts an offset, or time that passes.
    """
    caller.control("POST", "clock", {"offset_s": -10})
    caller.control("POST", "clock", {"advance_s": 2.5})

    assert -7.5 == caller.control("GET", "clock").json()["offset_s"]


@pytest.mark.parametrize(
    "value",
    [[], {}, {"offset_s": "1"}, {"offset_s": True}, {"offset_s": 1, "advance_s": 1}, {"speed": 1}, {"offset_s": 1e12}],
)
def test_a_clock_that_is_none_is_refused(caller: Caller, value: object) -> None:
    """
    The clock accepts one named number of seconds within limits.
    """
    assert 400 == caller.control("POST", "clock", value).status_code


def test_faults_are_added_listed_and_cleared(caller: Caller) -> None:
    """
    One or several faults can be added; the waiting ones are listed and can be cleared.
    """
    caller.control("POST", "faults", {"kind": "failure", "endpoint": "token", "times": None})
    caller.control("POST", "faults", [{"kind": "drop", "endpoint": "keys"}])

    listed = caller.control("GET", "faults").json()
    failed = caller.app_token().status_code
    caller.control("DELETE", "faults")

    assert [("failure", None), ("drop", 1)] == [(one["kind"], one["times"]) for one in listed]
    assert (503, 200) == (failed, caller.app_token().status_code)


def test_a_list_of_faults_is_taken_whole_or_not_at_all(caller: Caller) -> None:
    """
    One misspelt fault refuses the whole list.
    """
    response = caller.control("POST", "faults", [{"kind": "drop", "endpoint": "keys"}, {"kind": "flood"}])

    assert 400 == response.status_code
    assert [] == caller.tenant.faults.waiting


def test_polls_are_chosen(caller: Caller) -> None:
    """
    The next polls get the chosen answers.
    """
    code = caller.device()["device_code"]
    caller.control("POST", "polls", ["decline"])

    assert "authorization_declined" == caller.poll(code).json()["error"]


@pytest.mark.parametrize("value", [{}, [1], ["maybe"], "approve"])
def test_polls_that_are_none_are_refused(caller: Caller, value: object) -> None:
    """
    Polls must be a list of known answers.
    """
    assert 400 == caller.control("POST", "polls", value).status_code


def test_the_journal_is_told_and_forgotten(caller: Caller) -> None:
    """
    Entries, violations and counts are returned as JSON.
    """
    caller.app_token()
    told = caller.control("GET", "journal").json()
    caller.control("DELETE", "journal")

    assert {"entries", "violations", "counts"} == set(told)
    assert 1 == told["counts"]["token"]
    assert "token" not in caller.control("GET", "journal").json()["counts"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 60000])
def test_a_body_that_is_no_json_is_refused(caller: Caller, body: bytes) -> None:
    """
    Such a body gets 400, and the server continues.
    """
    response = caller.http.post("/_emulator/seed", content=body, headers={"X-Emulator-Key": caller.tenant.control_key})

    assert 400 == response.status_code
    assert "error" in json.loads(response.text)


def test_other_processes_get_tokens_and_variables_of_jobs(caller: Caller) -> None:
    """
    The issuer is started once for each name, and its tokens authenticate an app that trusts it.
    """
    name, client = "https://gitlab.com", caller.tenant.confidential_client
    step = {"do": "add_federated_credential", "client_id": client, "issuer": name, "subject": "me"}
    caller.control("POST", "seed", [step])

    started = caller.control("POST", "issuer", {"issuer": name}).json()
    job = caller.control("POST", "issuer", {"issuer": name, "host": "gitlab", "subject": "me"}).json()
    token = caller.control("POST", "issuer", {"issuer": name, "host": "sign", "subject": "me"}).json()["token"]

    assert {"issuer": name, "address": job["address"]} == started
    assert {"GITLAB_CI", "AZURE_ID_TOKEN"} == set(job["variables"])
    assert [200, 200] == [prove(caller, one).status_code for one in (token, job["variables"]["AZURE_ID_TOKEN"])]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"host": "rotate_keys"}, "one of: sign, github_actions"),
        ({"subject": "me"}, "one of: sign"),
        ({"issuer": 5}, "one of: sign"),
        ({"host": "gitlab"}, "Host 'gitlab': missing a required argument: 'subject'."),
        ({"host": "sign", "subject": 5}, "Host 'sign': 'subject' does not accept 5."),
    ],
)
def test_requests_for_an_issuer_are_checked(caller: Caller, value: object, words: str) -> None:
    """
    The message says what does not fit.
    """
    response = caller.control("POST", "issuer", value)

    assert 400 == response.status_code
    assert words in response.json()["error"]
