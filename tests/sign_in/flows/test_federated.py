"""A token of another issuer signs the app in: a new one for each renewal, never saved, explained if it does not fit."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from tests.connection.conftest import Counter
from tests.heartbeat import run_async
from tests.sign_in.hosts import (
    AUDIENCE,
    ISSUER,
    SERVICE_CONNECTION,
    SUBJECT,
    assertion,
    clear_hosts,
    head_of,
    http_answer,
)
from tests.sign_in.tools import FakeTools, token_with
from tests.test_startup import loaded_by
from tests.vault.fleet import Fleet, set_clock

from entrakit import connect, get_connection
from entrakit.authority.clouds import GLOBAL, find_cloud
from entrakit.connection.settings import Settings
from entrakit.errors import InteractionRequiredError, ParameterError, ParameterSetError, SignInError
from entrakit.sign_in.flows import federated
from entrakit.sign_in.flows.federated import Federated
from entrakit.sources import Environment, File

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import FakeClock, RawServer, TokenServer

    from entrakit import Connection, Transport

    Sign = Callable[..., Connection]

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
connect_any = cast("Callable[..., Connection]", connect)


@pytest.fixture(autouse=True)
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of the host that the tests run on."""
    clear_hosts(monkeypatch)


@pytest.fixture
def sign(token_server: TokenServer, transport: Transport, clock: FakeClock) -> Sign:
    """Return a function that connects an app to a token service with a new token for each request."""
    token_server.answer = Counter()

    def run(**parameters: object) -> Connection:
        return connect_any(**{
            "client_id": CLIENT, "tenant_id": token_server.tenant_id, "cloud": find_cloud(token_server.url),
            "transport": transport, "clock": clock, **parameters,
        })  # fmt: skip

    return run


def sent(server: TokenServer) -> list[str]:
    """Return the assertions that the token service got."""
    return [form["client_assertion"] for form in server.forms]


def test_an_assertion_signs_the_app_in(sign: Sign, token_server: TokenServer) -> None:
    """
    The request is that of client credentials with an assertion (RFC 7523), for the default resource.
    """
    connection = sign(federated=assertion)

    async def awaited() -> str:
        return (await connection.aio.get_token("https://graph.microsoft.com/.default")).token

    (form,) = token_server.forms
    assert ("client_credentials", JWT_BEARER) == (form["grant_type"], form["client_assertion_type"])
    assert (CLIENT, assertion()) == (form["client_id"], form["client_assertion"])
    assert "https://graph.microsoft.com/.default" == form["scope"]
    assert "client_secret" not in form
    assert ("federated", True) == (connection.info.flow, connection.info.is_app)
    assert "token-1" == connection.get_token("https://graph.microsoft.com/.default").token == run_async(awaited())


def test_a_file_is_read_again_for_each_token(
    sign: Sign, token_server: TokenServer, transport: Transport, clock: FakeClock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    Kubernetes replaces the file: each renewal sends what it has now, in this process and in a later one, from any
    directory. A path is a string with a separator, a `Path` or a `File`. A byte order mark and a line break are
    removed.
    """
    file = tmp_path / "token"
    file.write_text(f"{assertion(1)}\n")
    monkeypatch.chdir(tmp_path)

    connection = sign(federated="./token", name="pod")
    for number in (2, 3):
        file.write_text(assertion(number))
        clock.advance(4000)
        monkeypatch.chdir("/")
        assert f"token-{number}" == connection.token().access_token
    file.write_text(f"\ufeff{assertion(4)}\r\n", encoding="utf-8", newline="")
    clock.advance(4000)
    assert "token-4" == get_connection("pod", transport=transport, clock=clock).token().access_token

    assert [assertion(number) for number in (1, 2, 3, 4)] == sent(token_server)
    assert (("file", str(file)),) == connection.info.origin == Federated(File(str(file))).origin
    assert connection.info.origin == Federated(file).origin
    assert connection.info.renews_alone


def test_workload_identity_needs_nothing_but_its_variables(
    token_server: TokenServer, transport: Transport, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    App, tenant and token service are those of the variables that the webhook sets; parameters replace them.
    """
    (tmp_path / "token").write_text(assertion())
    token_server.answer = Counter()
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    monkeypatch.setenv("AZURE_TENANT_ID", token_server.tenant_id)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"{token_server.url}/")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))

    connection = connect_any(federated=True, transport=transport, clock=clock)

    assert (("provider", "kubernetes"),) == connection.info.origin
    assert (CLIENT, token_server.tenant_id) == (connection.info.client_id, connection.info.tenant_id)
    assert [CLIENT] == [form["client_id"] for form in token_server.forms]
    other = CLIENT.replace("a", "b")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us")
    cloud = find_cloud(token_server.url)
    again = connect_any(federated="kubernetes", client_id=other, cloud=cloud, transport=transport, clock=clock)
    assert other == again.info.client_id
    assert "https://login.microsoftonline.us" == Federated("kubernetes").cloud
    assert ("", "", "") == (Federated(tmp_path).cloud, Federated(tmp_path).client_id, Federated(tmp_path).tenant_id)


