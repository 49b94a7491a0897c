"""A managed identity on each host: the request that the host expects, its answers, and what is explained."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, cast

import pytest
from tests.heartbeat import run_async
from tests.sign_in.identity_server import (
    APP,
    GRAPH,
    HOSTS,
    OBJECT,
    RESOURCE_ID,
    TENANT,
    Asked,
    IdentityServer,
    body_of,
    thumbprint_of,
    token,
    variables,
)
from tests.sign_in.tools import FakeTools
from tests.test_startup import loaded_by, third_parties
from tests.vault.fleet import Fleet, set_clock

from entrakit import connect, get_connection
from entrakit.errors import (
    NetworkError,
    ParameterError,
    ParameterSetError,
    ServiceUnavailableError,
    SignInError,
    ThrottledError,
    TlsError,
    UnexpectedAnswerError,
)
from entrakit.sign_in import arc_key, identity_hosts
from entrakit.sign_in.flows.managed_identity import ManagedIdentity

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import FakeClock

    from entrakit import Connection, Transport
    from entrakit_emulator import Tenant

    Connect = Callable[..., Connection]

HOURS = 3600.0
CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
connect_any = cast("Callable[..., Connection]", connect)


class Place:
    """The host that a test runs on."""

    def __init__(self, name: str, server: IdentityServer) -> None:
        self.name = name
        self.server = server

    @property
    def asked(self) -> list[Asked]:
        """The requests for tokens; those of Azure Arc without its challenge."""
        return [one for one in self.server.asked if self.name != "arc" or "authorization" in one.headers]

    def give(self, **changes: object) -> None:
        """Let the host answer with its usual token, with these changes."""
        body = cast("dict[str, object]", body_of(self.name, self.server.clock.time())) | changes
        self.server.give({name: value for name, value in body.items() if value is not None})


@pytest.fixture
def places(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, test_ca: tuple[Path, ssl.SSLContext], tmp_path: Path
) -> Iterator[Callable[[str], Place]]:
    """Return a function that puts the test on a host."""
    servers: list[IdentityServer] = []
    folder = tmp_path / "tokens"
    folder.mkdir()
    monkeypatch.setattr(arc_key, "LINUX_FOLDER", str(folder))

    def put(name: str) -> Place:
        server = IdentityServer(clock, test_ca[1] if name == "service_fabric" else None)
        servers.append(server)
        leaf = (test_ca[0].parent / "leaf.pem").read_text().partition("-----BEGIN PRIVATE")[0]
        for variable, value in variables(name, server, thumbprint_of(leaf)).items():
            monkeypatch.setenv(variable, value)
        place = Place(name, server)
        place.give()
        if name == "arc":
            key = folder / "one.key"
            key.write_text("canary-key")

            def make(asked: Asked) -> tuple[int, object, dict[str, str]]:
                if asked.headers.get("authorization") == "Basic canary-key":
                    return server.answers[0]
                return 401, b"", {"WWW-Authenticate": f"Basic realm={key}"}

            server.make = make
        return place

    yield put
    for server in servers:
        server.close()


@pytest.fixture
def here(transport: Transport, clock: FakeClock) -> Connect:
    """Return `connect()` with the transport and the clock of the test."""

    def run(**parameters: object) -> Connection:
        common = {"managed_identity": True, "transport": transport, "clock": clock}
        return connect_any(**common | parameters)

    return run


@pytest.mark.parametrize(
    ("name", "method", "query", "fields"),
    [
        ("imds", "GET", {"api-version": "2018-02-01"}, {"metadata": "true"}),
        ("app_service", "GET", {"api-version": "2019-08-01"}, {"x-identity-header": "canary-header"}),
        ("service_fabric", "GET", {"api-version": "2019-07-01-preview"}, {"secret": "canary-header"}),
        ("arc", "GET", {"api-version": "2020-06-01"}, {"metadata": "true", "authorization": "Basic canary-key"}),
        ("machine_learning", "GET", {"api-version": "2017-09-01"}, {"secret": "canary-secret"}),
        ("cloud_shell", "POST", {}, {"metadata": "true", "content-type": "application/x-www-form-urlencoded"}),
    ],
)
def test_each_host_gives_a_token(
    places: Callable[[str], Place], here: Connect, clock: FakeClock, monkeypatch: pytest.MonkeyPatch,
    name: str, method: str, query: dict[str, str], fields: dict[str, str],
) -> None:  # fmt: skip
    """
    The request is the one that the host expects. App and tenant come from the token. No proxy is used, nothing else is
    asked, and the environment is not written.
    """
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    place = places(name)
    before = dict(os.environ)

    connection = here()

    assert before == dict(os.environ)
    (asked,) = place.asked
    assert (method, {**query, "resource": GRAPH}) == (asked.method, asked.query)
    assert fields.items() <= asked.headers.items()
    assert ("/metadata/identity/oauth2/token" if name == "imds" else "/token") == asked.path
    assert token() == connection.token().access_token
    assert (APP, TENANT, OBJECT) == (connection.info.client_id, connection.tenant_id, connection.account.object_id)
    assert clock.time() + 86400 == pytest.approx(connection.info.expires_at, abs=2)
    assert connection.info.renews_alone


@pytest.mark.parametrize(
    ("name", "kind", "parameter"),
    [
        ("imds", "client_id", "client_id"), ("imds", "object_id", "object_id"), ("imds", "resource_id", "msi_res_id"),
        ("app_service", "client_id", "client_id"), ("app_service", "object_id", "object_id"),
        ("app_service", "resource_id", "mi_res_id"), ("arc", "client_id", "client_id"),
        ("arc", "object_id", "object_id"), ("arc", "resource_id", "msi_res_id"),
        ("machine_learning", "client_id", "clientid"), ("machine_learning", "object_id", ""),
        ("machine_learning", "resource_id", ""), ("service_fabric", "client_id", ""),
        ("service_fabric", "object_id", ""), ("service_fabric", "resource_id", ""), ("cloud_shell", "client_id", ""),
        ("cloud_shell", "object_id", ""), ("cloud_shell", "resource_id", ""),
    ],
)  # fmt: skip
def test_an_id_is_sent_as_the_host_names_it(
    places: Callable[[str], Place], here: Connect, name: str, kind: str, parameter: str
) -> None:
    """
    An identity is chosen by its id, escaped in the address. If the host can't choose by this kind of id, that is said
    before anything is sent.
    """
    place = places(name)
    chosen = {"client_id": APP, "object_id": OBJECT, "resource_id": f"{RESOURCE_ID}-a&b=c%20é"}[kind]
    if parameter:
        place.give(**{"client_id": APP, parameter: chosen})

    if not parameter:
        with pytest.raises(ParameterError, match=r"can't choose|does not accept `identity_type='") as caught:
            here(managed_identity=chosen, identity_type=kind)
        assert [] == place.server.asked
        assert "managed_identity" in caught.value.remedy or "identity_type" in caught.value.remedy
        return
    connection = here(managed_identity=chosen, identity_type=kind)
    assert chosen == place.asked[-1].query[parameter]
    assert (("identity", f"{kind}:{chosen}"),) == connection.info.origin
    assert APP == connection.info.client_id


def test_the_parameters_are_checked(here: Connect, places: Callable[[str], Place]) -> None:
    """
    An id that can't be one, a kind without an id, and an app of another kind are refused before anything is sent.
    """
    place = places("imds")
    for wrong, words in (
        ({"managed_identity": "name"}, "client id of the managed identity is not a GUID"),
        ({"managed_identity": ""}, "is not a GUID"),
        ({"managed_identity": 5}, "is not a GUID"),
        ({"managed_identity": RESOURCE_ID}, "is not a GUID"),
        ({"managed_identity": "/subscriptions/x", "identity_type": "resource_id"}, "resource id .* is incomplete"),
        ({"managed_identity": APP, "identity_type": "name"}, "not a kind of id"),
        ({"identity_type": "object_id"}, "is for an id"),
        ({"client_id": APP}, "does not name a managed identity"),
        ({"managed_identity": APP, "client_id": OBJECT}, "does not name a managed identity"),
    ):
        with pytest.raises(ParameterError, match=words):
            here(**wrong)
    with pytest.raises(ParameterSetError, match=r"`identity_type` can't be used alone"):
        connect_any(identity_type="object_id")
    with pytest.raises(ParameterSetError):
        here(client_secret="x")
    assert [] == place.server.asked
    assert APP == here(managed_identity=APP, client_id=APP).info.client_id
    assert "ManagedIdentity()" == repr(ManagedIdentity())


@pytest.mark.parametrize("ending", ["", "/"])
def test_another_origin_for_virtual_machines_is_obeyed(
    places: Callable[[str], Place], here: Connect, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """
    `AZURE_POD_IDENTITY_AUTHORITY_HOST` replaces the origin; with it, nothing is probed.
    """
    place = places("imds")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", place.server.origin + ending)

    here()

    assert ["/metadata/identity/oauth2/token"] == [one.path for one in place.server.asked]
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "ftp://x y")
    with pytest.raises(ParameterError, match="can't be used"):
        here()


def test_on_a_virtual_machine_a_short_request_goes_before(
    places: Callable[[str], Place], here: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The endpoint refuses a request without `Metadata` at once, which shows that it exists; then the token is requested.
    """
    place = places("imds")
    monkeypatch.delenv("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    monkeypatch.setattr(identity_hosts, "IMDS", place.server.origin)
    place.server.answers = [(400, {"error": "invalid_request"}, {}), place.server.answers[0]]

    here()

    assert [None, "true"] == [one.headers.get("metadata") for one in place.server.asked]


@pytest.mark.parametrize("how", ["silent", "deaf", "refused", "forbidden"])
def test_off_azure_there_is_no_hang(
    places: Callable[[str], Place], here: Connect, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """
    Off Azure nobody, or somebody else, is at the address of the endpoint. That is said after a second, without retries.
    """
    place = places("imds")
    monkeypatch.delenv("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    place.server.give(b"A socket operation was attempted to an unreachable network", 403)
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        if how == "silent":
            listener.listen()
        if how == "deaf":
            # One connection waits, so the system answers no other one.
            listener.listen(0)
            filler.connect(("127.0.0.1", port))
        url = place.server.origin if how == "forbidden" else f"http://127.0.0.1:{port}"
        monkeypatch.setattr(identity_hosts, "IMDS", url)
        began = time.monotonic()

        with pytest.raises(NetworkError, match="not a host of managed identities in Azure") as caught:
            here()

    # A loaded machine pauses.
    assert time.monotonic() - began < 5
    assert not caught.value.retryable
    assert "`azure_cli=True`" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "status", "sends"),
    [("imds", status, 2) for status in (404, 410, 429, 500, 503)]
    + [("app_service", 429, 2), ("app_service", 503, 2), ("service_fabric", 404, 1), ("app_service", 404, 1)],
)
def test_a_failure_that_passes_is_sent_again(
    places: Callable[[str], Place], here: Connect, clock: FakeClock, name: str, status: int, sends: int
) -> None:
    """
    The endpoint of a virtual machine asks for it after 404, 410, 429 and 5xx; other hosts mean 404.
    """
    place = places(name)
    place.server.answers = [(status, {"error": "later"}, {}), place.server.answers[0]]

    if sends == 1:
        with pytest.raises(SignInError, match=f"HTTP {status}"):
            here()
    else:
        here()

    assert sends == len(place.server.asked)
    assert sends - 1 == len(clock.sleeps)


def test_an_update_of_the_endpoint_is_awaited(
    places: Callable[[str], Place], here: Connect, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It answers 410 for up to 70 seconds. Each wait is reported. `Retry-After` is obeyed. Then the failure is explained.
    """
    place = places("imds")
    began = clock.monotonic()

    def updated(asked: Asked) -> tuple[int, object, dict[str, str]]:
        del asked
        if clock.monotonic() - began < 68:
            return 410, b"", {}
        return 200, body_of("imds", clock.time()), {}

    place.server.make = updated
    with caplog.at_level("INFO", "entrakit.waits"):
        here()
    assert 68 <= sum(clock.sleeps) <= 90
    assert "waiting" in caplog.text
    place.server.make = None
    place.server.answers = [(429, b"", {"Retry-After": "7"}), (200, body_of("imds", clock.time()), {})]
    here()
    assert 7 == clock.sleeps[-1]
    place.server.give(b"", 410)
    with pytest.raises(ServiceUnavailableError, match=r"HTTP 410"):
        here()
    place.server.give(b"", 429, Retry_After="500")
    with pytest.raises(ThrottledError, match=r"HTTP 429") as caught:
        here()
    assert 500 == caught.value.retry_after_s


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"{", b"<html>sign in</html>", b'{"access_token": 5}', b'{"access_token": "a b"}',
        b'{"access_token": "a\\r\\nX: y", "expires_on": "9999999999"}', b"{" * 5000, b"\xff\xfe",
        b'{"access_token": "abc", "token_type": "pop", "expires_on": "9999999999"}',
    ],
)  # fmt: skip
def test_garbage_is_not_taken_for_a_token(
    places: Callable[[str], Place], here: Connect, private_home: Path, name: str, body: bytes
) -> None:
    """
    An answer without a usable token is a clear error, and nothing is saved.
    """
    place = places(name)
    place.server.give(body)

    with pytest.raises(UnexpectedAnswerError, match="something other than a token"):
        here(name="job")

    assert [] == [path for path in private_home.rglob("job*") if path.suffix != ".lock"]


def test_an_answer_that_is_not_one_of_a_host(places: Callable[[str], Place], here: Connect) -> None:
    """
    A redirect or an endless answer is not a failure that passes: it is not sent again.
    """
    place = places("imds")
    place.server.give(b"x" * (1024 * 1024 + 1))
    with pytest.raises(UnexpectedAnswerError, match="larger than"):
        here()
    place.server.give(b"", 302, Location="http://other/")
    with pytest.raises(UnexpectedAnswerError, match="redirects to other"):
        here()
    assert 2 == len(place.asked)


def test_the_token_of_another_is_refused(places: Callable[[str], Place], here: Connect) -> None:
    """
    A token for another resource, of another tenant or of another identity is refused, in all of its forms.
    """
    place = places("imds")
    for changes, words in (
        ({"resource": "https://vault.azure.net"}, "a token for https://vault.azure.net, not for https://graph"),
        ({"access_token": token(aud="https://vault.azure.net")}, "a token for https://vault.azure.net"),
        ({"client_id": OBJECT}, "another identity"),
        ({"access_token": token(tid=OBJECT)}, f"belongs to the tenant {OBJECT}, not to {TENANT}"),
    ):
        place.give(**changes)
        with pytest.raises(SignInError, match=words):
            here(managed_identity=APP, tenant_id=TENANT)
    for same in ({"resource": f"{GRAPH}/"}, {"resource": None}, {"access_token": token(aud=APP)}, {"client_id": None}):
        place.give(**same)
        assert APP == here(managed_identity=APP).info.client_id


def test_an_old_agent_that_ignores_the_id_is_noticed(places: Callable[[str], Place], here: Connect) -> None:
    """
    Older agents of Azure Arc ignore the id, and give the token of the machine: the answer does not repeat the id.
    """
    place = places("arc")

    with pytest.raises(SignInError, match="another identity than the identity with the client id") as caught:
        here(managed_identity=APP)
    assert "azcmagent upgrade" in caught.value.remedy
    place.give(client_id=APP.upper())
    here(managed_identity=APP)
    place.give(mi_res_id=RESOURCE_ID.lower())
    here(managed_identity=RESOURCE_ID, identity_type="resource_id")


def test_a_challenge_elsewhere_gets_nothing(places: Callable[[str], Place], here: Connect, tmp_path: Path) -> None:
    """
    The endpoint of Azure Arc can't make this program send another file of the machine.
    """
    place = places("arc")
    other = tmp_path / "other.key"
    other.write_text("canary-other")
    place.server.make = None
    place.server.give(b"", 401, WWW_Authenticate=f"Basic realm={other}")

    with pytest.raises(SignInError, match="outside") as caught:
        here()

    assert 1 == len(place.server.asked)
    assert "canary-other" not in f"{caught.value}{place.server.asked}"


def test_each_attempt_answers_its_own_challenge(places: Callable[[str], Place], here: Connect, tmp_path: Path) -> None:
    """
    A file of Azure Arc answers one challenge only, so an attempt after a failure begins without it.
    """
    place = places("arc")
    key = tmp_path / "tokens" / "one.key"
    seen: list[str] = []

    def make(asked: Asked) -> tuple[int, object, dict[str, str]]:
        answer = asked.headers.get("authorization", "")
        if answer != f"Basic key-{len(seen)}":
            seen.append(answer)
            key.write_text(f"key-{len(seen)}")
            return 401, b"", {"WWW-Authenticate": f"Basic realm={key}"}
        return (503, b"", {}) if len(seen) == 1 else place.server.answers[0]

    place.server.make = make
    assert token() == here().token().access_token
    assert ["", ""] == seen


def test_the_agent_is_found_without_variables(
    places: Callable[[str], Place], here: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """
    The agent sets variables only for programs that it starts. If it is installed, its usual address is used.
    """
    place = places("arc")
    agent = tmp_path / "himds"
    agent.touch()
    for name in ("IDENTITY_ENDPOINT", "IMDS_ENDPOINT"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(identity_hosts, "LINUX_AGENT", str(agent))
    monkeypatch.setattr(identity_hosts, "ARC_AGENT", f"{place.server.origin}/token")

    here()

    assert ["/token"] == [one.path for one in place.asked]


def test_another_certificate_than_the_pinned_one_gets_no_secret(
    places: Callable[[str], Place], here: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Service Fabric names the thumbprint of its certificate. To a server with another one nothing is sent, even if its
    certificate is trusted otherwise. A variable that is not a thumbprint is refused.
    """
    place = places("service_fabric")
    right = os.environ["IDENTITY_SERVER_THUMBPRINT"]
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "00" * 20)

    with pytest.raises(TlsError, match="not the one whose thumbprint"):
        here()
    assert [] == place.server.asked
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", "abc")
    with pytest.raises(ParameterError, match="SHA-1 thumbprint"):
        here()
    monkeypatch.setenv("IDENTITY_SERVER_THUMBPRINT", ":".join(right[i : i + 2] for i in range(0, 40, 2)).lower())
    here()


@pytest.mark.parametrize(
    ("name", "status", "body", "words"),
    [
        ("imds", 400, {"error": "invalid_request", "error_description": "Identity not found"}, "does not have a man"),
        ("imds", 400, {"error": "invalid_request", "error_description":
         "Multiple user assigned identities exist, please specify the clientId / resourceId"}, "several managed ident"),
        ("imds", 400, {"error": "invalid_resource", "error_description": "AADSTS500011: The resource principal named x "
         "was not found in the tenant named y."}, "resource"),
        ("imds", 400, {"error": "invalid_resource", "error_description": "unknown"}, "is not known to the tenant"),
        ("app_service", 400, {"statusCode": 400, "message": "No User Assigned or Delegated Managed Identity found for "
         "specified ClientId/ResourceId/PrincipalId."}, "App Service does not have a"),
        ("app_service", 500, {"statusCode": 500, "message": "An unexpected error occured while fetching the AAD Token."
         }, r"App Service gave no token \(HTTP 500\): An unexpected"),
        ("app_service", 401, {"message": "bad header"}, "App Service refused .*HTTP 401"),
        ("service_fabric", 404, {"error": {"correlationId": "x", "code": "ManagedIdentityNotFound", "message":
         "Managed Identity not found for application."}}, "Service Fabric does not have a managed identity"),
        ("service_fabric", 400, {"error": {"code": "SecretHeaderNotFound", "message": "Secret is missing"}},
         "SecretHeaderNotFound: Secret is missing"),
        ("arc", 400, {"error": "invalid_request", "error_description": "Identity not found"}, "Azure Arc does not hav"),
        ("machine_learning", 400, {"error": "x", "message": "No managed identity found"}, "Learning does not have"),
        ("cloud_shell", 400, {"error": {"code": "AudienceNotSupported", "message": "Audience https://graph "
         "is not a supported MSI token audience. Supported audiences: x"}}, "Cloud Shell does not give tokens for"),
        ("cloud_shell", 400, {"error": {"code": "bad_resource_200", "message": "Not supported"}}, "bad_resource_200"),
    ],
)  # fmt: skip
def test_each_failure_is_explained(
    places: Callable[[str], Place], here: Connect, name: str, status: int, body: object, words: str
) -> None:
    """
    The known failures of each host say what is wrong and what to do; an unknown one shows the words of the host.
    """
    place = places(name)
    place.server.give(body, status)

    with pytest.raises((SignInError, NetworkError), match=words) as caught:
        here()

    assert caught.value.remedy
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("app_service", 400, {"statusCode": 400, "message": "No MSI found.", "correlationId": "c-1"}),
        ("app_service", 500, {"statusCode": 500, "message": "It broke.", "correlationId": "c-1"}),
        ("service_fabric", 404, {"error": {"correlationId": "c-1", "code": "ManagedIdentityNotFound", "message": "-"}}),
    ],
)
def test_the_id_of_a_failure_is_kept(
    places: Callable[[str], Place], here: Connect, name: str, status: int, body: object
) -> None:
    """
    The correlation id of a failure is an id of the error, for support.
    """
    places(name).server.give(body, status)

    with pytest.raises((SignInError, NetworkError)) as caught:
        here()

    assert ("Correlation id", "c-1") in caught.value.ids()


