"""connect(): every flow, every row of the parameter table, and every error."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from entrakit import Transport, UsernamePassword, connect, get_connection, list_connections
from entrakit.errors import (
    CertificateError,
    EntraError,
    InteractionRequiredError,
    NetworkError,
    NotConnectedError,
    ParameterError,
    ParameterSetError,
    ServiceUnavailableError,
    SignInError,
    ThrottledError,
    UnexpectedAnswerError,
)
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock

    from entrakit import Connection
    from entrakit.sign_in.flows.devicecode import DeviceCode
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

GRAPH = "https://graph.microsoft.com"


def pem(tenant: Tenant) -> bytes:
    """Return the confidential app's certificate and key."""
    return (tenant.certificate_pem + tenant.private_key_pem).encode()


def credential(tenant: Tenant) -> UsernamePassword:
    """Return name and password of the person about whom nothing is special."""
    return UsernamePassword(tenant.users.normal.upn, tenant.users.normal.password)


def test_user_name_and_password(emulator: Connect, entra_tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    """
    A user can sign in with a user name and password if the program passes them, and one warning says that this flow
    can't do MFA (checklist 31).
    """
    connection = emulator(credential=credential(entra_tenant))

    assert entra_tenant.users.normal.upn == connection.account.username
    assert 1 == caplog.text.count("multi-factor")


def test_device_code(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    A user enters the code on the page of the embedded tenant and is signed in.
    """
    person = entra_tenant.person()

    def approve(code: DeviceCode) -> None:
        person.approve_device(code.user_code)

    connection = emulator(device_code=True, on_device_code=approve)

    assert "devicecode" == connection.token().flow
    assert [] == entra_tenant.journal.violations


def test_a_device_code_can_be_approved_as_it_is_given(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    The simulated user takes what a client passes to its callback: the whole code, not only its letters.
    """
    person = entra_tenant.person()

    connection = emulator(device_code=True, on_device_code=person.approve_device)

    assert "devicecode" == connection.token().flow
    assert "You're signed in" == person.pages[-1].title


def test_a_declined_device_code(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    A user who declines on the page ends the sign-in with a specific error.
    """
    person = entra_tenant.person()

    with pytest.raises(SignInError) as caught:
        emulator(device_code=True, on_device_code=lambda code: person.deny_device(code.user_code))

    assert "authorization_declined" == caught.value.error


def test_scopes_are_asked_for(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    The scopes of a user are requested with their resource, and the token lists the granted scopes.
    """
    token = emulator(credential=credential(entra_tenant), scopes=["User.Read"]).token()

    assert any(scope.endswith("User.Read") for scope in token.scopes)


def test_scopes_of_an_app_are_ignored_and_said_so(
    app: Connect, entra_tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    """
    An app gets the permissions that it was granted. Scopes are ignored, with one warning.
    """
    app(client_secret=entra_tenant.client_secret, scopes=["User.Read"]).token()

    assert 1 == caplog.text.count("Scopes are for users")


def test_a_label_is_a_client(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    `Graph` stands for a well-known public client, in any case.
    """
    token = emulator(client_id="GRAPH", credential=credential(entra_tenant)).token()

    assert "14d82eec-204b-4c2f-b7e8-296a70dab67e" == token.client_id


def test_a_domain_is_a_tenant(app: Connect, entra_tenant: Tenant) -> None:
    """
    A domain selects the tenant; tokens contain the tenant's id.
    """
    token = app(client_secret=entra_tenant.client_secret, tenant_id=entra_tenant.domain.upper()).token()

    assert entra_tenant.tenant_id == token.tenant_id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_secret": "x", "device_code": True}, ParameterSetError),
        ({"certificate_path": "a", "certificate_name": "b"}, ParameterSetError),
        ({"certificate_password": "x"}, ParameterSetError),
        ({"credential": UsernamePassword("a", "b"), "client_secret": "x"}, ParameterSetError),
        ({"client_secret": "x", "login_hint": "ada"}, ParameterSetError),
        ({"client_secret": "x", "client_id": "not-a-guid"}, ParameterError),
        ({"client_secret": "x", "tenant_id": "not a tenant"}, ParameterError),
        ({"client_secret": "x", "tenant_id": "organizations"}, ParameterError),
        ({"credential": UsernamePassword("a", "b"), "tenant_id": "common"}, ParameterError),
        ({"certificate_path": "/nonexistent.pfx"}, CertificateError),
        ({"certificate_thumbprint": "xyz"}, ParameterError),
        ({"certificate": b"nonsense"}, CertificateError),
        ({"client_secret": "x", "cloud": "mars"}, ParameterError),
        ({"client_secret": "x", "cloud": "http://localhost"}, ParameterError),
        ({"client_secret": "x", "ensure": True}, ParameterError),
        ({"client_secret": "x", "save_secret": True}, ParameterError),
        ({"client_secret": "x", "name": "../etc"}, ParameterError),
        ({"prompt": "nonsense"}, ParameterError),
        ({"port": 70000}, ParameterError),
        ({"timeout": -1.0}, ParameterError),
        ({"scopes": ["a", "https://b/c"]}, ParameterError),
        ({"device_code": True, "timeout": 0.0, "scopes": ['"']}, ParameterError),
    ],
)
def test_nothing_is_sent_while_anything_is_wrong(
    emulator: Connect, entra_tenant: Tenant, change: dict[str, object], error: type[EntraError]
) -> None:
    """
    Invalid parameters raise an error before any request is sent.
    """
    with pytest.raises(error):
        emulator(**change)

    assert [] == entra_tenant.journal.entries


def test_a_confidential_app_needs_a_credential(app: Connect, entra_tenant: Tenant) -> None:
    """
    A confidential app without its credential gives AADSTS7000218 and a remedy.
    """
    with pytest.raises(SignInError) as caught:
        app(credential=credential(entra_tenant))

    assert 7000218 == caught.value.code
    assert "Allow public client flows" in caught.value.remedy


@pytest.mark.parametrize(
    ("who", "code", "kind", "words"),
    [
        ("mfa", 50076, InteractionRequiredError, "browser=True)`"),
        ("disabled", 50057, SignInError, "administrator"),
        ("locked", 50053, SignInError, "Wait"),
        ("expired", 50055, InteractionRequiredError, "browser"),
        ("consent", 65001, InteractionRequiredError, "adminconsent?client_id="),
        ("blocked", 53003, SignInError, "correlation id"),
    ],
)
def test_what_a_person_cannot_do_by_password_is_explained(
    emulator: Connect, entra_tenant: Tenant, who: str, code: int, kind: type[SignInError], words: str
) -> None:
    """
    Errors for MFA, disabled or locked users, expired passwords, missing consent and policies each have a remedy.
    """
    user = getattr(entra_tenant.users, who)

    with pytest.raises(SignInError) as caught:
        emulator(credential=UsernamePassword(user.upn, user.password))

    assert code == caught.value.code
    assert kind is type(caught.value)
    assert words in caught.value.remedy


def test_a_wrong_password_is_explained_and_not_shown(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    A wrong password gives an error that does not contain the password.
    """
    with pytest.raises(SignInError) as caught:
        emulator(credential=UsernamePassword(entra_tenant.users.normal.upn, "canary-wrong"))

    assert 50126 == caught.value.code
    assert "canary" not in str(caught.value) + caught.value.description


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.Throttle(endpoint="token", retry_after=3600, times=None), ThrottledError),
        (faults.Throttle(endpoint="token", retry_after=None, times=None), ThrottledError),
        (faults.Failure(endpoint="token", status=500, times=None), ServiceUnavailableError),
        (faults.Failure(endpoint="token", status=503, is_html=True, times=None), ServiceUnavailableError),
        (faults.Drop(endpoint="token", times=None), NetworkError),
        (faults.Drop(endpoint="token", is_mid_body=True, times=None), NetworkError),
    ],
)  # fmt: skip
def test_trouble_that_lasts_is_told(
    app: Connect, entra_tenant: Tenant, fault: faults.AnyFault, kind: type[EntraError]
) -> None:
    """
    Lasting throttling, outages and dropped connections each raise a specific error that can be retried.
    """
    entra_tenant.faults.add(fault)

    with pytest.raises(kind) as caught:
        app(client_secret=entra_tenant.client_secret)

    assert caught.value.retryable
    assert caught.value.remedy


@pytest.mark.parametrize(
    "fault",
    [
        faults.Throttle(endpoint="token", retry_after=7),
        faults.Throttle(endpoint="token", retry_after=7, is_date=True),
        faults.Failure(endpoint="token", status=503),
        faults.Failure(endpoint="token", status=500, is_html=True),
        faults.Drop(endpoint="token"),
        faults.Drop(endpoint="token", is_mid_body=True),
        faults.Failure(endpoint="discovery", status=502),
        faults.Throttle(endpoint="discovery", retry_after=7),
        faults.Drop(endpoint="discovery"),
    ],
)
def test_trouble_that_passes_is_passed_over(
    app: Connect, entra_tenant: Tenant, clock: FakeClock, fault: faults.AnyFault
) -> None:
    """
    A request with one throttled, failed or dropped answer is retried after the wait that the service requires.
    """
    entra_tenant.faults.add(fault)

    assert "User.Read.All" in app(client_secret=entra_tenant.client_secret).token().roles
    assert 1 == len(clock.sleeps)
    if isinstance(fault, faults.Throttle):
        assert 6 <= clock.sleeps[0] <= 8


def test_a_captive_portal_is_told(app: Connect, entra_tenant: Tenant) -> None:
    """
    A web page with status 200 instead of a token gives an error about a captive portal (trap 9 of MSAL).
    """
    entra_tenant.faults.add(faults.CaptivePortal(endpoint="token", times=None))

    with pytest.raises(UnexpectedAnswerError, match="web page") as caught:
        app(client_secret=entra_tenant.client_secret)

    assert "captive portal" in caught.value.remedy


def test_an_opaque_token_is_a_token(app: Connect, entra_tenant: Tenant) -> None:
    """
    An opaque token is accepted, and its expiry is read from the answer (checklist 36).
    """
    entra_tenant.faults.add(faults.Tokens(is_opaque=True))

    token = app(client_secret=entra_tenant.client_secret).token()

    assert {} == token.claims
    assert token.expires_on.timestamp() > time.time()


def test_ensure_signs_nobody_in_while_it_works(app: Connect, entra_tenant: Tenant) -> None:
    """
    `ensure` returns a working saved connection, and signs in again if the connection was made with another flow.
    """
    first = app(client_secret=entra_tenant.client_secret, name="job")
    asked = len(entra_tenant.journal.of("token"))

    again = app(client_secret=entra_tenant.client_secret, name="job", ensure=True)
    other = app(certificate=pem(entra_tenant), name="job", ensure=True)

    assert first.token().access_token == again.token().access_token
    assert "certificate" == other.info.flow
    assert asked + 1 == len(entra_tenant.journal.of("token"))


def test_ensure_signs_in_where_nothing_is_kept(app: Connect, entra_tenant: Tenant) -> None:
    """
    `ensure` signs in if no connection is saved.
    """
    connection = app(client_secret=entra_tenant.client_secret, name="job", ensure=True)

    assert connection.token().access_token == get_connection("job").token().access_token


def test_ensure_signs_in_where_the_kept_one_is_spent(emulator: Connect, entra_tenant: Tenant, clock: FakeClock) -> None:
    """
    `ensure` signs in again if the refresh token of the saved connection was revoked.
    """
    given = {"credential": credential(entra_tenant), "name": "ada"}
    emulator(**given)
    entra_tenant.seed.revoke_sessions(entra_tenant.users.normal.upn)
    clock.advance(7200)

    assert "password" == emulator(**given, ensure=True).token().flow


@pytest.mark.parametrize("kind", ["secret", "certificate", "password"])
def test_a_saved_proof_renews_alone(emulator: Connect, entra_tenant: Tenant, clock: FakeClock, kind: str) -> None:
    """
    With `save_secret` a later process can renew with the vault alone.
    """
    given: dict[str, dict[str, object]] = {
        "secret": {"client_id": entra_tenant.confidential_client, "client_secret": entra_tenant.client_secret},
        "certificate": {"client_id": entra_tenant.confidential_client, "certificate": pem(entra_tenant)},
        "password": {"credential": credential(entra_tenant)},
    }
    first = emulator(**given[kind], name="job", save_secret=True)
    old = first.token().access_token
    entra_tenant.seed.revoke_sessions(entra_tenant.users.normal.upn)
    clock.advance(86400)

    with get_connection("job", clock=clock) as connection:
        assert old != connection.token().access_token


def test_a_certificate_in_memory_is_not_found_again(app: Connect, entra_tenant: Tenant, clock: FakeClock) -> None:
    """
    A later process can't renew with a certificate object that a program passed, and an error says so.
    """
    app(certificate=pem(entra_tenant), name="job")
    clock.advance(86400)

    with (
        get_connection("job", clock=clock) as connection,
        pytest.raises(InteractionRequiredError, match="requires its certificate"),
    ):
        connection.token()


def test_a_certificate_file_is_read_again(app: Connect, entra_tenant: Tenant, clock: FakeClock, tmp_path: Path) -> None:
    """
    A later process renews with the current certificate of the file.
    """
    file = tmp_path / "app.pem"
    file.write_bytes(pem(entra_tenant))
    file.chmod(0o600)
    old = app(certificate_path=file, name="job").token().access_token
    clock.advance(86400)

    with get_connection("job", clock=clock) as connection:
        assert old != connection.token().access_token


def test_nothing_is_kept_of_a_sign_in_that_failed(app: Connect) -> None:
    """
    A failed sign-in saves nothing.
    """
    with pytest.raises(SignInError):
        app(client_secret="wrong", name="job")

    with pytest.raises(NotConnectedError):
        get_connection("job")
    assert [] == list_connections()


def test_the_issues_words_for_where_and_what(entra_tenant: Tenant) -> None:
    """
    `authority_url`, `resource`, `ca_bundle` and `timeout` work with every flow and need no other parameter.
    """
    with connect(
        client_id=entra_tenant.confidential_client,
        tenant_id=entra_tenant.tenant_id,
        client_secret=entra_tenant.client_secret,
        authority_url=entra_tenant.url,
        resource="https://vault.azure.net",
        ca_bundle=entra_tenant.ca_path,
        timeout=20,
    ) as connection:
        assert ("https://vault.azure.net/.default",) == connection.info.scopes
        assert connection.token().access_token
        assert entra_tenant.url == connection.info.cloud.authority


@pytest.mark.parametrize(
    ("cloud", "scope"),
    [
        ("usgov", "https://graph.microsoft.us/User.Read"),
        ("usgov-dod", "https://dod-graph.microsoft.us/User.Read"),
        ("china", "https://microsoftgraph.chinacloudapi.cn/User.Read"),
        ("bleu", "https://graph.svc.sovcloud.fr/User.Read"),
    ],
)
def test_a_sovereign_connection_asks_for_the_sovereign_audience(
    emulator: Connect, entra_tenant: Tenant, cloud: str, scope: str
) -> None:
    """
    Permissions without a resource belong to the Graph of the cloud, even if another authority is used.
    """
    connection = emulator(credential=credential(entra_tenant), cloud=cloud, authority_url=entra_tenant.url)

    assert (scope,) == connection.info.scopes


@pytest.mark.parametrize(
    "wrong",
    [
        {"certificate": "app.pem"},
        {"certificate": (1, 2, 3)},
        {"credential": ("a", "b")},
        {"client_id": None, "client_secret": "x"},
        {"tenant_id": 5, "client_secret": "x"},
        {"certificate_thumbprint": ""},
        {"certificate_name": ""},
        {"client_secret": "a\udc80"},
        {"client_secret": ""},
        {"client_secret": "x", "ca_bundle": "both"},
        {"client_secret": "x", "authority_url": "http://localhost"},
        {"client_secret": "x", "graph_url": "http://localhost"},
        {"client_secret": "x", "graph_url": "https://localhost/v1.0"},
        {"client_secret": "x", "graph_url": "https://gateway.contoso.com/graph/beta/"},
        {"client_secret": "x", "graph_url": "https://gateway.contoso.com/graph?key=1"},
    ],
)
def test_a_value_of_the_wrong_kind_is_told(emulator: Connect, wrong: dict[str, object]) -> None:
    """
    Values of wrong types raise ParameterError, not TypeError, because programs can run without type checking.
    """
    with pytest.raises(ParameterError):
        emulator(**wrong)


def test_ensure_uses_the_proof_that_is_given(app: Connect, entra_tenant: Tenant, clock: FakeClock) -> None:
    """
    `ensure` uses the passed credential, by a renewal or a new sign-in, if the saved connection's is not available.
    """
    app(certificate=pem(entra_tenant), name="job")
    clock.advance(86400)

    assert app(certificate=pem(entra_tenant), name="job", ensure=True).token().access_token


@pytest.mark.parametrize(
    "fault",
    [
        *(faults.Garbage(endpoint="token", form=form, times=None) for form in ("truncated", "text", "array", "empty")),
        faults.Garbage(endpoint="token", form="binary", times=None),
        faults.Redirected(endpoint="token", times=None),
        faults.Oversized(endpoint="token", times=None),
        faults.Garbage(endpoint="discovery", times=None),
        faults.CaptivePortal(endpoint="discovery", times=None),
        faults.Redirected(endpoint="discovery", times=None),
    ],
)
def test_what_is_no_answer_is_told(app: Connect, entra_tenant: Tenant, fault: faults.AnyFault) -> None:
    """
    Broken JSON, web pages, redirects and endless bodies each raise an error with the host. No redirect is followed.
    """
    entra_tenant.faults.add(fault)

    with pytest.raises(UnexpectedAnswerError) as caught:
        app(client_secret=entra_tenant.client_secret)

    assert caught.value.remedy
    assert "localhost" in caught.value.problem


def test_a_slow_answer_is_given_up(app: Connect, entra_tenant: Tenant) -> None:
    """
    A service that does not answer within the timeout gives an error that says so.
    """
    entra_tenant.faults.add(faults.Slow(endpoint="token", seconds=1.0, times=None))
    hasty = Transport(ca_bundle=entra_tenant.ca_path, timeout_s=0.2, clock=FakeTime())

    with pytest.raises(NetworkError, match="stopped answering"):
        app(client_secret=entra_tenant.client_secret, transport=hasty)
    hasty.close()


class FakeTime:
    """A clock with the real time whose sleeps take no time."""

    def time(self) -> float:
        """Return the real time."""
        return time.time()

    def monotonic(self) -> float:
        """Return the real monotonic time."""
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        """Return immediately."""


def test_a_short_life_is_renewed(app: Connect, entra_tenant: Tenant) -> None:
    """
    A token that is valid for less than five minutes is used, and renewed at every call.
    """
    entra_tenant.faults.add(faults.Tokens(lifetime_s=60, times=None))
    connection = app(client_secret=entra_tenant.client_secret)

    first, second = connection.token(), connection.token()

    assert first.access_token != second.access_token


def test_numbers_may_come_as_text(emulator: Connect, entra_tenant: Tenant) -> None:
    """
    Numbers that the v1 service sends as strings are read as numbers.
    """
    entra_tenant.faults.add(faults.Tokens(has_text_numbers=True, times=None))

    token = emulator(credential=credential(entra_tenant)).token()

    assert token.expires_at > token.issued_at + 1000


def test_graph_can_be_behind_a_gateway_with_a_path(app: Connect, entra_tenant: Tenant) -> None:
    """
    `graph_url` can have a path, below which Microsoft Graph has its versions.
    """
    connection = app(client_secret=entra_tenant.client_secret, graph_url="https://gateway.contoso.com/graph/", name="g")

    assert "https://gateway.contoso.com/graph/v1.0" == connection.graph.service.url
    with get_connection("g") as saved:
        assert "https://gateway.contoso.com/graph/beta" == saved.service("graph-beta").service.url


@pytest.mark.parametrize(
    ("parameters", "is_told"),
    [
        ({}, True),
        ({"graph_url": "https://localhost:8443"}, False),
        ({"cloud": "global", "authority_url": "https://127.0.0.1:8443"}, True),
        ({"cloud": "global", "authority_url": "https://login.contoso.com"}, False),
    ],
)
def test_a_token_service_on_this_machine_with_the_real_graph_is_told(
    app: Connect, caplog: pytest.LogCaptureFixture, parameters: dict[str, object], *, is_told: bool
) -> None:
    """
    A warning says where requests to Microsoft Graph go, because a token service on this machine is usually an emulator.
    """
    with pytest.raises(ParameterError):
        app(client_secret="x", name="../etc", **parameters)

    assert is_told == ("are sent to https://graph.microsoft.com" in caplog.text)
