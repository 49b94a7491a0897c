"""Device authorization grant (RFC 8628): polling that obeys the service and survives lost answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit import connect
from entrakit.authority.clouds import find_cloud
from entrakit.errors import NetworkError, SignInError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport
    from entrakit.sign_in.flows.devicecode import DeviceCode

BEGUN = {
    "user_code": "CJZ7VXQ2B",
    "device_code": "canary-device-code",
    "verification_uri": "https://microsoft.com/devicelogin",
    "expires_in": 900,
    "interval": 5,
    "message": "To sign in, use a web browser.",
}
DONE = {"token_type": "Bearer", "expires_in": 3600, "access_token": "canary", "refresh_token": "canary-refresh"}


def error(name: str, **more: object) -> tuple[int, object]:
    """Return the answer of the token endpoint for an error."""
    return 400, {"error": name, "error_description": f"AADSTS70016: {name}", **more}


class Script:
    """Answers the device code request with `begun`, then each poll with the next of a list; None drops it."""

    def __init__(self, *polls: tuple[int, object], begun: dict[str, object] | None = None) -> None:
        self.begun = BEGUN if begun is None else begun
        self.polls = list(polls)

    def __call__(self, form: dict[str, str]) -> tuple[int, object]:
        if "device_code" not in form:
            return 200, self.begun
        return self.polls.pop(0) if self.polls else (200, DONE)


@pytest.fixture
def sign_in(
    token_server: TokenServer, transport: Transport, clock: FakeClock
) -> Callable[..., tuple[Connection, list[DeviceCode]]]:
    """Return a function that signs in against a script, and returns the connection and what was shown."""

    def run(script: Script, timeout_s: float | None = None) -> tuple[Connection, list[DeviceCode]]:
        token_server.answer = script
        shown: list[DeviceCode] = []
        connection = connect(
            client_id="Graph", tenant_id=token_server.tenant_id, device_code=True, on_device_code=shown.append,
            timeout=timeout_s, cloud=find_cloud(token_server.url), transport=transport, clock=clock,
        )  # fmt: skip
        return connection, shown

    return run


def test_code_and_address_are_shown_as_received(sign_in: Callable[..., tuple[Connection, list[DeviceCode]]]) -> None:
    """
    The user sees exactly the code and address of the service, the remaining time, and a warning about codes from
    others (RFC 8628, 3.3 and 5.4; checklist 16, 23).
    """
    _, (code,) = sign_in(Script())

    assert ("CJZ7VXQ2B", "https://microsoft.com/devicelogin", 900.0) == code[:3]
    assert "CJZ7VXQ2B" in str(code)
    assert "15 minutes" in str(code)
    assert "somebody else" in str(code)


def test_polls_wait_for_the_interval(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], clock: FakeClock
) -> None:
    """
    The interval passes before each poll, the first included (RFC 8628, 3.5; checklist 17).
    """
    sign_in(Script(*[error("authorization_pending")] * 3))

    assert [5, 5, 5, 5] == clock.sleeps


def test_an_absent_interval_is_five_seconds(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], clock: FakeClock
) -> None:
    """
    Without an interval, five seconds (RFC 8628, 3.2); numbers that are strings are accepted.
    """
    begun = {name: value for name, value in BEGUN.items() if name != "interval"} | {"expires_in": "900"}
    sign_in(Script(begun=begun))

    assert [5] == clock.sleeps


def test_slow_down_lengthens_the_interval_for_good(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], clock: FakeClock
) -> None:
    """
    Each slow_down adds five seconds to this and all later waits (RFC 8628, 3.5; checklist 18).
    """
    pending = error("authorization_pending")
    sign_in(Script(error("slow_down"), pending, error("slow_down"), pending))

    assert [5, 10, 10, 15, 15] == clock.sleeps


@pytest.mark.parametrize(
    "trouble",
    [(503, {}), (500, b"<html>"), (429, {}), (200, b"<html>Hotel WiFi</html>"), (200, b"{"), (502, {"error": "x"})],
)
def test_trouble_while_polling_backs_off_and_goes_on(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], clock: FakeClock, trouble: tuple[int, object]
) -> None:
    """
    A lost answer means "not yet", with fewer polls (RFC 8628, 3.5; checklist 20): the user may be typing.
    """
    connection, _ = sign_in(Script(trouble, trouble, error("authorization_pending")))

    assert [5, 10, 20, 5] == clock.sleeps
    assert "canary" == connection.token().access_token


@pytest.mark.parametrize("name", ["authorization_declined", "expired_token", "bad_verification_code", "access_denied"])
def test_every_other_error_ends_it(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], name: str, clock: FakeClock
) -> None:
    """
    A refusal of the service ends the polling, and each has its own message (checklist 19).
    """
    with pytest.raises(SignInError) as caught:
        sign_in(Script(error(name)))

    assert name == caught.value.error
    assert [5] == clock.sleeps
    assert caught.value.remedy


def test_it_ends_when_the_code_does(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], clock: FakeClock, token_server: TokenServer
) -> None:
    """
    No poll is sent after expires_in (RFC 8628, 3.5; checklist 21).
    """
    begun = BEGUN | {"expires_in": 17}

    with pytest.raises(SignInError, match="in time") as caught:
        sign_in(Script(*[error("authorization_pending")] * 99, begun=begun))

    assert "expired_token" == caught.value.error
    assert sum(clock.sleeps) <= 17
    assert 3 == sum("device_code" in form for form in token_server.forms)


def test_a_time_out_of_ones_own_ends_it_earlier(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], clock: FakeClock
) -> None:
    """
    The caller may set a shorter wait than the lifetime of the code.
    """
    with pytest.raises(SignInError, match="in time"):
        sign_in(Script(*[error("authorization_pending")] * 99), timeout_s=12)

    assert sum(clock.sleeps) <= 12


@pytest.mark.parametrize(
    "change",
    [
        {"user_code": "AB\x1b[2JC"},
        {"verification_uri": "https://x\x07/y"},
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "http://microsoft.com/devicelogin"},
        {"verification_uri": "https://microsoft.com@evil.example/devicelogin"},
        {"verification_uri": "https://micros\u043eft.com/devicelogin"},
        {"verification_uri": "https://evil.example\\@microsoft.com/"},
        {"user_code": "A B"},
        {"user_code": "\u0410BC"},
    ],
)
def test_what_could_steer_a_terminal_is_not_shown(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], change: dict[str, object]
) -> None:
    """
    A code or address with control characters, or an address without TLS, is refused (checklist 16, 48).
    """
    with pytest.raises(UnexpectedAnswerError, match="not safe to show"):
        sign_in(Script(begun=BEGUN | change))


def test_the_services_sentence_is_made_safe(sign_in: Callable[..., tuple[Connection, list[DeviceCode]]]) -> None:
    """
    The message is shown without control characters.
    """
    _, (code,) = sign_in(Script(begun=BEGUN | {"message": "Go\x1b[2J there\r\n"}))

    assert "Go[2J there" == code.message


@pytest.mark.parametrize("begun", [{}, {"user_code": "x"}, {"error": "invalid_client", "error_description": "AADSTS7"}])
def test_no_code_is_an_error(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], begun: dict[str, object]
) -> None:
    """
    An answer without a code is an error at once.
    """
    with pytest.raises((SignInError, NetworkError)):
        sign_in(Script(begun=begun))


def test_an_authority_without_device_codes_is_told(
    sign_in: Callable[..., tuple[Connection, list[DeviceCode]]], token_server: TokenServer
) -> None:
    """
    Discovery without a device authorization endpoint (RFC 8628, 4) means that the authority offers no device code.
    """
    token_server.document = {"device_authorization_endpoint": None}

    with pytest.raises(SignInError, match="offers no device code") as caught:
        sign_in(Script())

    assert "browser" in caught.value.remedy
    assert [] == token_server.forms


def test_an_interrupt_ends_at_once(token_server: TokenServer, transport: Transport, clock: FakeClock) -> None:
    """
    Ctrl-C is not caught, and nothing is saved (checklist 22).
    """
    token_server.answer = Script()

    def interrupt(code: DeviceCode) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connect(
            client_id="Graph", tenant_id=token_server.tenant_id, device_code=True, on_device_code=interrupt,
            name="job", cloud=find_cloud(token_server.url), transport=transport, clock=clock,
        )  # fmt: skip

    assert 1 == len(token_server.forms)


def test_without_a_callback_the_code_is_logged(
    token_server: TokenServer, transport: Transport, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A library does not print: without a callback the code is a warning of the logger `entrakit.devicecode`.
    """
    token_server.answer = Script()

    connect(
        client_id="Graph", tenant_id=token_server.tenant_id, device_code=True,
        cloud=find_cloud(token_server.url), transport=transport, clock=clock,
    )  # fmt: skip

    assert "CJZ7VXQ2B" in caplog.text
    assert "canary" not in caplog.text