def test_a_host_that_does_not_answer(
    places: Callable[[str], Place], here: Connect, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    """
    A refused connection is tried again, since the endpoint starts with the program; then the error names the host.
    """
    places("app_service")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}/token")

        with pytest.raises(NetworkError, match="identity endpoint of App Service gave no answer") as caught:
            here()

    assert 3 == len(clock.sleeps)
    assert caught.value.retryable
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}/token")
        with pytest.raises(NetworkError, match=r"stopped answering \(0\.2 s passed\)"):
            connect_any(managed_identity=True, timeout=0.2, clock=clock)


@pytest.mark.parametrize("name", ["service_fabric", "app_service"])
def test_a_claims_challenge_makes_the_host_get_another_token(
    places: Callable[[str], Place], here: Connect, name: str
) -> None:
    """
    Where the endpoint accepts it, it gets the hash of the refused token and the capability `cp1`, so that it does not
    return the token that it has stored. The capability is also sent for clients that handle challenges.
    """
    from hashlib import sha256

    place = places(name)
    connection = here()
    before = connection.token().access_token
    place.give(access_token=token(n=2))

    assert token(n=2) == connection.token(claims=CHALLENGE).access_token
    asked = place.asked[-1].query
    assert ("cp1", sha256(before.encode()).hexdigest()) == (asked["xms_cc"], asked["token_sha256_to_refresh"])
    connection = here()
    place.give(access_token=token(n=3))
    assert token(n=3) == connection.get_token(f"{GRAPH}/.default", enable_cae=True).token
    asked = place.asked[-1].query
    assert ("cp1", None) == (asked["xms_cc"], asked.get("token_sha256_to_refresh"))
    assert "xms_cc" not in place.asked[0].query
    if name == "app_service":
        assert ["2019-08-01", "2025-03-30"] * 2 == [one.query["api-version"] for one in place.asked]


