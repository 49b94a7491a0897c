"""Remedies for the errors of the token service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrakit.sign_in.remedies import LOOKUP, is_throttled, is_transient, known_codes, needs_user, remedy_for
from entrakit.sign_in.remedy_table import BY_ERROR, BY_SUBERROR

TENANT = "contoso.com"
CLIENT = "3f1c2c1e-8d0b-4f0e-9f0d-9f7f6d8f1a11"
AUTHORITY = "https://login.microsoftonline.com"
CONSENT = f"{AUTHORITY}/{TENANT}/adminconsent?client_id={CLIENT}"
FLOWS = ("browser", "devicecode", "certificate", "secret", "password", "refresh", "discovery")


def words(code: int | None = None, *, error: str = "invalid_grant", flow: str = "browser", **more: str) -> str:
    """Return problem and remedy as one string."""
    given = {"tenant": TENANT, "client_id": CLIENT, "authority": AUTHORITY} | more
    return " ".join(remedy_for(code, error=error, flow=flow, **given))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (90002, f"tenant {TENANT} does not exist"),
        (7000215, "value, not its id"),
        (7000215, "`certificate_path`"),
        (7000222, "expired"),
        (7000218, "Allow public client flows"),
        (700025, "must not send a secret"),
        (700027, "Upload this certificate"),
        (700016, CLIENT),
        (65001, CONSENT),
        (90094, CONSENT),
        (7000229, CONSENT),
        (50011, "http://localhost"),
        (50011, "Mobile and desktop applications"),
        (9002326, "Mobile and desktop applications"),
        (50076, "multi-factor authentication"),
        (50079, "https://aka.ms/mfasetup"),
        (53003, "conditional access"),
        (530003, "device code"),
        (1002012, "/.default"),
        (50126, "user name or password"),
        (50194, "multi-tenant"),
        (900382, "`cloud='usgov'`"),
        (7000216, "environment variable"),
        (50196, "too often"),
    ],
)
def test_the_common_mistakes_read_well(code: int, expected: str) -> None:
    """
    The most frequent errors name the cause and the next step (issue 2, section 6; user wishes 22, 38, 40).
    """
    assert expected in words(code)


def test_the_number_chooses_the_words_before_the_error() -> None:
    """
    The number has priority over the suberror, and the suberror over the error.
    """
    assert "tenant" in words(90002, error="invalid_request", suberror="bad_token")
    assert "revoked" in words(error="invalid_grant", suberror="bad_token")
    assert "not valid" in words(error="invalid_grant", suberror="unheard_of")


def test_an_unknown_number_is_looked_up() -> None:
    """
    A number without an entry gets that of its error, and the address where Microsoft explains it.
    """
    assert f"{LOOKUP}123456" in words(123456, error="unheard_of")
    assert "AADSTS123456" in words(123456, error="unheard_of")
    assert "scope" in words(123456, error="invalid_scope")
    assert f"{LOOKUP}123456" in words(123456, error="invalid_scope")
    assert LOOKUP not in words(error="unheard_of")
    assert "unheard_of" in words(error="unheard_of")
    assert "no reason given" in words(error="")


@pytest.mark.parametrize("tenant", ["common", "consumers", "Common"])
def test_consent_is_asked_of_a_work_account(tenant: str) -> None:
    """
    The address of admin consent takes a tenant or `organizations`, but not the other two labels.
    """
    assert f"{AUTHORITY}/organizations/adminconsent?" in words(65001, tenant=tenant)


def test_the_browser_is_a_whole_call() -> None:
    """
    If a browser is necessary, the call names app and tenant, and the cloud unless it is the global one.
    """
    call = f"`connect(client_id='{CLIENT}', tenant_id='{TENANT}', "

    assert f"{call}browser=True)`" in words(50076, flow="password")
    assert f"{call}cloud='https://login.microsoftonline.us', browser=True)`" in words(
        50076, flow="password", authority="https://login.microsoftonline.us"
    )


@pytest.mark.parametrize("code", [None, 50173, 50076, 50057, 65001, 700082, 50105, 70043])
def test_a_renewal_that_needs_a_user_says_how(code: int | None) -> None:
    """
    A silent renewal always ends in the call that connects again (issue 2, section 3, Renewal).
    """
    assert "`connect(" in words(code, flow="refresh")


def test_an_app_is_not_sent_to_a_browser() -> None:
    """
    For an app, the remedy names the administrator instead of a sign-in of a user.
    """
    for flow in ("secret", "certificate"):
        assert "`connect(" not in words(50076, flow=flow)
        assert "administrator" in words(error="invalid_grant", flow=flow)
    assert "value, not its id" in words(7000215, flow="secret")


@pytest.mark.parametrize("error", ["interaction_required", "login_required", "consent_required"])
@pytest.mark.parametrize("flow", FLOWS)
def test_some_errors_mean_a_person(error: str, flow: str) -> None:
    """
    The errors of OpenID Connect mean that a user is required, regardless of the number (Core, 3.1.2.6).
    """
    assert needs_user(error, "", None, flow)
    assert needs_user(error, "", 123456, flow)


def test_invalid_grant_depends_on_flow_and_suberror() -> None:
    """
    In a renewal the refresh token is invalid; in other flows the suberror decides, then the number (RFC 6749, 5.2).
    """
    assert needs_user("invalid_grant", "", None, "refresh")
    assert needs_user("invalid_grant", "basic_action", None, "password")
    assert needs_user("invalid_grant", "", 50076, "password")
    assert not needs_user("invalid_grant", "", 50126, "password")
    assert not needs_user("invalid_client", "", 7000222, "refresh")
    assert not needs_user("invalid_client", "", 50076, "secret")


@pytest.mark.parametrize("code", [50196, 90033, 90055, 50000])
def test_trouble_of_the_service_is_not_a_spent_token(code: int) -> None:
    """
    The service reports some temporary failures as invalid_grant: the connection is not given up for those.
    """
    assert not needs_user("invalid_grant", "", code, "refresh")
    assert is_throttled("invalid_grant", code) or is_transient("invalid_grant", code)


def test_throttled_and_transient_are_told_by_the_error() -> None:
    """
    RFC 6749 (4.1.2.1) and RFC 8628 (3.5) name the errors that are retryable.
    """
    assert is_throttled("temporarily_unavailable", None)
    assert is_transient("server_error", None)
    assert is_transient("slow_down", None)
    assert not is_throttled("invalid_grant", None)
    assert not is_transient("invalid_grant", None)


@settings(deadline=None)
@given(
    st.none() | st.integers(1, 10**9 - 1) | st.sampled_from(sorted(known_codes())),
    st.text() | st.sampled_from(sorted(BY_ERROR)),
    st.text() | st.sampled_from(sorted(BY_SUBERROR)),
    st.sampled_from(FLOWS),
    st.text(),
)
def test_any_combination_has_words(code: int | None, error: str, suberror: str, flow: str, anything: str) -> None:
    """
    No number, name or value breaks the explanation, braces and quotes included.
    """
    found = remedy_for(
        code, error=error, suberror=suberror, flow=flow, tenant=f"{{{anything}}}", client_id=f"{anything}{{x}}",
        authority=AUTHORITY,
    )  # fmt: skip

    assert found.problem
    assert found.remedy


def test_the_table_is_loaded_only_for_an_error() -> None:
    """
    Importing the package and its errors loads no remedy (house style 22).
    """
    code = (
        "import sys, entrakit, entrakit.errors, entrakit.tokens.token\n"
        "print('entrakit.sign_in.remedies' in sys.modules)"
    )

    assert "False\n" == subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("argument", "expected"), [("--check", 0), ("--chekc", 2)])
def test_the_reference_is_up_to_date(argument: str, expected: int) -> None:
    """
    `docs/reference/errors.md` is what the script writes from the error tree and the table (house style 27).
    """
    root = Path(__file__).parents[2]
    script = root / "scripts" / "write-error-reference"
    done = subprocess.run([sys.executable, str(script), argument], capture_output=True, text=True, check=False)

    assert (expected, "") == (done.returncode, done.stdout), done.stderr
