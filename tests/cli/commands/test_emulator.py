"""`entra emulator`: additional users, and a tenant that the next run continues."""

from __future__ import annotations

import json
import shlex
import signal
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import pytest

from entrakit.cli.commands.emulator import HOSTS
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Command

ENTRA = Path(sys.executable).with_name("entra")

SCOPE = "https://graph.microsoft.com/.default"


@contextmanager
def running(*words: str) -> Iterator[dict[str, Any]]:
    """Run the command until the block ends, and then stop it."""
    with subprocess.Popen(
        [sys.executable, "-m", "entrakit", "emulator", "--json", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(20)
        assert 0 == code


def people(facts: dict[str, Any]) -> set[str]:
    """Return the sign-in names of the users of a tenant."""
    form = {
        "client_id": facts["confidential_client"], "client_secret": facts["client_secret"],
        "grant_type": "client_credentials", "scope": SCOPE,
    }  # fmt: skip
    trust = ssl.create_default_context(cafile=facts["ca_path"])
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=trust))
    with opener.open(f"{facts['url']}/{facts['tenant_id']}/oauth2/v2.0/token", urlencode(form).encode()) as answer:
        token = json.load(answer)["access_token"]
    request = Request(f"{facts['url']}/v1.0/users?$top=999", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - of the tenant
    with opener.open(request) as answer:
        page = json.load(answer)
    return {one["userPrincipalName"] for one in page["value"]}


def test_a_snapshot_is_written_at_the_end_and_restored(private_home: Path, tmp_path: Path) -> None:
    """
    The next run has the same users, seeded and additional ones.
    """
    path = tmp_path / "tenant"
    with running("--users", "30", "--snapshot", str(path)) as facts:
        before = people(facts)
        assert not path.exists()
    with running("--restore", str(path)) as facts:
        after = people(facts)

    assert before == after
    assert 30 == len(before) - len(facts["users"])


def test_what_can_not_be_used_is_told_at_once(entra: Command, tmp_path: Path) -> None:
    """
    A file that is not a snapshot, a missing file, an unwritable directory and invalid numbers are refused at the
    start.
    """
    foreign = tmp_path / "foreign"
    foreign.write_bytes(b"\xff\xfe no JSON")

    for words, code, message in (
        (("--restore", str(foreign)), 2, "is not a snapshot of an emulated tenant"),
        (("--restore", str(tmp_path / "none")), 2, "can't be read: No such file or directory"),
        (("--snapshot", str(tmp_path / "nowhere" / "tenant")), 1, "can't be written"),
        (("--snapshot", str(tmp_path)), 1, "can't be written"),
        (("--snapshot", "/proc/tenant"), 1, "/proc/tenant can't be written"),
        (("--users", "-1"), 2, "not -1"),
        (("--port", "80000"), 2, "80000 is not a port."),
        (("--port", "-1"), 2, "-1 is not a port."),
        (("--users", "5", "--restore", str(foreign)), 2, "don't go together"),
    ):
        result = entra("emulator", *words)

        assert code == result.code
        assert message in result.error
        # It did not run.
        assert "" == result.output


def test_a_snapshot_that_fails_at_the_end_is_told(private_home: Path, tmp_path: Path) -> None:
    """
    If the directory vanishes meanwhile, the command ends with an error and without a traceback.
    """
    path = tmp_path / "place" / "tenant"
    path.parent.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "entrakit", "emulator", "--json", "--snapshot", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        path.parent.rmdir()
        process.send_signal(signal.SIGTERM)
        told = process.stderr.read()
        code = process.wait(20)

    assert 1 == code
    assert "can't be written: No such file or directory" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_the_snapshot_is_written_however_it_ends(private_home: Path, tmp_path: Path, number: signal.Signals) -> None:
    """
    A closed terminal (SIGHUP), a service manager (SIGTERM) and Ctrl-C end the tenant with its snapshot.
    """
    path = tmp_path / "tenant"
    # A runner that ignores a closed terminal, as `nohup` makes it, would pass that on.
    before = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    with subprocess.Popen(
        [ENTRA, "emulator", "--json", "--snapshot", str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        signal.signal(number, before)
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        process.send_signal(number)

        assert 0 == process.wait(20)

    assert path.stat().st_size
    assert not Path(facts["ca_path"]).exists()


def test_the_emulator_survives_what_is_ignored(private_home: Path) -> None:
    """
    Under `nohup`, a closed terminal does not end the tenant.
    """
    with subprocess.Popen(["nohup", ENTRA, "emulator", "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20)


def test_the_emulator_runs_until_it_is_ended(private_home: Path) -> None:
    """
    `entra emulator --json` prints its address and ids on one line, and ends cleanly on SIGTERM.
    """
    with subprocess.Popen([ENTRA, "emulator", "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        assert Path(facts["ca_path"]).exists()
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(10)

    assert facts["url"].startswith("https://localhost:")
    assert not Path(facts["ca_path"]).exists()


def test_the_emulator_tells_a_person_where_it_is(private_home: Path) -> None:
    """
    Without `--json` it prints addresses, ids and the command to connect, and ends cleanly on Ctrl-C.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "entrakit", "emulator"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1]
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(10)

    text = "".join(lines)
    for words in ("is not a real tenant", "CA certificate", "entra connect --authority-url https://localhost:"):
        assert words in text


def printed(*words: str) -> str:
    """Return the output of the emulator, and end it."""
    with subprocess.Popen(
        [sys.executable, "-m", "entrakit", "emulator", *words],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while "--json" not in words and lines[-1] and "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
        process.terminate()
        assert 0 == process.wait(10)
    return "".join(lines)


@pytest.mark.parametrize("host", [host for host in HOSTS if host != "arc"])
def test_the_variables_of_a_host_are_printed(private_home: Path, host: str) -> None:
    """
    `--identity` starts a host of managed identities, and the output has the variables of its programs.
    """
    variables = json.loads(printed("--json", "--identity", host))["identity"]

    assert all(value for value in variables.values())
    assert any("127.0.0.1" in value for value in variables.values())


def test_the_variables_of_a_host_can_be_pasted(private_home: Path) -> None:
    """
    Without `--json`, the variables are printed as lines of a shell; without `--identity`, there are none.
    """
    lines = printed("--identity", "imds").splitlines()

    assert any(line.startswith("  export AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:") for line in lines)
    assert "export" not in printed()
    assert "identity" not in json.loads(printed("--json"))


def test_the_command_knows_each_host() -> None:
    """
    The command has all hosts of the emulator.
    """
    assert faults.HOSTS == tuple(host.replace("-", "_") for host in HOSTS)


def test_a_directory_of_azure_arc_that_cannot_be_made_is_an_error(
    entra: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The error names the directory that Azure Arc requires, and the tenant ends.
    """
    monkeypatch.setattr("entrakit_emulator.hosts.agent_directory", lambda: Path(entra.tenant.ca_path) / "tokens")

    result = entra("emulator", "--identity", "arc")

    assert 2 == result.code
    assert f"{entra.tenant.ca_path}/tokens can't be written: Not a directory" in result.error


def test_the_emulator_needs_its_extra_and_its_port(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A port in use and missing packages are errors with a remedy.
    """
    busy = int(entra.tenant.url.rpartition(":")[2])
    assert "Can't listen on port" in entra("emulator", "--port", str(busy)).error
    monkeypatch.setitem(sys.modules, "entrakit_emulator", None)
    assert "pip install 'entrakit[emulator]'" in entra("demo").error


def test_the_printed_line_leads_to_the_emulators_graph(entra: Command) -> None:
    """
    A user who pastes the line and signs in sends requests to the emulator, and not to the real Microsoft Graph.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "entrakit", "emulator"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = "".join(iter(process.stdout.readline, "Stop it with Ctrl-C.\n"))
        line = printed.partition("Connect to it:\n")[2].replace("\\\n", "")
        words = shlex.split(line)[1:]
        done = entra(*words, "--username", "ada@contoso.example", "--password-stdin", given=_password(printed))
        me = entra("request", "GET", "/me", "--select", "userPrincipalName")
        process.send_signal(signal.SIGTERM)

    assert 0 == done.code, done.error
    assert "Microsoft Graph are sent to" not in done.error
    assert {"userPrincipalName": "ada@contoso.example"}.items() <= json.loads(me.output).items()


def _password(printed: str) -> str:
    """Return the password of ada in the output of the emulator."""
    return next(line.split()[-1] for line in printed.splitlines() if "ada@contoso.example" in line)
