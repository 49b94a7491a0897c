"""On behalf of: a web API acts for the user whose token it received, in memory until that token ends."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, cast

import pytest
from tests.connection.conftest import Counter
from tests.heartbeat import run_async
from tests.sign_in.tools import token_with

from entrakit import connect, get_connection
from entrakit.authority.clouds import find_cloud
from entrakit.connection.shared import SHARED
from entrakit.errors import EntraError, InteractionRequiredError, NotConnectedError, ParameterError, SignInError
from entrakit.secret import Secret
from entrakit.sign_in.flows.on_behalf_of import OnBehalfOf
from entrakit.sign_in.flows.secret import ClientSecret
from entrakit.tokens.claims_challenge import challenge_header, challenge_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.certificates.conftest import Maker
    from tests.conftest import FakeClock, TokenServer

    from entrakit import Connection, Transport

API = "aaaaaaaa-2222-3333-4444-555555555555"
GRAPH = "https://graph.microsoft.com/.default"
CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


@pytest.fixture
def act(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Callable[..., Connection]:
    """Return a function that connects on behalf of a user."""

    def connect_api(assertion: str | Secret, *, secret: object = "canary-secret", **more: object) -> Connection:
        return cast("Callable[..., Connection]", connect)(
            client_id=API, tenant_id=token_server.tenant_id, on_behalf_of=assertion, client_secret=secret,
            cloud=find_cloud(token_server.url), transport=transport, clock=clock, **more,
        )  # fmt: skip

    return connect_api


def assertion_of(clock: FakeClock, user: str = "ada", *, lives_s: float = 3600.0) -> str:
    """Return a user's token for the web API."""
    return token_with(oid=user, aud=API, exp=int(clock.time() + lives_s))