def test_the_audience_is_that_of_the_cloud(
    sign: Sign, token_server: TokenServer, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A request to GitHub names the audience of the cloud of the token service.
    """
    host = raw_server(http_answer({"value": assertion()}))
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{host.url}/?v=1")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary")

    sign(federated="github")
    sign(federated="github", cloud="china", authority_url=token_server.url)

    lines = [head_of(request)[0] for request in host.requests]
    assert ["AzureADTokenExchange", "AzureADTokenExchangeChina"] == [
        line.partition("audience=api%3A%2F%2F")[2].partition(" ")[0] for line in lines
    ]


def test_each_renewal_requests_a_new_assertion(
    sign: Sign, token_server: TokenServer, transport: Transport, clock: FakeClock, monkeypatch: pytest.MonkeyPatch,
    raw_server: Callable[..., RawServer],
) -> None:  # fmt: skip
    """
    No assertion is sent twice, not for another resource either. The provider and its parameter are saved.
    """
    host = raw_server(*(http_answer({"oidcToken": assertion(number)}) for number in range(5)))
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", host.url)
    monkeypatch.setenv("SYSTEM_ACCESSTOKEN", "canary")

    connection = sign(federated="azure-devops", service_connection_id=SERVICE_CONNECTION.upper(), name="job")
    connection.token("https://vault.azure.net/.default")
    clock.advance(4000)
    connection.token()
    clock.advance(4000)
    get_connection("job", transport=transport, clock=clock).token()

    assert [assertion(number) for number in range(4)] == sent(token_server)
    assert {"provider": "azure-devops", "service_connection_id": SERVICE_CONNECTION} == dict(connection.info.origin)


def test_no_secret_is_kept_or_shown(
    sign: Sign, token_server: TokenServer, raw_server: Callable[..., RawServer], monkeypatch: pytest.MonkeyPatch,
    private_home: Path, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """
    Neither the token of the job nor the assertion is in the vault, in a log, in an error or in a repr, and programs
    that are started later do not inherit the token of the job.
    """
    caplog.set_level(logging.DEBUG)
    secrets = ("canary-of-the-job", assertion(), assertion().split(".")[1])
    ok, refused = http_answer({"value": assertion()}), http_answer({"m": secrets[0]}, "401 No")
    host = raw_server(ok, ok, refused)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{host.url}/?v=1")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", secrets[0])
    errors: list[SignInError] = []

    connection = sign(federated="github", name="job")
    token_server.answer = lambda form: (
        401,
        {"error": "invalid_client", "error_description": f"AADSTS700213: no match for {form['client_assertion']}"},
    )
    for _ in range(2):
        with pytest.raises(SignInError) as caught:
            sign(federated="github")
        errors.append(caught.value)
    environ = json.loads(_environment_of_a_program())

    shown = [caplog.text, repr(connection), repr(connection.info), repr(Federated("github"))]
    shown += [f"{error!r} {error} {error.remedy} {error.description} {vars(error)}" for error in errors]
    kept = b"".join(path.read_bytes() for path in private_home.rglob("*") if path.is_file()).decode("latin-1")
    assert [] == [secret for secret in secrets for text in (*shown, kept) if secret in text]
    assert "ACTIONS_ID_TOKEN_REQUEST_TOKEN" not in environ
    assert [700213, None] == [error.code for error in errors]


def _environment_of_a_program() -> str:
    """Return the environment of a program that gives an assertion, as JSON."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    return federated._output([sys.executable, "-c", program], os.environ, 30.0)


@pytest.mark.parametrize("code", [70021, 700211, 700212, 700213, 7002138])
def test_what_was_presented_is_explained(sign: Sign, token_server: TokenServer, code: int) -> None:
    """
    The error names issuer, subject and audience of the assertion, as one safe line, and what to compare them with.
    """
    token_server.answer = lambda form: (
        401,
        {"error": "invalid_client", "error_codes": [code], "error_description": f"AADSTS{code}: No match"},
    )

    with pytest.raises(SignInError) as caught:
        sign(federated=lambda: assertion(aud=[AUDIENCE, "other"], sub=f"{SUBJECT}\x1b[31m\n{'x' * 400}"))

    problem = caught.value.problem
    assert "No federated credential of the app matches" in problem
    assert f"the issuer '{ISSUER}', the subject '{SUBJECT}[31m xxx" in problem
    assert f"the audience '{AUDIENCE}, other'." in problem
    assert "Compare issuer, subject and audience" in caught.value.remedy
    assert len(problem) < 900


def test_other_refusals_do_not_show_the_assertion(sign: Sign, token_server: TokenServer) -> None:
    """
    A refusal of the scope or of the app is not about the assertion.
    """
    token_server.answer = lambda form: (
        400,
        {"error": "unauthorized_client", "error_codes": [700016], "error_description": "AADSTS700016: unknown"},
    )

    with pytest.raises(SignInError, match="was not found") as caught:
        sign(federated=assertion)

    assert ISSUER not in caught.value.problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a token"),
        ("opaque", "not a token"),
        ("a.b.c", "not a token"),
        ("ä.ö.ü", "not a token"),
        ("x" * 100_000, "not a token"),
    ],
)
def test_something_else_is_not_sent(
    sign: Sign, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    """
    Only a JWT is sent to the token service. The error names the source and does not repeat the text.
    """
    monkeypatch.setenv("MINE", text or " ")

    with pytest.raises(SignInError, match=problem) as caught:
        sign(federated=Environment("MINE"))
    with pytest.raises(SignInError, match=problem):
        sign(federated=lambda: text)

    assert "The variable MINE gave" in caught.value.problem
    assert not text or text not in caught.value.problem
    assert [] == token_server.forms


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (Environment("MINE"), "The variable MINE has no value."),
        (Path("/nowhere/token"), "The token can't be read from '/nowhere/token': No such file or directory."),
    ],
)
def test_a_missing_source_is_a_wrong_parameter(
    sign: Sign, token_server: TokenServer, source: Path | Environment, problem: str
) -> None:
    """
    A file or a variable that is missing ends with the exit code 2, as that of any other credential does. The error is
    still a SignInError, so that an alternative is tried.
    """
    with pytest.raises(SignInError) as caught:
        sign(federated=source)

    assert problem == caught.value.problem
    assert isinstance(caught.value, ParameterError)
    assert 2 == caught.value.exit_code
    assert [] == token_server.forms


