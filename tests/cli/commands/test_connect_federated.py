"""`entra connect --federated` and the other sources of an assertion: options, reconnect, status, and exit codes."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from tests.connection.conftest import Counter
from tests.sign_in.hosts import SERVICE_CONNECTION, assertion, clear_hosts, http_answer

from entrakit import get_connection
from entrakit.cli.reconnect import reconnect

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Command, Result
    from tests.conftest import RawServer, TokenServer

    Sign = Callable[..., Result]

CLIENT = "aaaaaaaa-2222-3333-4444-555555555555"


@pytest.fixture
def variable(entra: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return a function that sets a variable, for the process and for the command, on no host."""
    clear_hosts(monkeypatch)

    def put(name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        entra.environ[name] = value

    return put


@pytest.fixture
def sign(entra: Command, token_server: TokenServer, test_ca: tuple[Path, ssl.SSLContext], variable: object) -> Sign:
    """Return a function that runs `entra connect` with a token service that gives a new token for each request."""
    token_server.answer = Counter()
    where = ("--authority-url", token_server.url, "--ca-bundle", str(test_ca[0]))
    who = ("--client-id", CLIENT, "--tenant-id", token_server.tenant_id)

    def run(*words: str) -> Result:
        return entra("connect", *where, *who, *words)

    return run


@pytest.mark.parametrize("words", [("--federated",), ("--federated", "GitHub")])
def test_a_job_needs_no_value(
    entra: Command, sign: Sign, token_server: TokenServer, raw_server: Callable[..., RawServer],
    variable: Callable[[str, str], None], words: tuple[str, ...],
) -> None:  # fmt: skip
    """
    The option alone takes the first available provider. `entra status` names it, as a note and in JSON.
    """
    variable("ACTIONS_ID_TOKEN_REQUEST_URL", f"{raw_server(http_answer({'value': assertion()})).url}/?v=1")
    variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary")

    made = sign(*words)

    assert 0 == made.code, made.error
    assert f"Connected as the app {CLIENT} to the tenant {token_server.tenant_id} (federated)." in made.error
    assert "and renews itself." in made.error
    assert "token-1" == entra("token").output.strip()
    assert "default gets its next token from GitHub Actions." in entra("status").error
    assert "GitHub Actions" == json.loads(entra("status", "--json").output)[0]["next_token_from"]


@pytest.mark.parametrize("kind", ["file", "env", "command"])
def test_a_source_is_an_option(
    entra: Command, sign: Sign, token_server: TokenServer, variable: Callable[[str, str], None], tmp_path: Path,
    kind: str,
) -> None:  # fmt: skip
    """
    A file, a variable or a program gives the assertion. The command that connects again has the same source.
    """
    file = tmp_path / "my token"
    file.write_text(assertion())
    variable("MINE", assertion())
    program = shlex.join([sys.executable, "-c", f"print({assertion()!r})"])
    value = {"file": str(file), "env": "MINE", "command": program}[kind]

    made = sign(f"--federated-{'command' if kind == 'command' else f'token-{kind}'}", value, "--name", "job")
    with get_connection("job") as connection:
        again = shlex.split(reconnect(connection.info))
        first = connection.info
    repeated = entra(*again[1:])
    with get_connection("job") as connection:
        second = connection.info

    assert (0, 0) == (made.code, repeated.code), made.error + repeated.error
    assert first.origin == second.origin
    assert [assertion()] * 2 == [form["client_assertion"] for form in token_server.forms]


def test_the_variables_of_workload_identity_are_enough(
    entra: Command, token_server: TokenServer, test_ca: tuple[Path, ssl.SSLContext],
    variable: Callable[[str, str], None], tmp_path: Path,
) -> None:  # fmt: skip
    """
    In a pod, app, tenant, cloud and file are those of the variables.
    """
    (tmp_path / "token").write_text(assertion())
    token_server.answer = Counter()
    variable("AZURE_CLIENT_ID", CLIENT)
    variable("AZURE_TENANT_ID", token_server.tenant_id)
    variable("AZURE_AUTHORITY_HOST", f"{token_server.url}/")
    variable("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))

    made = entra("connect", "--federated", "--ca-bundle", str(test_ca[0]))

    assert 0 == made.code, made.error
    assert "default gets its next token from Kubernetes." in entra("status").error


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--federated", "jenkins"), 2, "There is no provider of tokens called 'jenkins'."),
        (("--federated", "gitlab", "--federated-token-env", "A"), 2, "--federated and --federated-token-env name diff"),
        (("--federated-token-file", "a", "--federated-command", "b"), 2, "--federated-token-file and --federated-co"),
        (("--federated", "gitlab", "--client-secret-env", "A"), 2, "--federated"),
        (("--federated-token-env", "A", "--azure-cli"), 2, "--azure-cli"),
        (("--federated-command", "mint '"), 2, "--federated-command has an unclosed quotation mark."),
        (("--federated-command", " "), 2, "--federated-command is empty."),
        (("--federated-token-file", ""), 2, "the value is empty"),
        (("--federated", "azure-devops"), 2, "Give --service-connection-id"),
        (("--federated", "github", "--service-connection-id", SERVICE_CONNECTION), 2, "Use --federated azure-devops"),
        (("--service-connection-id", SERVICE_CONNECTION), 2, "can't be used alone, only with --federated"),
        (("--federated-token-env", "A", "--save-secret"), 2, "--save-secret does not go with --federated"),
        (("--federated",), 5, "No provider of tokens is available."),
        (("--federated", "github"), 5, "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN have no value"),
        (("--federated-token-env", "A"), 2, "The variable A has no value."),
        (("--federated-token-file", "/nowhere/token"), 2, "can't be read from '/nowhere/token'"),
    ],
)
def test_mistakes_are_named_before_anything_is_sent(
    sign: Sign, token_server: TokenServer, words: tuple[str, ...], code: int, message: str
) -> None:
    """
    A mistake in the options ends with 2, as does a file or a variable that is missing; a provider that gives nothing
    ends with 5. The message speaks of options.
    """
    made = sign(*words)

    assert code == made.code, made.error
    assert message in made.error
    assert [] == token_server.forms