def test_an_older_platform_gets_the_older_request(places: Callable[[str], Place], here: Connect) -> None:
    """
    An App Service that does not know the newer version of the request answers 400, and gets the older one.
    """
    place = places("app_service")
    connection = here()
    good: tuple[int, object, dict[str, str]] = (
        200,
        body_of("app_service", place.server.clock.time(), value=token(n=2)),
        {},
    )
    place.server.make = lambda asked: (
        (400, {"message": "Unsupported API version"}, {}) if asked.query["api-version"] > "2020" else good
    )

    assert token(n=2) == connection.token(claims=CHALLENGE).access_token
    assert 3 == len(place.asked)


@pytest.mark.parametrize("name", ["imds", "app_service", "arc", "machine_learning", "cloud_shell"])
def test_a_host_that_returns_the_refused_token_is_explained(
    places: Callable[[str], Place], here: Connect, name: str
) -> None:
    """
    Hosts keep tokens for up to 24 hours. If a host returns the refused token again, no request is repeated, and the
    error says what is possible. The token stays usable for other requests; a new one of the host answers the challenge.
    """
    place = places(name)
    connection = here()

    with pytest.raises(SignInError, match="returns the same one again") as caught:
        connection.token(claims=CHALLENGE)

    assert 2 == len(place.asked)
    assert (CHALLENGE, False) == (caught.value.claims, caught.value.retryable)
    place.server.clock.advance(1)
    place.give(access_token=token(n=2))
    assert token(n=2) == connection.token(claims=CHALLENGE).access_token


