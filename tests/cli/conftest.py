"""The command, run in this process against the embedded tenant."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.graph.conftest import GraphServer

from entrakit import get_connection
from entrakit.cli import main
from entrakit.cli.context import Streams

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from entrakit_emulator import Tenant


class Result(NamedTuple):
    """The outcome of a command.

    Args:
        code: Exit code.
        output: Standard output.
        error: Standard error.
    """

    code: int
    output: str
    error: str


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


class Command:
    """Runs `entra` with its own environment.

    Args:
        tenant: The embedded tenant.
        home: Directory of its files.
    """

    def __init__(self, tenant: Tenant, home: Path) -> None:
        self.tenant = tenant
        self.environ = {
            "ENTRAKIT_HOME": str(home), "HOME": str(home), "PATH": os.environ["PATH"], "NO_COLOR": "1"
        }  # fmt: skip

    def __call__(self, *words: str, given: str = "", terminal: bool = False) -> Result:
        """Run it with arguments; `given` is standard input, `terminal` makes all streams terminals."""
        kind = Terminal if terminal else io.StringIO
        streams = Streams(kind(given), kind(), kind())
        code = main(words, streams, self.environ)
        output, error = streams.output, streams.error
        assert isinstance(output, io.StringIO)
        assert isinstance(error, io.StringIO)
        return Result(code, output.getvalue(), error.getvalue())

    def connect(self, *words: str, given: str = "", terminal: bool = False, app: bool = False) -> Result:
        """Run `entra connect` to the embedded tenant."""
        client = self.tenant.confidential_client if app else self.tenant.public_client
        where = ("--authority-url", self.tenant.url, "--ca-bundle", self.tenant.ca_path)
        who = ("--client-id", client, "--tenant-id", self.tenant.tenant_id)
        return self("connect", *where, *who, *words, given=given, terminal=terminal)


@pytest.fixture
def entra(entra_tenant: Tenant, private_home: Path) -> Command:
    """Return the command."""
    return Command(entra_tenant, private_home)


@pytest.fixture
def connected(entra: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command with an app connected as `default`, its secret in the environment."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", entra.tenant.client_secret)
    entra.environ["AZURE_CLIENT_SECRET"] = entra.tenant.client_secret
    result = entra.connect(app=True)
    assert 0 == result.code, result.error
    return entra


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that sets the answer to prompts without echo."""

    def answer(text: str) -> None:
        monkeypatch.setattr("getpass.getpass", lambda prompt, stream: text)

    return answer


class GraphCommand:
    """Runs `entra` with its own Graph server, and with a token of the embedded tenant.

    Args:
        command: The command, connected.
        server: The service.
    """

    def __init__(self, command: Command, server: GraphServer) -> None:
        self.command = command
        self.server = server

    def __call__(self, *words: str, given: str = "", terminal: bool = False) -> Result:
        """Run the command."""
        return self.command(*words, given=given, terminal=terminal)


@pytest.fixture
def graph(
    entra: Command, test_ca: tuple[Path, ssl.SSLContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GraphCommand]:
    """Return the command with an app connected, whose Microsoft Graph is the library tests' server."""
    server = GraphServer(test_ca[1])
    both = tmp_path / "both.pem"
    both.write_bytes(Path(entra.tenant.ca_path).read_bytes() + test_ca[0].read_bytes())
    monkeypatch.setenv("AZURE_CLIENT_SECRET", entra.tenant.client_secret)
    entra.environ["AZURE_CLIENT_SECRET"] = entra.tenant.client_secret
    done = entra(
        "connect", "--authority-url", entra.tenant.url, "--ca-bundle", str(both), "--graph-url", server.url,
        "--client-id", entra.tenant.confidential_client, "--tenant-id", entra.tenant.tenant_id,
    )  # fmt: skip
    assert 0 == done.code, done.error
    with get_connection() as connection:
        server.valid_token = connection.get_token("https://graph.microsoft.com/.default", enable_cae=True).token
    yield GraphCommand(entra, server)
    server.close()
