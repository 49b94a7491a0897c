"""Modules that each start-up path may load, because a fast start is a feature."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from entrakit import UsernamePassword, connect
from entrakit.authority.clouds import GLOBAL
from entrakit.connection.record import Record, keep
from entrakit.connection.settings import Settings
from entrakit.tokens.token import Token
from entrakit.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from entrakit import Connection
    from entrakit_emulator import Tenant

HEAVY = {
    "asyncio", "concurrent.futures", "dataclasses", "email", "filelock", "getpass", "http.client", "httpx2",
    "importlib.metadata", "inspect", "keyring", "logging", "msal", "msgspec", "pathlib", "platformdirs", "requests",
    "rich", "socket", "ssl", "starlette", "subprocess", "tempfile", "tomllib", "urllib.request", "uvicorn", "uuid",
}  # fmt: skip
CLIENT = "00000000-0000-0000-0000-000000000000"


def loaded_by(program: str) -> set[str]:
    """Return the modules that a program loads, without those that Python itself loads."""
    ending = "loaded = sorted(set(sys.modules) - bare)\nimport json\nprint(json.dumps(loaded))"
    code = f"import sys; bare = set(sys.modules)\n{program}\n{ending}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def kept() -> None:
    """Save a connection with a fresh token under the name `default`."""
    scope = "https://graph.microsoft.com/.default"
    now = time.time()
    token = Token("canary-token", issued_at=now, expires_at=now + 3600)
    keep(
        Vault(), Record(Settings("default", "secret", CLIENT, "contoso.com", GLOBAL, (scope,)), {scope: token}), now=now
    )


def test_importing_the_package_loads_nothing_else() -> None:
    """
    `import entrakit` loads only the package itself: no HTTP client, MSAL or cryptography.
    """
    assert {"entrakit"} == loaded_by("import entrakit") - {"__future__"}


def test_a_kept_token_loads_little() -> None:
    """
    `entra token` with a saved, valid token loads argparse, json and AES-GCM, but no heavy module.
    """
    kept()
    program = (
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        "out = io.StringIO()\nassert main(['token'], Streams(sys.stdin, out, sys.stderr), os.environ) == 0\n"
        "assert out.getvalue() == 'canary-token\\n'"
    )

    loaded = loaded_by(program)

    assert set() == {name for name in loaded if any(name == one or name.startswith(f"{one}.") for one in HEAVY)}
    ours = {name for name in loaded if name.startswith("entrakit.")}
    assert set() == ours - {
        "entrakit.authority",
        "entrakit.authority.clouds",
        "entrakit.authority.tenants",
        "entrakit.cli",
        "entrakit.cli.command_line",
        "entrakit.cli.command_table",
        "entrakit.cli.commands",
        "entrakit.cli.commands.token",
        "entrakit.cli.context",
        "entrakit.cli.execute",
        "entrakit.cli.options",
        "entrakit.cli.options.connection",
        "entrakit.cli.options.output",
        "entrakit.cli.parser",
        "entrakit.cli.work",
        "entrakit.connection",
        "entrakit.connection.decision",
        "entrakit.connection.record",
        "entrakit.connection.settings",
        "entrakit.connection.token_cache",
        "entrakit.connections",
        "entrakit.errors",
        "entrakit.files",
        "entrakit.files.private",
        "entrakit.tokens",
        "entrakit.tokens.jwt",
        "entrakit.tokens.request",
        "entrakit.tokens.scopes",
        "entrakit.tokens.token",
        "entrakit.vault",
        "entrakit.vault.envelope",
        "entrakit.vault.files",
        "entrakit.vault.keys",
        "entrakit.vault.keys.file",
        "entrakit.vault.keys.source",
    }


@pytest.mark.parametrize("words", [["token"], ["token", "default"], ["token", "--output", "header"]])
def test_a_kept_token_loads_no_configuration(words: list[str]) -> None:
    """
    `entra token` does not even look for the configuration file, whatever the variables say: TOML takes longer to load
    than the rest of the time that it has.
    """
    kept()
    program = (
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        "out = io.StringIO()\nenviron = {**os.environ, 'ENTRAKIT_CONFIG': '/does/not/exist', 'ENTRAKIT_PROFILE': 'x'}\n"
        f"assert main({words!r}, Streams(sys.stdin, out, sys.stderr), environ) == 0"
    )

    loaded = loaded_by(program)

    assert set() == loaded & {"tomllib", "entrakit.cli.configuration", "entrakit.cli.origins", "entrakit.files.trusted"}


def test_a_missing_configuration_loads_no_toml() -> None:
    """
    A command that would read the configuration file loads no TOML if there is none.
    """
    kept()
    program = (
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        "assert main(['status'], Streams(sys.stdin, io.StringIO(), sys.stderr), os.environ) == 0"
    )

    assert set() == loaded_by(program) & {"tomllib"}


@pytest.mark.parametrize("words", [["vault", "export", "--help"], ["request", "--help"], ["delta", "--help"]])
def test_help_of_a_command_loads_little(words: list[str]) -> None:
    """
    The help of a command loads its module and its options, but nothing that runs it.
    """
    program = (
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        f"main({words!r}, Streams(sys.stdin, io.StringIO(), io.StringIO()), os.environ)"
    )

    loaded = loaded_by(program)

    assert set() == {name for name in loaded if name in HEAVY or name.startswith(("cryptography", "entrakit.vault"))}
    assert 1 == len({name for name in loaded if name.startswith("entrakit.cli.commands.")})


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["vault", "--help"], ["nonsense"], ["vault", "x"]])
def test_help_and_version_load_no_command(words: list[str]) -> None:
    """
    Help, version and usage errors load neither cryptography nor a command.
    """
    program = (
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        f"main({words!r}, Streams(sys.stdin, io.StringIO(), io.StringIO()), os.environ)"
    )

    loaded = loaded_by(program)

    assert set() == {name for name in loaded if name.startswith(("entrakit.cli.commands.", "cryptography"))}
    assert set() == {name for name in loaded if name in HEAVY}


# Modules that a request needs besides the standard library's, and modules of the standard library that take long.
REQUEST = {"_cffi_backend", "_openssl", "backports", "cryptography", "entrakit", "urllib3"}
CONNECT = REQUEST | {"filelock", "jwt", "msal"}
LISTING = REQUEST | {"msgspec", "typing_extensions"}
EXPORT = LISTING | {"filelock"}
# MSAL, msgspec and filelock import them.
OF_MSGSPEC = {"inspect", "uuid"}
OF_EXPORT = OF_MSGSPEC | {"dataclasses"}
OF_MSAL = {"inspect", "uuid", "xml"}
SLOW = {
    "asyncio", "concurrent.futures", "dataclasses", "importlib.metadata", "inspect", "multiprocessing", "subprocess",
    "tempfile", "urllib.request", "urllib3.connectionpool", "urllib3.http2.connection", "urllib3.poolmanager", "uuid",
    "xml",
}  # fmt: skip


def third_parties(loaded: set[str]) -> set[str]:
    """Return the packages among loaded modules that do not belong to the standard library."""
    packages = {name.partition(".")[0] for name in loaded}
    return {name for name in packages if name not in sys.stdlib_module_names and not name.startswith("__editable__")}


def sign_in(tenant: Tenant) -> Connection:
    """Save the connection of a user under the name `default`."""
    user = tenant.users.normal
    return connect(
        client_id=tenant.public_client,
        tenant_id=tenant.tenant_id,
        credential=UsernamePassword(user.upn, user.password),
        authority_url=tenant.url,
        graph_url=tenant.url,
        ca_bundle=tenant.ca_path,
        name="default",
    )


def test_a_cold_request_loads_one_http_client(entra_tenant: Tenant) -> None:
    """
    `entra request GET /me` with a saved connection loads urllib3 without its pools, and AES-GCM: no MSAL, no msgspec,
    no table.
    """
    sign_in(entra_tenant).graph.get("/me")
    program = (
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        "streams = Streams(sys.stdin, io.StringIO(), sys.stderr)\n"
        "assert main(['request', 'GET', '/me'], streams, os.environ) == 0"
    )

    loaded = loaded_by(program)

    assert REQUEST >= third_parties(loaded)
    assert set() == loaded & SLOW


@pytest.mark.parametrize(
    ("words", "packages", "slow"),
    [(["--all"], LISTING, OF_MSGSPEC), (["--all", "--parallel", "8", "--out-file", "users.ndjson"], EXPORT, OF_EXPORT)],
    ids=["listing", "parallel export"],
)
def test_a_listing_loads_one_http_client(
    entra_tenant: Tenant,
    words: list[str],
    packages: set[str],
    slow: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    `entra request GET /users --all` loads msgspec besides the packages of a request, and with a file its lock.
    """
    monkeypatch.chdir(tmp_path)
    sign_in(entra_tenant).graph.get("/me")
    program = (
        "import io, os\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        f"streams = Streams(sys.stdin, io.StringIO(), io.StringIO())\nwords = ['request', 'GET', '/users', *{words}]\n"
        "assert main(words, streams, os.environ) == 0"
    )

    loaded = loaded_by(program)

    assert packages >= third_parties(loaded)
    assert slow >= loaded & SLOW


def test_a_cold_sign_in_loads_one_http_client(entra_tenant: Tenant) -> None:
    """
    `connect()` with a client secret loads MSAL without requests.
    """
    program = (
        "import entrakit\nentrakit.connect("
        f"client_id={entra_tenant.confidential_client!r}, tenant_id={entra_tenant.tenant_id!r}, "
        f"client_secret={entra_tenant.client_secret!r}, authority_url={entra_tenant.url!r}, "
        f"ca_bundle={entra_tenant.ca_path!r}).token()"
    )

    loaded = loaded_by(program)

    assert CONNECT >= third_parties(loaded)
    assert OF_MSAL >= loaded & SLOW