def test_a_token_is_renewed_at_half_of_its_life(
    places: Callable[[str], Place], here: Connect, clock: FakeClock
) -> None:
    """
    The host renews what it stores, so a long token is renewed at half of its life, or when the host says so. A shorter
    one is renewed five minutes before its end. If the host then returns the old token, one request in 30 seconds asks.
    """
    place = places("imds")
    connection = here(name="job")
    clock.advance(12 * HOURS - 60)
    connection.token()
    assert 1 == len(place.asked)
    clock.advance(120)
    place.give(access_token=token(n=2), expires_in=str(2 * 3600 - 60), expires_on=None, refresh_in="600")
    assert token(n=2) == connection.token().access_token
    clock.advance(601)
    place.give(access_token=token(n=2), expires_in="250", expires_on=None)
    for _ in range(5):
        with get_connection("job", clock=clock) as other:
            assert token(n=2) == connection.token().access_token == other.token().access_token
    assert 3 == len(place.asked)
    clock.advance(31)
    place.give(access_token=token(n=4))
    assert token(n=4) == connection.token().access_token


def test_it_is_saved_and_renewed_where_the_endpoint_is_now(
    places: Callable[[str], Place], here: Connect, clock: FakeClock, private_home: Path
) -> None:
    """
    Only the identity is saved. A later process finds the endpoint again, at another port with another secret. With
    `ensure` a working connection is not made again; another identity is another connection.
    """
    place = places("app_service")
    here(managed_identity=APP, name="job")
    kept = b"".join(path.read_bytes() for path in private_home.rglob("*") if path.is_file())
    assert b"canary-header" not in kept
    assert place.server.origin.encode() not in kept
    here(managed_identity=APP, name="job", ensure=True)
    here(name="alone")
    here(name="alone", ensure=True)
    assert 2 == len(place.asked)
    here(name="job", ensure=True)
    here(managed_identity=APP, name="job", ensure=True)
    assert 4 == len(place.asked)

    clock.advance(25 * HOURS)
    moved = places("app_service")
    moved.give(access_token=token(n=2))
    with get_connection("job", clock=clock) as later:
        assert token(n=2) == later.token().access_token
    assert [APP] == [one.query["client_id"] for one in moved.asked]


