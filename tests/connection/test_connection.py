"""Connections: a token that renews itself, once, for any number of threads and processes."""

from __future__ import annotations

import base64
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from entrakit import connect, disconnect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.errors import (
    InteractionRequiredError,
    NetworkError,
    NotConnectedError,
    ParameterError,
    SignInError,
)
from entrakit.secret import Secret
from entrakit.tokens.claims_challenge import parse_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, TokenServer

    from entrakit.connection import Connection
    from entrakit.http.transport import Transport

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"


class Counter:
    """Answers each token request with the next token, as long as `status` is 200."""

    def __init__(self, **more: object) -> None:
        self.count = 0
        self.status = 200
        self.more = more

    def __call__(self, form: dict[str, str]) -> tuple[int, object]:
        if self.status != 200:
            return self.status, {"error": "invalid_grant", "error_description": "AADSTS50173: revoked"}
        self.count += 1
        return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": f"token-{self.count}"} | self.more


@pytest.fixture
def open_app(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that connects an app by its secret."""

    def connect_app(name: str | None = None, secret: str | Secret = "canary-secret") -> Connection:
        return connect(
            client_id=CLIENT, tenant_id=token_server.tenant_id, client_secret=secret, name=name,
            cloud=find_cloud(token_server.url), transport=transport, clock=clock,
        )  # fmt: skip

    return connect_app


@pytest.fixture
def open_person(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that connects a person by device code."""

    def connect_person(name: str | None = None) -> Connection:
        following = token_server.answer

        def begin(form: dict[str, str]) -> tuple[int, object]:
            token_server.answer = following
            return 200, {"user_code": "ABC", "device_code": "canary-device", "verification_uri": "https://x/y",
                         "expires_in": "900", "interval": "5", "message": "go"}  # fmt: skip

        token_server.answer = begin
        return connect(
            client_id=CLIENT, tenant_id=token_server.tenant_id, device_code=True, on_device_code=lambda code: None,
            name=name, cloud=find_cloud(token_server.url), transport=transport, clock=clock,
        )  # fmt: skip

    return connect_person


def test_a_fresh_token_is_returned_as_it_is(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    While more than five minutes are left there is no request.
    """
    token_server.answer = Counter()
    connection = open_app()

    assert ["token-1"] * 3 == [connection.token().access_token for _ in range(3)]
    assert {"Authorization": "Bearer token-1"} == connection.headers()


def test_a_stale_token_is_renewed(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    With less than five minutes left the next call gets a new token.
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.advance(3400)

    assert "token-2" == connection.token().access_token


def test_a_failed_early_renewal_returns_the_valid_token(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    While the token can be used, trouble with its renewal is nobody's problem, and is not asked for at every call.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    answer.status = 503
    clock.advance(3400)

    assert "token-1" == connection.token().access_token
    asked = len(token_server.forms)
    assert "token-1" == connection.token().access_token
    assert asked == len(token_server.forms)


def test_an_expired_token_is_never_returned(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Past its end a token that can't be renewed is an error.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    answer.status = 503
    clock.advance(3601)

    with pytest.raises(NetworkError):
        connection.token()


def test_a_clock_set_back_does_not_keep_a_token_alive(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A token from the future is renewed: what the clock says of it can't be trusted (checklist 52).
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.now -= 7200

    assert "token-2" == connection.token().access_token


def test_refresh_in_renews_early(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    The service may name a time for an early renewal of a long-lived token.
    """
    token_server.answer = Counter(expires_in=86400, refresh_in=43200)
    connection = open_app()

    clock.advance(43100)
    assert "token-1" == connection.token().access_token
    clock.advance(200)
    assert "token-2" == connection.token().access_token


def test_min_validity_renews_earlier(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A caller who needs the token for longer gets a new one before it is stale.
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.advance(1900)

    assert "token-1" == connection.token(min_validity_s=1600).access_token
    assert "token-2" == connection.token(min_validity_s=1800).access_token


def test_many_threads_renew_once(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Thirty-two threads that find the token expired make one request (checklist 51).
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    clock.advance(4000)
    token_server.answer = after(lambda: clock.wait_for_threads(32), answer)

    seen = run_together(32, lambda: connection.token().access_token)

    assert ["token-2"] * 32 == seen
    assert 2 == answer.count


def test_a_failed_renewal_is_shared_by_those_who_wait(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Threads that waited for a renewal that failed get its error, instead of failing one after another.
    """
    token_server.answer = Counter()
    connection = open_app()
    clock.advance(4000)
    asked = len(token_server.forms)
    refused = 401, {"error": "invalid_client", "error_description": "AADSTS7000222: over", "error_codes": [7000222]}
    token_server.answer = after(lambda: clock.wait_for_threads(8), lambda form: refused)

    def ask() -> str:
        with pytest.raises(SignInError) as caught:
            connection.token()
        return caught.value.error

    assert ["invalid_client"] * 8 == run_together(8, ask)
    assert asked + 1 == len(token_server.forms)


def test_a_claims_challenge_gets_one_new_token(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    A challenge skips the token at hand, is sent on with our own capability, and counts once (checklist 35).
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    challenge = '{"access_token": {"nbf": {"essential": true, "value": "1"}}}'

    token = connection.token(claims=base64.b64encode(challenge.encode()).decode().rstrip("="))

    sent = json.loads(token_server.forms[-1]["claims"])
    assert "token-2" == token.access_token
    assert ["nbf", "xms_cc"] == sorted(sent["access_token"])
    assert 2 == answer.count


def test_threads_with_the_same_challenge_share_the_token(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Many requests refused with one challenge need one new token, not one each.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    clock.advance(1)
    token_server.answer = after(lambda: clock.wait_for_threads(8), answer)

    seen = run_together(8, lambda: connection.token(claims='{"id_token": {}}').access_token)

    assert ["token-2"] * 8 == seen
    assert 2 == answer.count


@pytest.mark.parametrize("text", ["", "x", "[]", "bm90IGpzb24", "{", "e30=e30="])
def test_what_is_no_challenge_is_refused(text: str) -> None:
    """
    A challenge is the JSON text of an object, plain or in base64.
    """
    if text:
        with pytest.raises(ParameterError):
            parse_claims(text)
    assert "{}" == parse_claims("e30")


def test_another_resource_gets_its_own_token(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    One connection serves several resources, one token for each.
    """
    token_server.answer = Counter()
    connection = open_app()

    vault = connection.token("https://vault.azure.net/.default")

    assert "https://vault.azure.net/.default" == token_server.forms[-1]["scope"]
    assert vault is connection.token("https://vault.azure.net/.default")
    assert "token-1" == connection.token().access_token


def test_the_next_refresh_token_replaces_the_last(
    token_server: TokenServer, open_person: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Each answer's refresh token is the one that is used next (checklist 34).
    """
    numbers = iter(range(1, 9))
    token_server.answer = lambda form: (
        200,
        {"token_type": "Bearer", "expires_in": "3600", "access_token": "a", "refresh_token": f"r{next(numbers)}"},
    )
    connection = open_person()
    for _ in range(2):
        clock.advance(4000)
        connection.token()

    assert ["r1", "r2"] == [form["refresh_token"] for form in token_server.forms if "refresh_token" in form]


def test_a_revoked_refresh_token_needs_a_person(
    token_server: TokenServer, open_person: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A renewal never opens a browser or a prompt: it says how to connect again, and sends one request.
    """
    answer = token_server.answer = Counter(refresh_token="r1")
    connection = open_person()
    answer.status = 400
    clock.advance(4000)
    asked = len(token_server.forms)

    with pytest.raises(InteractionRequiredError) as caught:
        connection.token()

    assert ("connect",) == caught.value.parameters
    assert connection.settings == caught.value.settings
    assert asked + 1 == len(token_server.forms)


def test_without_a_refresh_token_a_person_is_needed(
    token_server: TokenServer, open_person: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A person's connection without refresh token ends with its token.
    """
    token_server.answer = Counter()
    connection = open_person()
    clock.advance(4000)

    with pytest.raises(InteractionRequiredError, match="no refresh token"):
        connection.token()


def test_a_kept_connection_is_opened_by_its_name(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Another process opens the connection by name and asks nothing of the network while the token is fresh.
    """
    token_server.answer = Counter()
    open_app("job")
    asked = len(token_server.paths)

    again = get_connection("job", clock=clock)

    assert "token-1" == again.token().access_token
    assert asked == len(token_server.paths)


def test_a_renewal_of_another_process_is_taken_over(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport
) -> None:
    """
    Who finds the token due looks at the entry first: another process may have renewed it.
    """
    answer = token_server.answer = Counter()
    first = open_app("job", Secret("canary-secret"))
    other = get_connection("job", clock=clock, transport=transport)
    clock.advance(4000)
    first.token()

    assert "token-2" == other.token().access_token
    assert 2 == answer.count


def test_a_secret_is_read_again_from_where_it_came(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A later process renews with the secret that the environment has now, which may be a new one.
    """
    token_server.answer = Counter()
    open_app("job", Secret.from_env("APP_SECRET", {"APP_SECRET": "old"}))
    clock.advance(4000)
    monkeypatch.setenv("APP_SECRET", "new")

    get_connection("job", clock=clock, transport=transport).token()

    assert "new" == token_server.forms[-1]["client_secret"]


@pytest.mark.parametrize("secret", ["typed", Secret.from_env("GONE", {"GONE": "x"})])
def test_a_secret_that_is_gone_is_told(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport,
    secret: str | Secret,
) -> None:  # fmt: skip
    """
    A credential that was not saved and can't be read again is named, with the call that connects again.
    """
    token_server.answer = Counter()
    open_app("job", secret)
    clock.advance(4000)

    with pytest.raises(InteractionRequiredError, match="client secret") as caught:
        get_connection("job", clock=clock, transport=transport).token()

    assert ("connect", "save_secret") == caught.value.parameters


def test_a_saved_secret_renews_alone(token_server: TokenServer, clock: FakeClock, transport: Transport) -> None:
    """
    With save_secret the proof is kept, sealed, and a later process needs nothing else.
    """
    token_server.answer = Counter()
    connect(
        client_id=CLIENT, tenant_id=token_server.tenant_id, client_secret="kept", name="job", save_secret=True,
        cloud=find_cloud(token_server.url), transport=transport, clock=clock,
    )  # fmt: skip
    clock.advance(4000)

    assert "token-2" == get_connection("job", clock=clock, transport=transport).token().access_token


def test_a_connection_removed_elsewhere_is_not_brought_back(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    After a sign-out in another process, a renewal neither succeeds nor writes the entry anew.
    """
    token_server.answer = Counter()
    connection = open_app("job")
    disconnect("job")
    clock.advance(4000)

    with pytest.raises(NotConnectedError):
        connection.token()
    with pytest.raises(NotConnectedError):
        get_connection("job")


def test_disconnecting_forgets(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    After disconnect nothing is kept, in memory or on disk.
    """
    token_server.answer = Counter()
    connection = open_app("job")

    connection.disconnect()

    with pytest.raises(NotConnectedError):
        connection.token()
    with pytest.raises(NotConnectedError):
        get_connection("job")


def test_a_context_forgets_and_keeps(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    At the end of a with block secrets leave memory; what is kept in the vault stays.
    """
    token_server.answer = Counter()
    with open_app("job") as connection:
        connection.token()

    with pytest.raises(NotConnectedError):
        connection.token()
    assert "token-1" == get_connection("job", clock=clock).token().access_token


def test_it_is_a_credential_for_azure(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    The connection has the shape of azure-core's TokenCredential and SupportsTokenInfo.
    """
    from azure.core.credentials import SupportsTokenInfo, TokenCredential

    token_server.answer = Counter()
    connection = open_app()

    token = connection.get_token("https://vault.azure.net/.default", tenant_id=token_server.tenant_id)
    info = connection.get_token_info(
        "https://vault.azure.net/.default", options={"enable_cae": True, "claims": '{"id_token": {}}'}
    )

    assert isinstance(connection, TokenCredential)
    assert isinstance(connection, SupportsTokenInfo)
    assert ("token-2", "token-3", "Bearer") == (token.token, info.token, info.token_type)
    assert isinstance(token.expires_on, int)


@pytest.mark.parametrize(("scopes", "tenant"), [((), None), (("a/.default",), "other.example")])
def test_azure_may_not_ask_for_another_tenant(
    token_server: TokenServer, open_app: Callable[..., Connection], scopes: tuple[str, ...], tenant: str | None
) -> None:
    """
    A token of another tenant than the connection's is refused, and so is a token for nothing.
    """
    token_server.answer = Counter()
    connection = open_app()

    with pytest.raises(ParameterError):
        connection.get_token(*scopes, tenant_id=tenant)


def test_a_connection_shows_no_secret(token_server: TokenServer, open_app: Callable[..., Connection]) -> None:
    """
    Repr names who is connected, and nothing else; a pickle is refused (checklist 49).
    """
    connection = open_app()

    assert "canary" not in repr(connection)
    assert CLIENT in repr(connection)
    with pytest.raises(TypeError):
        pickle.dumps(connection)


def after(
    wait: Callable[[], None], answer: Callable[[dict[str, str]], tuple[int, object]]
) -> Callable[[dict[str, str]], tuple[int, object]]:
    """Return an answer that is given once `wait` is over."""

    def held(form: dict[str, str]) -> tuple[int, object]:
        wait()
        return answer(form)

    return held


def run_together(count: int, call: Callable[[], str]) -> list[str]:
    """Call in so many threads at once, and return what they returned."""
    with ThreadPoolExecutor(count) as pool:
        return [done.result(20) for done in [pool.submit(call) for _ in range(count)]]


def test_another_connection_under_the_name_is_not_taken_over(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, transport: Transport
) -> None:
    """
    Where the name was given to another app meanwhile, our secret is not sent for it: the renewal ends.
    """
    token_server.answer = Counter()
    connection = open_app("job")
    connect(
        client_id="bbbbbbbb-2222-3333-4444-555555555555", tenant_id=token_server.tenant_id, client_secret="theirs",
        name="job", cloud=find_cloud(token_server.url), transport=transport, clock=clock,
    )  # fmt: skip
    asked = len(token_server.forms)
    clock.advance(4000)

    with pytest.raises(NotConnectedError, match="Another connection"):
        connection.token()
    assert asked == len(token_server.forms)


def test_a_refused_token_is_not_handed_out_again(
    token_server: TokenServer, open_app: Callable[..., Connection]
) -> None:
    """
    After a claims challenge every way to ask gives the new token.
    """
    token_server.answer = Counter()
    connection = open_app()

    connection.token(claims="{}")

    assert "token-2" == connection.token().access_token
    assert {"Authorization": "Bearer token-2"} == connection.headers()


@pytest.mark.parametrize("claims", ['{"access_token": []}', '{"access_token": null}', '{"id_token": 1}'])
def test_members_of_a_challenge_are_objects(claims: str) -> None:
    """
    A challenge of another shape is refused before it is merged with ours.
    """
    with pytest.raises(ParameterError):
        parse_claims(claims)


@pytest.mark.parametrize(
    "granted",
    [
        {"access_token": "a\r\nX: y"},
        {"access_token": "a b"},
        {"access_token": "tokän"},
        {"access_token": "a", "token_type": "pop"},
        {"access_token": "a", "token_type": "B\r\nd"},
    ],
)
def test_what_can_be_no_header_is_no_token(
    token_server: TokenServer, open_app: Callable[..., Connection], granted: dict[str, object]
) -> None:
    """
    A token becomes a header, so it has visible characters only and is a bearer token (RFC 6750, 2.1).
    """
    token_server.answer = lambda form: (200, {"expires_in": 3600} | granted)

    with pytest.raises(NetworkError):
        open_app()


@pytest.mark.parametrize("lifetime", [0, -5, "0"])
def test_a_token_that_is_over_is_over(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock, lifetime: object
) -> None:
    """
    A lifetime of nothing is believed: the token is renewed at the next call.
    """
    token_server.answer = Counter(expires_in=lifetime)
    connection = open_app()
    clock.advance(1)

    assert "token-2" == connection.token().access_token


def test_an_early_renewal_does_not_make_its_caller_wait(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    With a token that can still be used, one attempt is made and none is waited for; Retry-After is remembered.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    answer.status = 503
    clock.advance(3400)
    asked = len(token_server.forms)

    assert "token-1" == connection.token().access_token
    assert asked + 1 == len(token_server.forms)
    assert [] == clock.sleeps


def test_the_tokens_for_azure_do_not_show_themselves(
    token_server: TokenServer, open_app: Callable[..., Connection]
) -> None:
    """
    What azure-core gets has the token, and a repr without it.
    """
    token_server.answer = lambda form: (200, {"access_token": "canary-token", "expires_in": 3600})
    connection = open_app()

    token, info = connection.get_token("a/.default"), connection.get_token_info("a/.default")

    assert "canary-token" == token.token == info.token
    assert "canary" not in repr(token) + repr(info)


def test_a_service_gets_the_token_that_is_there_where_there_is_no_better(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    A token with CAE is asked for, once in a while; until one is granted, the one without does its work.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    scope = " ".join(connection.settings.scopes)
    answer.status = 503
    asked = len(token_server.forms)

    assert ["token-1"] * 3 == [connection.service_token(scope).access_token for _ in range(3)]
    assert asked + 1 == len(token_server.forms)

    answer.status = 200
    clock.advance(60)
    assert connection.service_token(scope).access_token != "token-1"

    clock.advance(4000)
    answer.status = 503
    with pytest.raises(NetworkError):
        connection.service_token(scope)


def test_a_token_that_was_refused_stands_in_no_more(
    token_server: TokenServer, open_app: Callable[..., Connection], clock: FakeClock
) -> None:
    """
    Where the answer to a challenge can't be had, the error comes at once the next time, without asking the service.
    """
    answer = token_server.answer = Counter()
    connection = open_app()
    scope = " ".join(connection.settings.scopes)
    answer.status = 503
    assert connection.service_token(scope).access_token == "token-1"
    clock.advance(40)

    with pytest.raises(NetworkError):
        connection.service_token(scope, claims='{"access_token": {}}', issued_after=clock.time())
    with pytest.raises(NetworkError):
        connection.service_token(scope)
