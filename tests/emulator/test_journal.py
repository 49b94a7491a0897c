"""The journal: recorded data, and hidden data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrakit_emulator.journal import LIMIT, Entry, Journal, Violation

if TYPE_CHECKING:
    import pytest
    from tests.emulator.conftest import Caller


def test_requests_are_noted_without_their_secrets(caller: Caller) -> None:
    """
    Names of parameters are recorded, values only if they can't be secret, and of Authorization the scheme.
    """
    caller.app_token(client_secret="canary-secret")
    caller.graph("canary-token")

    token, graph = caller.tenant.journal.entries
    assert "client_credentials" == token.parameters["grant_type"]
    assert "***" == token.parameters["client_secret"]
    assert "Bearer ***" == graph.headers["authorization"]
    assert "canary" not in str(caller.tenant.journal.to_json())


def test_answers_are_noted(caller: Caller) -> None:
    """
    Status, error and number of the answer are recorded with the request.
    """
    caller.app_token(client_secret="wrong")
    caller.graph("")
    caller.http.get("/nowhere")

    assert [(401, "invalid_client", 7000215), (401, "InvalidAuthenticationToken", 0), (404, "not_found", 0)] == [
        (one.status, one.error, one.code) for one in caller.tenant.journal.entries
    ]
    assert {"token": 1, "graph": 1, "unknown": 1} == caller.tenant.journal.counts
    assert 1 == len(caller.tenant.journal.of("graph"))


def test_breaches_of_the_protocol_are_noted(caller: Caller) -> None:
    """
    Accepted breaches are recorded: no client-request-id, no form, no PKCE, plain PKCE, no state.
    """
    del caller.http.headers["client-request-id"]
    caller.http.post(f"/{caller.tenant.tenant_id}/oauth2/v2.0/token", json={"grant_type": "password"})
    caller.http.get(caller.authorize_url(code_challenge="", state=""))
    caller.http.get(caller.authorize_url(code_challenge_method="plain"))

    assert ["content_type", "client_request_id_missing", "pkce_missing", "state_missing", "pkce_plain"] == [
        one.rule for one in caller.tenant.journal.violations
    ]


def test_a_body_that_is_no_form_has_no_parameters(caller: Caller) -> None:
    """
    The token endpoint does not read JSON, so `grant_type` is missing (AADSTS900144).
    """
    response = caller.http.post(f"/{caller.tenant.tenant_id}/oauth2/v2.0/token", json={"grant_type": "password"})

    assert [900144] == response.json()["error_codes"]


def test_parameters_may_speak_for_headers(caller: Caller) -> None:
    """
    MSAL.js sends its id and version as parameters; they are recorded and echoed, too.
    """
    del caller.http.headers["client-request-id"]
    guid = "0f3c2c1e-8d0b-4f0e-9f0d-9f7f6d8f1a11"

    response = caller.app_token(**{"client-request-id": guid, "return-client-request-id": "true", "x-client-SKU": "js"})

    assert guid == response.headers["client-request-id"]
    assert "js" == caller.tenant.journal.entries[0].parameters["x-client-SKU"]
    assert [] == caller.tenant.journal.violations


def test_the_journal_forgets_the_oldest() -> None:
    """
    A loop of requests does not fill the memory; counts continue.
    """
    journal = Journal()
    for number in range(2 * LIMIT + 1):
        journal.add(Entry(float(number), "GET", "/", "token"))
        journal.violate(Violation("rule", "text", "token", float(number)))

    assert [LIMIT + 1.0, 2.0 * LIMIT] == [journal.entries[0].at, journal.entries[-1].at]
    assert LIMIT == len(journal.violations)
    assert {"token": 2 * LIMIT + 1} == journal.counts
    journal.clear()
    assert ([], [], {}) == (journal.entries, journal.violations, journal.counts)


def test_nothing_is_written_anywhere(caller: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    """
    The emulator prints and logs nothing.
    """
    caller.app_token()

    assert ("", "") == tuple(capsys.readouterr())
