"""Every error that the emulator detects itself."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2
    from tests.emulator.conftest import Caller

NOBODY = "99999999-9999-4999-8999-999999999999"


CONFIDENTIAL = "52aaa676-1504-4f30-84d9-d906f960bdc4"


DISABLED = "4672259f-08a8-41d0-8efc-a11867d743b0"


ASSIGNED = "c3e66176-09f5-4bfa-b91b-508b6cd98062"


FOREIGN = "250c24b1-4bc4-4ca0-b2f1-00f2606d51f9"


USGOV = "9546cb78-3fe3-49d5-8f17-5d5fdea1a175"


MANAGEMENT = "https://management.azure.com//.default"


def refreshed(caller: Caller, **form: str) -> httpx2.Response:
    """Renew with a new refresh token."""
    token = caller.password().json()["refresh_token"]
    return caller.token("refresh_token", refresh_token=token, **form)


def revoked(caller: Caller) -> httpx2.Response:
    """Renew with a token that was revoked."""
    token = caller.password().json()["refresh_token"]
    caller.tenant.seed.revoke_sessions(caller.tenant.users.normal.upn)
    return caller.token("refresh_token", refresh_token=token)


def idle(caller: Caller) -> httpx2.Response:
    """Renew a token after 91 days."""
    token = caller.password().json()["refresh_token"]
    caller.tenant.clock.advance(91 * 24 * 3600)
    return caller.token("refresh_token", refresh_token=token)


def late_code(caller: Caller) -> httpx2.Response:
    """Redeem a code after eleven minutes."""
    code = caller.code()
    caller.tenant.clock.advance(660)
    return caller.redeem(code)


def reused_code(caller: Caller) -> httpx2.Response:
    """Redeem a code twice."""
    code = caller.code()
    caller.redeem(code)
    return caller.redeem(code)


def other_tenant_code(caller: Caller) -> httpx2.Response:
    """Redeem a code at another tenant."""
    other = caller.tenant.seed.add_tenant("fabrikam.example")
    return caller.redeem(caller.code(at="organizations"), at=other.tenant_id)


def expired_device(caller: Caller) -> httpx2.Response:
    """Poll after the code has expired."""
    device_code = caller.device()["device_code"]
    caller.tenant.clock.advance(901)
    return caller.poll(device_code)


def looping(caller: Caller) -> httpx2.Response:
    """Send the same request again and again."""
    caller.tenant.seed.change_settings({"loop_limit": 2})
    for _ in range(2):
        caller.app_token()
    return caller.app_token()


def chosen(code: int) -> Callable[[Caller], httpx2.Response]:
    """Return a request that gets a chosen error."""

    def ask(caller: Caller) -> httpx2.Response:
        caller.control("POST", "faults", {"kind": "error", "endpoint": "token", "code": code})
        return caller.app_token()

    return ask


# The request; HTTP status, error, suberror and AADSTS number; a part of the message.
ROWS: list[tuple[str, Callable[[Caller], httpx2.Response], int, str, str, int, str]] = [
    ("wrong secret", lambda c: c.app_token(client_secret="wrong"), 401, "invalid_client", "", 7000215,
     f"for a secret added to app '{CONFIDENTIAL}'"),
    ("secret id instead of value", lambda c: c.app_token(client_secret="421f70bb-7ecf-45a3-867b-d6bf615f8215"),
     401, "invalid_client", "", 7000215, "not the client secret ID"),
    ("expired secret", lambda c: c.app_token(client_secret="emu8Q~documented-secret-that-expired"),
     401, "invalid_client", "", 7000222, "are expired"),
    ("no credential", lambda c: c.app_token(client_secret=""), 401, "invalid_client", "", 7000218, "client_assertion"),
    ("password grant without the app's credential", lambda c: c.password(client_id=CONFIDENTIAL),
     401, "invalid_client", "", 7000218, "client_secret"),
    ("credential of a public client", lambda c: c.password(client_secret="x"), 401, "invalid_client", "", 700025,
     "Client is public"),
    ("client credentials of a public client", lambda c: c.app_token(client_id=c.tenant.public_client),
     401, "invalid_client", "", 700025, "Client is public"),
    ("unknown app", lambda c: c.app_token(client_id=NOBODY), 400, "unauthorized_client", "", 700016, "Contoso"),
    ("malformed client id", lambda c: c.app_token(client_id="my-app"), 400, "unauthorized_client", "", 700038,
     "my-app is not a valid application identifier."),
    ("zero client id", lambda c: c.app_token(client_id=str(uuid.UUID(int=0))), 400, "unauthorized_client", "", 700038,
     "is not a valid"),
    ("disabled app", lambda c: c.password(client_id=DISABLED), 400, "unauthorized_client", "", 7000112, "is disabled"),
    ("no service principal", lambda c: c.app_token(client_id=FOREIGN), 401, "invalid_client", "", 7000229,
     "missing service principal"),
    ("unknown resource", lambda c: c.app_token(scope="https://nowhere.example/.default"), 400, "invalid_resource", "",
     500011, "The resource principal named https://nowhere.example was not found"),
    ("scope without .default", lambda c: c.app_token(scope="https://graph.microsoft.com/User.Read"),
     400, "invalid_scope", "", 1002012, "https://graph.microsoft.com/User.Read is not valid"),
    ("scope without .default and resource", lambda c: c.app_token(scope="User.Read"), 400, "invalid_scope", "",
     1002012, "/.default suffixed"),
    ("only OIDC scopes for an app", lambda c: c.app_token(scope="openid offline_access profile"),
     400, "invalid_scope", "", 1002012, "is not valid"),
    (".default mixed", lambda c: c.password(scope="User.Read .default"), 400, "invalid_scope", "", 70011, ".default"),
    ("unknown permission", lambda c: c.password(scope="User.Fly"), 400, "invalid_client", "", 650053, "'User.Fly'"),
    ("several resources", lambda c: refreshed(c, scope=f"User.Read {MANAGEMENT}"), 400, "invalid_scope", "", 28000,
     "more than one resource"),
    ("unknown grant", lambda c: c.token("urn:ietf:params:oauth:grant-type:token-exchange"),
     400, "unsupported_grant_type", "", 70003, "token-exchange'"),
    ("no grant type", lambda c: c.token(), 400, "invalid_request", "", 900144, "'grant_type'"),
    ("no client id", lambda c: c.token("password", client_id=""), 400, "invalid_request", "", 900144, "'client_id'"),
    ("no scope", lambda c: c.app_token(scope=""), 400, "invalid_request", "", 900144, "'scope'"),
    ("no code", lambda c: c.token("authorization_code"), 400, "invalid_request", "", 900144, "'code'"),
    ("wrong verb", lambda c: c.http.get(f"/{c.tenant.tenant_id}/oauth2/v2.0/token"), 405, "invalid_request", "",
     900561, "Received a GET request."),
    ("unknown tenant", lambda c: c.app_token(at=NOBODY), 400, "invalid_request", "", 90002, f"Tenant '{NOBODY}'"),
    ("unknown domain", lambda c: c.app_token(at="nowhere.example"), 400, "invalid_request", "", 90002, "not found"),
    ("malformed tenant", lambda c: c.app_token(at="my_tenant"), 400, "invalid_request", "", 900023,
     "neither a valid DNS name"),
    ("tenant of another cloud", lambda c: c.password(at=USGOV), 400, "invalid_request", "", 90038, "'usgov'"),
    ("app of a tenant of another cloud", lambda c: c.app_token(at=USGOV), 400, "invalid_request", "", 900382,
     "Cross Cloud"),
    ("no tenant for an app", lambda c: c.app_token(client_id=FOREIGN, at="common"), 400, "invalid_request", "", 50059,
     "No tenant-identifying information"),
    ("wrong password", lambda c: c.password(password="wrong"), 400, "invalid_grant", "", 50126, "invalid username or"),
    ("unknown user", lambda c: c.password(username="nobody@contoso.example"), 400, "invalid_grant", "", 50034,
     "nobody@contoso.example does not exist"),
    ("user without password", lambda c: c.password("passwordless", password="x"), 400, "invalid_grant", "", 50056,
     "null password"),
    ("locked user", lambda c: c.password("locked"), 400, "invalid_grant", "", 50053, "is locked"),
    ("disabled user", lambda c: c.password("disabled"), 400, "invalid_grant", "", 50057, "is disabled"),
    ("expired password", lambda c: c.password("expired"), 400, "invalid_grant", "user_password_expired", 50055,
     "expired"),
    ("second factor", lambda c: c.password("mfa"), 400, "invalid_grant", "basic_action", 50076,
     "'00000003-0000-0000-c000-000000000000'"),
    ("blocked by policy", lambda c: c.password("blocked"), 400, "invalid_grant", "message_only", 53003,
     "Conditional Access"),
    ("no consent", lambda c: c.password("consent"), 400, "invalid_grant", "consent_required", 65001, "not consented"),
    ("some consent missing", lambda c: c.password(scope="Mail.Read"), 400, "invalid_grant", "consent_required", 65001,
     "not consented"),
    ("not assigned", lambda c: c.password(client_id=ASSIGNED), 400, "invalid_grant", "", 50105, "'assigned'"),
    ("single-tenant app at common", lambda c: c.token("refresh_token", client_id=c.tenant.single_tenant_client,
     at="organizations"), 400, "invalid_request", "", 50194, "not configured as a multi-tenant"),
    ("personal accounts", lambda c: c.token("refresh_token", at="consumers"), 400, "invalid_request", "", 9002332,
     "/consumers"),
    ("password grant at common", lambda c: c.password(at="common"), 400, "invalid_request", "", 9001023, "/common"),
    ("revoked refresh token", revoked, 400, "invalid_grant", "bad_token", 50173, "TokensValidFrom"),
    ("idle refresh token", idle, 400, "invalid_grant", "", 700082, "due to inactivity"),
    ("unknown refresh token", lambda c: c.token("refresh_token", refresh_token="x"), 400, "invalid_grant", "", 70000,
     "malformed"),
    ("refresh token of another app", lambda c: refreshed(c, client_id=c.tenant.single_tenant_client),
     400, "invalid_grant", "client_mismatch", 70000, "malformed"),
    ("unknown code", lambda c: c.redeem("x"), 400, "invalid_grant", "", 70000, "malformed"),
    ("expired code", late_code, 400, "invalid_grant", "", 70008, "expired"),
    ("code used twice", reused_code, 400, "invalid_grant", "", 54005, "already redeemed"),
    ("code of another tenant", other_tenant_code, 400, "invalid_grant", "", 700005, "other tenant"),
    ("wrong verifier", lambda c: c.redeem(c.code(), code_verifier="x" * 43), 400, "invalid_grant", "", 501481,
     "Code_Verifier"),
    ("no verifier", lambda c: c.redeem(c.code(), code_verifier=""), 400, "invalid_grant", "", 501481, "Code_Verifier"),
    ("other redirect", lambda c: c.redeem(c.code(), redirect_uri="http://localhost"), 400, "invalid_client", "",
     500112, "'http://localhost' does not match"),
    ("loop", looping, 400, "invalid_grant", "", 50196, "loop"),
    ("unknown device code", lambda c: c.poll("x"), 400, "bad_verification_code", "", 70018, "verification code"),
    ("expired device code", expired_device, 400, "expired_token", "", 70020, "expired"),
    ("pending device", lambda c: c.poll(c.device()["device_code"]), 400, "authorization_pending", "", 70016,
     "Continue polling"),
    ("transient", chosen(90033), 503, "temporarily_unavailable", "", 90033, "transient"),
    ("server error", chosen(50000), 500, "server_error", "", 50000, "sign-in service"),
    ("compliant device", chosen(53000), 400, "interaction_required", "message_only", 53000, "compliant"),
    ("unknown number", chosen(1), 400, "invalid_request", "", 1, "chosen by the test"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_mistakes_are_answered_as_the_service_does(
    caller: Caller, row: tuple[str, Callable[[Caller], httpx2.Response], int, str, str, int, str]
) -> None:
    """
    Status, error, suberror, number and message are the service's (service facts, 1.6).
    """
    _, ask, status, error, suberror, code, text = row

    response = ask(caller)
    body = response.json()

    assert (status, error, suberror, [code]) == (
        response.status_code, body["error"], body.get("suberror", ""), body["error_codes"],
    )  # fmt: skip
    assert text in body["error_description"]