def test_the_token_and_the_credential_are_sent(
    act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    The request is that of Microsoft's page: grant jwt-bearer, the assertion, `on_behalf_of`, and the app's credential.
    """
    token_server.answer = Counter()
    assertion = assertion_of(clock)

    connection = act(assertion)

    (form,) = token_server.forms
    assert "token-1" == connection.token().access_token
    assert ("on_behalf_of", False) == (connection.info.flow, connection.info.is_app)
    assert "urn:ietf:params:oauth:grant-type:jwt-bearer" == form["grant_type"]
    assert (assertion, "on_behalf_of") == (form["assertion"], form["requested_token_use"])
    assert (API, "canary-secret") == (form["client_id"], form["client_secret"])
    assert GRAPH in form["scope"].split()


def test_a_certificate_signs(
    token_server: TokenServer, transport: Transport, clock: FakeClock, tmp_path: Path, maker: Maker
) -> None:
    """
    With a certificate an assertion of the app is sent instead of a secret.
    """
    token_server.answer = Counter()
    file = tmp_path / "app.pem"
    file.write_bytes(maker.pem())

    connect(
        client_id=API, tenant_id=token_server.tenant_id, on_behalf_of=assertion_of(clock), certificate_path=file,
        cloud=find_cloud(token_server.url), transport=transport, clock=clock,
    )  # fmt: skip

    (form,) = token_server.forms
    assert form["client_assertion"].count(".") == 2
    assert form["client_assertion"] != form["assertion"]
    assert "client_secret" not in form


def test_the_same_token_gives_the_same_connection(
    act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    Later calls send nothing: same user's token, credential and scopes. Anything else is another connection. Closing one
    does not close the others.
    """
    token_server.answer = Counter()
    ada, bob = assertion_of(clock), assertion_of(clock, "bob")

    with act(ada) as first:
        assert "token-1" == first.token().access_token
    assert "token-1" == act(ada).token().access_token
    assert 1 == len(token_server.forms)

    assert "token-2" == act(bob).token().access_token
    assert "token-3" == act(ada, secret="canary-other").token().access_token
    assert "token-4" == act(ada, scopes=["User.Read"]).token().access_token
    assert "token-5" == act(ada, resource="https://vault.azure.net").token().access_token
    assert "token-1" == act(ada).token().access_token
    assert "" == act(ada).name
    with pytest.raises(NotConnectedError):
        first.token()


def test_a_renewal_is_shared(act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock) -> None:
    """
    A renewal sends the user's token again, once for all connections, and no refresh token is kept.
    """
    token_server.answer = Counter(refresh_token="canary-refresh")
    assertion = assertion_of(clock, lives_s=7200)
    before = act(assertion)
    clock.advance(3500)

    assert "token-2" == act(assertion).token().access_token
    assert "token-2" == before.token().access_token

    assert [assertion, assertion] == [form["assertion"] for form in token_server.forms]
    assert {"urn:ietf:params:oauth:grant-type:jwt-bearer"} == {form["grant_type"] for form in token_server.forms}


def test_a_connection_ends_with_the_token_of_the_user(
    act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    An expired user's token gives nothing, even if the connection has a valid token, and nothing is sent.
    """
    token_server.answer = Counter(expires_in=7200)
    assertion = assertion_of(clock, lives_s=600)
    connection = act(assertion)
    clock.advance(601)

    with pytest.raises(InteractionRequiredError, match=r"The user's token has expired\."):
        act(assertion)
    clock.advance(7200)
    with pytest.raises(InteractionRequiredError, match=r"The user's token has expired\."):
        connection.token()

    assert 1 == len(token_server.forms)


def test_a_token_that_cannot_be_read_is_not_shared(act: Callable[..., Connection], token_server: TokenServer) -> None:
    """
    The end of an encrypted token is unknown, so each connection sends a request.
    """
    token_server.answer = Counter(refresh_token="canary-refresh")

    assert ["token-1", "token-2"] == [act("a.b.c.d.e").token().access_token for _ in range(2)]


def test_many_threads_send_one_request(
    act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock
) -> None:
    """
    Calls at the same time with the same user's token wait for the first one.
    """
    answer = token_server.answer = Counter()
    assertion, found = assertion_of(clock), []

    def slow(form: dict[str, str]) -> tuple[int, object]:
        time.sleep(0.05)
        return answer(form)

    token_server.answer = slow
    threads = [threading.Thread(target=lambda: found.append(act(assertion).token().access_token)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert ["token-1"] * 16 == found
    assert 1 == len(token_server.forms)


def test_a_web_api_that_awaits(act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock) -> None:
    """
    The awaited face returns the same token, and renews it in a thread.
    """
    token_server.answer = Counter()
    assertion = assertion_of(clock, lives_s=7200)

    async def handle() -> str:
        connection = await asyncio.to_thread(act, assertion)
        return (await connection.aio.token()).access_token

    assert "token-1" == run_async(handle())
    clock.advance(3500)
    assert "token-2" == run_async(handle())


def test_with_a_name_it_outlives_the_token(
    act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock, transport: Transport,
    private_home: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A saved connection has the refresh token, and a later process renews it with the app's secret, read from its source.
    The user's token is not saved.
    """
    monkeypatch.setenv("API_SECRET", "canary-secret")
    token_server.answer = Counter(refresh_token="canary-refresh")
    shared = len(SHARED)

    connection = act(assertion_of(clock), secret=Secret.from_env("API_SECRET"), name="job")
    clock.advance(7200)
    later = get_connection("job", clock=clock, transport=transport)

    assert "token-2" == later.token().access_token
    assert ("refresh_token", "canary-refresh", "canary-secret") == tuple(
        token_server.forms[-1][name] for name in ("grant_type", "refresh_token", "client_secret")
    )
    assert (True, shared) == (connection.info.renews_alone, len(SHARED))
    assert "its refresh token, with the client secret in the variable API_SECRET" == later.info.next_token_from
    token_server.answer = Counter(refresh_token="x")
    token_server.answer.status = 400
    clock.advance(7200)
    with pytest.raises(InteractionRequiredError, match="acts on behalf of a user"):
        get_connection("job", clock=clock, transport=transport).token()


@pytest.mark.parametrize(
    ("code", "error", "more", "kind", "problem", "remedy"),
    [
        (65001, "invalid_grant", {"suberror": "consent_required"}, InteractionRequiredError, "lack consent", "consent"),
        (50076, "interaction_required", {"claims": CLAIMS}, InteractionRequiredError, "multi-factor", "status 401"),
        (53003, "interaction_required", {"claims": CLAIMS}, InteractionRequiredError, "conditional access", "log"),
        (500133, "invalid_grant", {}, InteractionRequiredError, "expired", "status 401"),
        (500131, "invalid_grant", {}, SignInError, "for another API", "itself"),
        (50013, "invalid_grant", {}, SignInError, "for another app", "client id"),
        (7000114, "invalid_grant", {}, SignInError, "belongs to an app", "token of a user"),
        (240002, "invalid_request", {}, SignInError, "ID token", "access token"),
    ],
)
def test_a_refusal_is_explained(
    act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock, code: int, error: str,
    more: dict[str, str], kind: type[EntraError], problem: str, remedy: str,
) -> None:  # fmt: skip
    """
    The remedy is for a web API, which can't ask the user: its caller can, and gets the claims. The user's token is not
    in the error, although the service repeats it.
    """
    assertion = assertion_of(clock)
    body = {"error": error, "error_description": f"AADSTS{code}: no. {assertion}", "error_codes": [code], **more}
    token_server.answer = lambda form: (400, body)

    with pytest.raises(SignInError) as caught:
        act(assertion)

    found = caught.value
    assert kind is type(found)
    assert problem in found.problem
    assert remedy in found.remedy
    assert "connect(client_id" not in found.remedy
    assert more.get("claims", "") == found.claims
    assert found.claims == challenge_in(challenge_header(found.claims))
    assert assertion not in str(found) + found.description


def test_the_user_token_is_a_secret(
    act: Callable[..., Connection], token_server: TokenServer, clock: FakeClock, caplog: pytest.LogCaptureFixture,
    private_home: Path,
) -> None:  # fmt: skip
    """
    It is in no log, no repr and no file, and it is not shown by an error of a later step.
    """
    caplog.set_level(logging.DEBUG)
    token_server.answer = Counter(refresh_token="canary-refresh")
    assertion = assertion_of(clock)

    kept = act(assertion, name="job", save_secret=True)
    seen = [repr(kept), repr(act(assertion)), repr(OnBehalfOf(assertion, ClientSecret("x"))), caplog.text]
    seen += [path.read_text("latin-1") for path in private_home.rglob("*") if path.is_file()]

    assert [] == [text for text in seen if assertion in text or "canary" in text]
    assert {"token-1", "token-2"} == {kept.token().access_token, act(assertion).token().access_token}


def test_a_web_api_needs_a_credential(token_server: TokenServer, clock: FakeClock) -> None:
    """
    A public client can't act on behalf of a user, and no tool replaces the user; nothing is sent.
    """
    with pytest.raises(ParameterError, match="must authenticate itself"):
        connect(client_id=API, tenant_id=token_server.tenant_id, on_behalf_of=assertion_of(clock))
    with pytest.raises(ParameterError, match="must not replace the user"):
        connect(
            client_id=API, tenant_id=token_server.tenant_id, on_behalf_of=assertion_of(clock), client_secret="x",
            fallback="azure_cli",
        )  # fmt: skip
    with pytest.raises(ParameterError, match="ClientSecret"):
        OnBehalfOf("x", cast("ClientSecret", "secret"))