def test_an_expired_assertion_is_not_sent(
    sign: Sign, token_server: TokenServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    GitLab gives a job one token. Once it has expired, a renewal says so. A clock may be wrong by five minutes.
    """
    monkeypatch.setenv("GITLAB_OIDC_TOKEN", assertion(exp=int(clock.time()) + 3600))
    connection = sign(federated="gitlab")
    clock.advance(3600 + 240)
    assert "token-2" == connection.token().access_token

    clock.advance(4000)
    with pytest.raises(SignInError, match="token that GitLab has now expired 71 minutes ago") as caught:
        connection.token()

    assert "keeps the token that the job started with" in caught.value.remedy
    assert 2 == len(token_server.forms)


def test_a_program_gives_the_assertion(
    sign: Sign, token_server: TokenServer, transport: Transport, clock: FakeClock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    It runs without a shell, in its own folder, without the secrets of entrakit, and again for each token. Its name is
    looked for in absolute folders of PATH only.
    """
    program = tmp_path / "minter"
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nopen({str(tmp_path / 'calls')!r}, 'a').write(json.dumps(\n"
        "    [sys.argv[1:], os.getcwd(), dict(os.environ), sys.stdin.read()]) + '\\n')\n"
        f"print({assertion()!r})\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "canary")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    connection = sign(federated=["minter", "$(id)", "; true"], name="job")
    clock.advance(4000)
    get_connection("job", transport=transport, clock=clock).token()

    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert [["$(id)", "; true"]] * 2 == [words for words, *_ in calls]
    assert {str(tmp_path)} == {folder for _, folder, *_ in calls}
    assert [""] * 2 == [given for *_, given in calls]
    assert all("canary" not in environ.values() for _, _, environ, _ in calls)
    assert [assertion()] * 2 == sent(token_server)
    assert {"command": '["minter", "$(id)", "; true"]'} == dict(connection.info.origin)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", ":.")
    with pytest.raises(SignInError, match="'minter' is not installed"):
        sign(federated=["minter"])


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("import sys; sys.exit('no login: eyJhbGciOiJSUzI1NiJ9.canary.x')", "failed with code 1: no login: […]"),
        ("print('x' * 100_000)", "wrote more than 64 KiB"),
        ("import time; time.sleep(600)", "took longer than 0.5 seconds"),
        ("print('eyJ')", "not a token"),
    ],
)
def test_a_program_that_fails_is_explained(
    sign: Sign, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch, program: str, problem: str
) -> None:
    """
    It is ended after a minute, or the `timeout` of the caller, and nothing is sent to the token service.
    """
    with pytest.raises(SignInError) as caught:
        sign(federated=[sys.executable, "-c", program], timeout=0.5 if "sleep" in program else None)

    assert problem in caught.value.problem
    assert ("sleep" in program) == caught.value.retryable
    assert [] == token_server.forms


def test_a_function_is_called_for_each_token(
    sign: Sign, token_server: TokenServer, transport: Transport, clock: FakeClock
) -> None:
    """
    It is not saved, so another process has to connect again. An exception of it is named, without its text.
    """
    numbers = iter((1, 2))

    connection = sign(federated=lambda: assertion(next(numbers)), name="job")
    clock.advance(4000)
    connection.token()
    clock.advance(4000)
    with pytest.raises(SignInError, match="raised StopIteration"):
        connection.token()
    with pytest.raises(InteractionRequiredError, match="requires the function that gave its assertion"):
        get_connection("job", transport=transport, clock=clock).token()

    assert [assertion(1), assertion(2)] == sent(token_server)
    assert connection.info.renews_alone is False


def test_the_assertion_can_not_be_saved(sign: Sign, token_server: TokenServer) -> None:
    """
    It would be sent again after it has expired.
    """
    for how in ({"federated": assertion}, {"federated": Environment("MINE")}):
        with pytest.raises(ParameterError, match="`save_secret` does not go with `federated`"):
            sign(**how, name="job", save_secret=True)

    assert [] == token_server.forms


def test_parameters_are_checked(sign: Sign, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nothing is sent for a source that does not exist, a service connection without Azure DevOps, or another way.
    """
    for source, problem in (
        ("jenkins", "no provider"),
        ("", "no provider"),
        ([], "must be a provider"),
        (5, "must be"),
    ):
        with pytest.raises(ParameterError, match=problem):
            sign(federated=source)
    with pytest.raises(ParameterError, match="for Azure DevOps only"):
        sign(federated="github", service_connection_id=SERVICE_CONNECTION)
    with pytest.raises(ParameterError, match="service connection is missing") as caught:
        sign(federated="azure-devops")
    with pytest.raises(ParameterError, match="'contoso' is not a GUID"):
        sign(federated="azure-devops", service_connection_id="contoso")
    with pytest.raises(ParameterError, match="only with `federated`"):
        sign(service_connection_id=SERVICE_CONNECTION)
    with pytest.raises(ParameterSetError):
        sign(federated="github", client_secret="x")
    with pytest.raises(ParameterError, match="stands for many tenants"):
        sign(federated="github", tenant_id="organizations")
    with pytest.raises(SignInError, match="No provider of tokens is available"):
        sign(federated=True)

    assert "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID" in caught.value.remedy
    monkeypatch.setenv("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", SERVICE_CONNECTION)
    assert SERVICE_CONNECTION == dict(Federated("azure-devops").origin)["service_connection_id"]
    assert [] == token_server.forms


def test_ensure_keeps_a_connection_with_the_same_source(sign: Sign, token_server: TokenServer, tmp_path: Path) -> None:
    """
    The source identifies the credential: another file signs in again.
    """
    for name in ("a", "b"):
        (tmp_path / name).write_text(assertion())

    for name in ("a", "a", "b"):
        sign(federated=tmp_path / name, name="job", ensure=True)

    assert 2 == len(token_server.forms)


def test_a_tool_can_be_the_fallback_off_a_host(
    sign: Sign, token_server: TokenServer, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The same call signs in as the app in a job, and with the signed-in Azure CLI at a desk.
    """
    tools = FakeTools(tmp_path / "tools")
    monkeypatch.setenv("PATH", f"{tools.folder}:/usr/bin:/bin")
    token = token_with(tid=token_server.tenant_id, oid="1")
    tools.give(accessToken=token, expires_on=int(clock.time() + 3600))

    assert token == sign(federated=True, fallback="azure_cli").token().access_token
    monkeypatch.setenv("GITLAB_OIDC_TOKEN", assertion())
    assert "token-1" == sign(federated=True, fallback="azure_cli").token().access_token


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("github", "GitHub Actions"),
        (Path("/run/token"), "the file '/run/token'"),
        (Environment("MINE"), "the variable MINE"),
        (["/opt/bin/minter", "-x"], "the program 'minter'"),
        (assertion, ""),
    ],
)
def test_a_value_says_where_the_next_token_comes_from(source: object, place: str) -> None:
    """
    The settings of a saved connection are enough for the source, for the parameters and for `status`.
    """
    one = Federated(cast("str", source))
    settings = connect_settings(one)

    assert place == Federated.next_token_from(settings)
    parameters = Federated.parameters_of(settings)
    if place:
        assert one.origin == Federated(cast("str", parameters["federated"])).origin
        assert one.origin == Federated.read_again(settings, 0.0).origin
    assert str(dict(one.origin)) in repr(one)


