"""Providers of assertions: the requests, variables and files of each host, and where the token of a job may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.sign_in.hosts import AUDIENCE, SERVICE_CONNECTION, assertion, head_of, http_answer

from entrakit.authority.clouds import CLOUDS
from entrakit.errors import NetworkError, ParameterError, ServiceUnavailableError, SignInError
from entrakit.sign_in.federated_providers import (
    PROVIDERS,
    AssertionRequest,
    audience_of,
    find_provider,
    first_provider,
    none_available,
    read_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import FakeClock, RawServer

    from entrakit import Transport

    Start = Callable[..., RawServer]

# Variables of each host with a request, its token, and the member of its answer.
REQUESTS = [
    ("github", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "value"),
    ("azure-devops", "SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN", "oidcToken"),
]


def question(transport: Transport, **environ: str) -> AssertionRequest:
    """Return a request for an assertion."""
    return AssertionRequest(AUDIENCE, transport, environ, SERVICE_CONNECTION)


def test_github_is_asked_for_the_audience_of_the_cloud(transport: Transport, raw_server: Start) -> None:
    """
    The address has a query already; the audience is added, encoded, and the token of the job is the bearer.
    """
    server = raw_server(http_answer({"count": 1, "value": assertion()}))
    asked = question(
        transport,
        ACTIONS_ID_TOKEN_REQUEST_URL=f"{server.url}/token?api-version=2.0",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="canary",
    )

    found = PROVIDERS["github"].ask(asked)

    line, fields = head_of(server.requests[0])
    assert assertion() == found
    assert "GET /token?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange HTTP/1.1" == line
    assert "Bearer canary" == fields["authorization"]


def test_azure_devops_is_asked_for_the_service_connection(transport: Transport, raw_server: Start) -> None:
    """
    An empty POST with the version of the API and the service connection, which must not be redirected.
    """
    server = raw_server(http_answer({"oidcToken": assertion()}))
    asked = question(transport, SYSTEM_OIDCREQUESTURI=f"{server.url}/o/_apis/oidctoken/", SYSTEM_ACCESSTOKEN="canary")

    found = PROVIDERS["azure-devops"].ask(asked)

    line, fields = head_of(server.requests[0])
    assert assertion() == found
    assert f"POST /o/_apis/oidctoken?api-version=7.1&serviceConnectionId={SERVICE_CONNECTION} HTTP/1.1" == line
    assert ("Bearer canary", "Suppress") == (fields["authorization"], fields["x-tfs-fedauthredirect"])
    assert "0" == fields["content-length"]


@pytest.mark.parametrize(("name", "url", "token", "field"), REQUESTS)
def test_the_token_of_a_job_goes_to_one_host_over_https_only(
    transport: Transport, raw_server: Start, name: str, url: str, token: str, field: str
) -> None:
    """
    No redirect is followed, and an address that is not https, or has a user name, gets no request.
    """
    other = raw_server(http_answer({field: assertion()}))
    server = raw_server(http_answer({}, "302 Found", f"Location: {other.url}/token"))

    with pytest.raises(NetworkError):
        PROVIDERS[name].ask(question(transport, **{url: f"{server.url}/token", token: "canary"}))
    for address in (f"http://localhost:{other.port}/", f"https://me@localhost:{other.port}/", "file:///etc/passwd"):
        with pytest.raises(SignInError, match="not an https address"):
            PROVIDERS[name].ask(question(transport, **{url: address, token: "canary"}))

    assert [1, 0] == [len(server.requests), len(other.requests)]


@pytest.mark.parametrize(("name", "url", "token", "field"), REQUESTS)
def test_a_busy_host_is_asked_again(
    transport: Transport, raw_server: Start, clock: FakeClock, name: str, url: str, token: str, field: str
) -> None:
    """
    503 is a passing failure; an outage is reported as one, after the last attempt.
    """
    server = raw_server(http_answer({}, "503 Busy"), http_answer({field: assertion()}))
    down = raw_server(http_answer({}, "503 Busy"))

    assert assertion() == PROVIDERS[name].ask(question(transport, **{url: f"{server.url}/", token: "canary"}))
    with pytest.raises(ServiceUnavailableError) as caught:
        PROVIDERS[name].ask(question(transport, **{url: f"{down.url}/", token: "canary"}))

    assert caught.value.retryable
    assert clock.sleeps


@pytest.mark.parametrize(("name", "url", "token", "field"), REQUESTS)
def test_a_refusal_names_the_host_and_not_the_token(
    transport: Transport, raw_server: Start, name: str, url: str, token: str, field: str
) -> None:
    """
    The token of the job is in no part of the error, even if the host repeats it.
    """
    server = raw_server(http_answer({"message": "canary", field: ""}, "403 Forbidden"))

    with pytest.raises(SignInError, match=r"refused to give a token \(HTTP 403\)") as caught:
        PROVIDERS[name].ask(question(transport, **{url: f"{server.url}/", token: "canary"}))

    assert PROVIDERS[name].title in caught.value.problem
    assert "canary" not in f"{caught.value!r} {caught.value.problem} {caught.value.remedy}"


@pytest.mark.parametrize(("name", "url", "token", "field"), REQUESTS)
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"message": "TF400813: The user is not\nauthorized\x1b[31m."},
            "(HTTP 403): TF400813: The user is not authorized",
        ),
        ({"message": "Expired: canary"}, "(HTTP 403): Expired: […]"),
        ({"message": {"a": 1}}, "(HTTP 403)."),
        ([], "(HTTP 403)."),
    ],
)
def test_the_reason_of_a_refusal_is_kept(
    transport: Transport, raw_server: Start, name: str, url: str, token: str, field: str, body: object, expected: str
) -> None:
    """
    The message of the host is in the error on one line, without the token of the job.
    """
    server = raw_server(http_answer(body, "403 Forbidden"))

    with pytest.raises(SignInError) as caught:
        PROVIDERS[name].ask(question(transport, **{url: f"{server.url}/", token: "canary"}))

    assert f"{PROVIDERS[name].title} refused to give a token {expected}" in caught.value.problem
    assert "\x1b" not in caught.value.problem


@pytest.mark.parametrize(("name", "url", "token", "field"), REQUESTS)
@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"%s": 5}', b"{" * 5000, b"{}"])
def test_an_answer_without_a_token_gives_none(
    transport: Transport, raw_server: Start, name: str, url: str, token: str, field: str, body: bytes
) -> None:
    """
    Every answer results in a string, which the way to sign in checks.
    """
    server = raw_server(http_answer(body.replace(b"%s", field.encode())))

    assert "" == PROVIDERS[name].ask(question(transport, **{url: f"{server.url}/", token: "canary"}))


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_missing_variable_is_named(transport: Transport, name: str) -> None:
    """
    The error names every variable that has no value, and says what to change on that host.
    """
    one = PROVIDERS[name]

    with pytest.raises(SignInError) as caught:
        one.ask(question(transport, **dict.fromkeys(one.variables, "")))

    assert " and ".join(one.variables) in caught.value.problem
    assert one.advice == caught.value.remedy


@pytest.mark.parametrize(("name", "variable"), [("gitlab", "GITLAB_OIDC_TOKEN"), ("terraform", "TFC_WORKLOAD_IDENTITY_TOKEN")])  # fmt: skip # noqa: E501
def test_a_variable_is_read_each_time(transport: Transport, name: str, variable: str) -> None:
    """
    The value is the one that the variable has now.
    """
    environ = {variable: "first"}
    asked = AssertionRequest(AUDIENCE, transport, environ)

    first = PROVIDERS[name].ask(asked)
    environ[variable] = "second"

    assert ("first", "second") == (first, PROVIDERS[name].ask(asked))


def test_the_file_of_kubernetes_is_read_each_time(transport: Transport, tmp_path: Path) -> None:
    """
    The host replaces the file; a file that can't be read is named, with the reason.
    """
    file = tmp_path / "token"
    asked = question(transport, AZURE_FEDERATED_TOKEN_FILE=str(file))
    for text in ("first", "second"):
        file.write_text(text)
        assert text == PROVIDERS["kubernetes"].ask(asked)
    file.unlink()

    with pytest.raises(SignInError, match="file or directory") as caught:
        PROVIDERS["kubernetes"].ask(asked)
    with pytest.raises(SignInError, match="not a valid path"):
        read_file("a\0b")

    assert str(file) in caught.value.problem


def test_the_first_available_provider() -> None:
    """
    A provider is available if all its variables have a value. If there is none, the error names all variables.
    """
    environ = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://localhost", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}

    problem = none_available().problem

    assert "" == first_provider(environ)
    assert all(variable in problem for one in PROVIDERS.values() for variable in one.variables)
    assert "kubernetes" == first_provider(environ | {"AZURE_FEDERATED_TOKEN_FILE": "/token"})
    assert "github" == first_provider(
        environ | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x", "AZURE_FEDERATED_TOKEN_FILE": "/token"}
    )


def test_a_provider_is_found_by_its_name() -> None:
    """
    In any case, with a hyphen or an underscore.
    """
    assert "azure-devops" == find_provider("Azure_DevOps")
    with pytest.raises(ParameterError, match="no provider of tokens called 'jenkins'") as caught:
        find_provider("jenkins")
    assert all(name in caught.value.remedy for name in PROVIDERS)


def test_each_cloud_has_its_audience() -> None:
    """
    Another address of the token service does not change the audience.
    """
    found = {cloud.name: audience_of(cloud.name).removeprefix(AUDIENCE) for cloud in CLOUDS}

    expected = {
        "global": "", "usgov": "USGov", "usgov-dod": "USGov", "china": "China", "bleu": "France", "delos": "Germany",
        "govsg": "GovSG",
    }  # fmt: skip
    assert expected == found
    assert f"{AUDIENCE}China" == audience_of("china@localhost:8443")
