"""Every command line of the documentation of 0.1.0 still runs, with the same exit code and result."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from tests.cli.conftest import Command

import entrakit_emulator
from entrakit.errors import EntraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entrakit_emulator import Tenant

# The command lines of README.md and docs/, in an order in which they can run, with the outcome that they had.
OUTCOMES = Path(__file__).parents[1] / "fixtures" / "documented-lines.json"
# Outcomes that differ from run to run.
CHANGING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "GUID"),
    (r"eyJ[\w.-]+", "TOKEN"),
    (r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z| UTC)?", "TIME"),
    (r"localhost:\d+|127\.0\.0\.1:\d+", "HOST"),
    (r"\b\d+ (ms|min)\b", "DURATION"),
    (r"S-1-12(-\d+)+", "SID"),
    (r"(expires_on|expires_in_s|expires_in|ext_expires_in)(\W+)\d+", r"\1\2SECONDS"),
    (r"\\?\$skiptoken=[^\"&]+|\$deltatoken=[^\"&]+|\bW/[^,]+", "POSITION"),
)
# Parameters of a sign-in that the documented lines select.
SELECTED = (
    "browser", "certificate_command", "certificate_path", "certificate_uri", "client_secret", "credential",
    "device_code", "ensure", "name", "open_browser", "paste", "port", "save_secret",
)  # fmt: skip


ROLES = ("User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All")


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    """Return a separate tenant: the lines change it."""
    with entrakit_emulator.start() as one:
        yield one


def outcome(entra: Command, line: str, folder: Path) -> dict[str, object]:
    """Run a command line and return its outcome, without the parts that differ from run to run."""
    given = "canary-secret" if "-stdin" in line else (folder / "ada.json").read_text()
    if line == "entra batch -":
        given = (folder / "requests.ndjson").read_text()
    words = shlex.split(line.replace("contoso.com", entra.tenant.domain))
    result = entra(*words[1:], given=given)
    texts = {"code": result.code, "output": result.output}
    selected = [one.removeprefix("Error: ") for one in result.error.splitlines() if one.startswith("Error: {")]
    texts |= {"selected": selected[0]} if selected else {}
    for file in ("users.ndjson", "users.csv", "results.ndjson", "changes.ndjson", "ada.jpg"):
        path = folder / file
        if path.exists() and file in line:
            texts["file"] = path.read_bytes().decode("utf-8", "replace")
            path.unlink()
    if line == "entra completion bash":
        texts["output"] = result.output.splitlines()[0]
    return {name: masked(one, entra, folder) if isinstance(one, str) else one for name, one in texts.items()}


def masked(text: str, entra: Command, folder: Path) -> str:
    """Return a result without the parts that differ from run to run."""
    for word, instead in ((str(folder), "FOLDER"), (str(folder.parent), "PARENT")):
        text = text.replace(word, instead)
    for pattern, instead in CHANGING:
        text = re.sub(pattern, instead, text)
    return text


def prepare(tenant: Tenant, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return the command with the connections, files and replacements that the lines need."""
    monkeypatch.setenv("AZURE_CLIENT_SECRET", tenant.client_secret)
    monkeypatch.chdir(folder)
    entra = Command(tenant, home)
    entra.environ |= {"AZURE_CLIENT_SECRET": tenant.client_secret, "ENTRAKIT_EXPORT_PASSPHRASE": "a passphrase"}
    tenant.seed.grant_roles(tenant.confidential_client, "https://graph.microsoft.com", ROLES)
    for name in ("work", "job", "NAME", "default"):
        assert 0 == entra.connect("--name", name, "--graph-url", tenant.url, app=True).code
    domain = tenant.domain
    user = {
        "accountEnabled": True, "displayName": "Ada", "mailNickname": "ada", "userPrincipalName": f"ada2@{domain}",
        "passwordProfile": {"password": "A-canary-1815"},
    }  # fmt: skip
    (folder / "ada.json").write_text(json.dumps(user))
    requests = [{"id": "1", "method": "GET", "url": "/users?$top=1"}, {"id": "2", "method": "GET", "url": "/users/no"}]
    (folder / "requests.ndjson").write_text("".join(f"{json.dumps(one)}\n" for one in requests))

    def sign_in(**parameters: object) -> NoReturn:
        selected = {name: parameters.get(name) for name in SELECTED}
        chosen = {name: one if isinstance(one, str | int | list) else "given" for name, one in selected.items() if one}
        raise EntraError(json.dumps(chosen))

    def start(port: int = 0, **_: object) -> NoReturn:
        raise EntraError(f"port {port}")

    monkeypatch.setattr("entrakit.connecting.connect", sign_in)
    # Modules of this machine, which other tests of this process load with another configuration.
    monkeypatch.setattr("entrakit.certificates.stores.pkcs11_modules.configured_modules", lambda environ: [])
    # In this order: `demo` takes the function from `emulator` when it is imported.
    monkeypatch.setattr("entrakit.cli.commands.demo.start", start)
    monkeypatch.setattr("entrakit.cli.commands.emulator.start", start)
    return entra


def test_documented_lines_have_the_same_outcome(
    tenant: Tenant, private_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each line of the earlier documentation has the exit code and the data that it had.
    """
    folder = tmp_path / "folder"
    folder.mkdir()
    entra = prepare(tenant, private_home, folder, monkeypatch)
    expected = json.loads(OUTCOMES.read_text(encoding="utf-8"))

    found = [{"line": one["line"], **outcome(entra, one["line"], folder)} for one in expected]

    for before, now in zip(expected, found, strict=True):
        assert before == now