def test_another_identity_is_noticed(places: Callable[[str], Place], here: Connect, clock: FakeClock) -> None:
    """
    A host whose identity was replaced does not change whom a connection belongs to.
    """
    place = places("imds")
    connection = here()
    clock.advance(25 * HOURS)
    place.give(access_token=token(oid="cccccccc-2222-3333-4444-555555555555"))

    with pytest.raises(SignInError, match="belongs to another account"):
        connection.token()
    clock.advance(1)
    place.give(access_token=token(tid=OBJECT))
    with pytest.raises(SignInError, match="belongs to the tenant"):
        connection.token()


@pytest.mark.parametrize(
    ("cloud", "graph"), [("usgov", "https://graph.microsoft.us"), ("china", "https://microsoftgraph.chinacloudapi.cn")]
)
def test_each_cloud_has_its_resource(places: Callable[[str], Place], here: Connect, cloud: str, graph: str) -> None:
    """
    The resource is that of the cloud, or the one of a scope; a token is for one resource.
    """
    place = places("imds")
    place.give(resource=graph, access_token=token(aud=graph))
    connection = here(cloud=cloud)
    assert graph == place.asked[-1].query["resource"]
    place.give(resource="https://management.core.windows.net/", access_token=token(aud="https://management.azure.com"))
    with pytest.raises(SignInError, match="a token for"):
        connection.token("https://management.azure.com/.default")
    place.give(resource="https://management.core.windows.net/", access_token=token(aud=""))
    connection.token("https://management.core.windows.net//.default")
    assert "https://management.core.windows.net/" == place.asked[-1].query["resource"]
    with pytest.raises(ParameterError, match="more than one resource"):
        connection.token("https://vault.azure.net/.default", "https://graph.microsoft.com/.default")