def connect_settings(how: Federated) -> Settings:
    """Return settings of a connection with a way to sign in."""
    return Settings("job", how.name, CLIENT, "contoso.com", GLOBAL, ("s",), origin=how.origin)


def test_a_fresh_token_loads_no_way_to_sign_in(
    sign: Sign, tmp_path: Path, test_ca: tuple[Path, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A sign-in with a file does not load what runs programs, and `entra token` of a fresh token loads no part of it.
    """
    (tmp_path / "token").write_text(assertion())
    sign(federated=tmp_path / "token", name="default", transport=None, ca_bundle=str(test_ca[0]), clock=time).close()

    saved = loaded_by(
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        "assert main(['token'], Streams(sys.stdin, io.StringIO(), sys.stderr), os.environ) == 0"
    )
    way = loaded_by("import entrakit.sign_in.flows.federated")

    assert set() == {name for name in saved if name.startswith(("entrakit.sign_in", "entrakit.http"))}
    assert "subprocess" not in way


@pytest.mark.timeout(240)
def test_64_processes_request_one_assertion(
    sign: Sign, token_server: TokenServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    test_ca: tuple[Path, object],
) -> None:  # fmt: skip
    """
    64 processes request the token while it expires repeatedly: each expiry causes one request to the host and one to
    the token service, and all get the same token.
    """
    file, asked = tmp_path / "clock", []

    def host(path: str) -> object:
        if not path.startswith("/github"):
            return None
        asked.append(path)
        return {"value": assertion(len(asked))}

    token_server.documents = host
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{token_server.url}/github?v=1")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary")
    set_clock(file, clock.time())
    sign(federated="github", name="work", transport=None, ca_bundle=str(test_ca[0])).close()
    with Fleet(64, file, {}) as fleet:
        for turn in range(3):
            clock.advance(2 * 3600)
            set_clock(file, clock.time())

            fleet.begin(6)
            answers = fleet.end()

            assert {f"1 token-{turn + 2}\n"} == answers
            assert turn + 2 == len(asked) == len(token_server.forms)
    assert [assertion(number) for number in range(1, 5)] == sent(token_server)