def test_in_cloud_shell_the_account_is_the_user(places: Callable[[str], Place], here: Connect) -> None:
    """
    The token of Cloud Shell is that of the user who opened it, and messages say so.
    """
    place = places("cloud_shell")
    assert f"the app {APP}" == here().info.who
    place.give(access_token=token(idtyp="user", upn="ada@contoso.com", scp="User.Read"))

    connection = here()

    assert ("ada@contoso.com", ("User.Read",)) == (connection.info.who, connection.token().scopes)
    assert f"ada@contoso.com in the tenant {TENANT}" == connection.info.describe_account()


def test_it_is_a_credential_in_both_faces(places: Callable[[str], Place], here: Connect) -> None:
    """
    Clients of the Azure SDK use the connection, blocking and awaited.
    """
    place = places("imds")
    place.give(resource="https://vault.azure.net", access_token=token(aud="https://vault.azure.net"))
    connection = connect_any(
        managed_identity=True, resource="https://vault.azure.net", clock=place.server.clock, name="job"
    )

    async def awaited() -> str:
        async with connection.aio as other:
            return (await other.get_token("https://vault.azure.net/.default")).token

    assert connection.token().access_token == connection.get_token("https://vault.azure.net/.default").token
    assert connection.token().access_token == run_async(awaited())
    place.server.clock.advance(25 * HOURS)
    following = token(aud="https://vault.azure.net", n=2)
    place.give(resource="https://vault.azure.net", access_token=following)
    assert following == run_async(awaited())


def test_a_signed_in_tool_is_the_fallback_off_azure(
    here: Connect, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    With `fallback`, a program uses the managed identity in Azure, and the developer's tool elsewhere.
    """
    tools = FakeTools(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    tools.give(accessToken=token(), expires_on=int(clock.time() + 3600))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(identity_hosts, "IMDS", f"http://127.0.0.1:{closed.getsockname()[1]}")

        connection = here(fallback="azure_cli", name="job")

    assert "azure_tool" == connection.info.flow
    assert "Azure CLI is used: This machine is not a host of managed identities" in caplog.text


def test_a_sign_in_loads_neither_msal_nor_another_client(places: Callable[[str], Place]) -> None:
    """
    A cold sign-in loads urllib3's connection and no further package. A saved, fresh token loads no way to sign in.
    """
    places("imds")

    cold = loaded_by("import entrakit\nentrakit.connect(managed_identity=True).token()")
    connect_any(managed_identity=True, name="default").close()
    saved = loaded_by(
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        "assert main(['token'], Streams(sys.stdin, io.StringIO(), sys.stderr), os.environ) == 0"
    )

    assert {"entrakit", "urllib3"} >= third_parties(cold) - {"backports", "_openssl"}
    assert set() == {name for name in saved if name.startswith(("entrakit.sign_in", "entrakit.http"))}


def test_secrets_are_not_shown(places: Callable[[str], Place], here: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """
    Secrets of the host are in no log, error or `repr`.
    """
    place = places("app_service")
    place.server.give({"message": "Header canary-header is wrong"}, 401)

    with caplog.at_level("DEBUG"), pytest.raises(SignInError) as caught:
        here()

    assert "canary" not in f"{caplog.text}{caught.value!r}{identity_hosts.find_host(os.environ)!r}"


@pytest.mark.timeout(240)
def test_64_processes_ask_the_host_once(places: Callable[[str], Place], clock: FakeClock, tmp_path: Path) -> None:
    """
    64 processes request the token while it expires repeatedly: each expiry causes one request, and all get that token.
    """
    place = places("imds")
    file = tmp_path / "clock"
    set_clock(file, clock.time())
    place.server.make = lambda asked: (
        200, body_of("imds", clock.time(), value=f"token-{len(place.asked)}", resource=asked.query["resource"]), {}
    )  # fmt: skip
    connect_any(managed_identity=True, name="work", clock=clock).close()
    with Fleet(64, file, {}) as fleet:
        for turn in range(3):
            clock.advance(25 * HOURS)
            set_clock(file, clock.time())

            fleet.begin(6)
            answers = fleet.end()

            assert {f"1 token-{turn + 2}\n"} == answers
            assert turn + 2 == len(place.asked)


def test_a_key_vault_is_reached_through_it(
    places: Callable[[str], Place], app: Connect, emulator: Connect, entra_tenant: Tenant, clock: FakeClock
) -> None:
    """
    The saved connection that may use a key vault can be that of a managed identity.
    """
    place, resource = places("imds"), "https://vault.azure.net"
    reader = {"client_id": entra_tenant.key_vault_client, "client_secret": entra_tenant.key_vault_client_secret}
    place.give(access_token=app(**reader, resource=resource).token().access_token, resource=resource)
    emulator(managed_identity=True, client_id="", tenant_id="", resource=resource, name="ops")

    connection = app(
        key_vault=entra_tenant.key_vault_url, key_vault_connection="ops", key_vault_secret=entra_tenant.key_vault_secret
    )

    assert connection.token().roles is not None
    assert entra_tenant.confidential_client == connection.info.client_id
    assert clock.time() < connection.info.expires_at
