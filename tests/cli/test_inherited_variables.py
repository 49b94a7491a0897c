"""Variables of secrets in the environment of other programs: each command is its own process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests.sign_in.tools import FakeTools, token_with

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command

# It notes its environment, and ends the sign-in with a second request for the one-time address.
BROWSER = """#!{python}
import json, os, sys, urllib.request
with open({file!r}, "w") as file: json.dump(dict(os.environ), file)
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *given): return None
for _ in range(2):
    try: urllib.request.build_opener(Stay).open(sys.argv[1], timeout=5)
    except OSError: pass
"""
SIGNER = """#!{python}
import json, os, sys
with open({file!r}, "w") as file: json.dump(dict(os.environ), file)
sys.exit(1)
"""


def run(entra: Command, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "entrakit", *words],
        env=entra.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def target(entra: Command, client: str) -> tuple[str, ...]:
    """Return the options for the embedded tenant."""
    tenant = entra.tenant
    who = ("--client-id", client, "--tenant-id", tenant.tenant_id)
    return ("--authority-url", tenant.url, "--ca-bundle", tenant.ca_path, "--graph-url", tenant.url, *who)


@pytest.fixture
def earlier(entra: Command) -> Command:
    """Return the command; an earlier process has saved a connection whose secret came from the variable MINE."""
    entra.environ["MINE"] = entra.tenant.client_secret
    done = run(entra, "connect", *target(entra, entra.tenant.confidential_client), "--client-secret-env", "MINE")
    assert 0 == done.returncode, done.stderr
    entra.environ["OTHER"] = "no secret"
    return entra


@pytest.mark.parametrize("name", ["default", "other"])
def test_a_browser_gets_no_variable_of_a_saved_connection(earlier: Command, tmp_path: Path, name: str) -> None:
    """
    Neither the connection that is replaced nor any other one gives its secret to the browser.
    """
    program, file = tmp_path / "browser", tmp_path / "seen.json"
    program.write_text(BROWSER.format(python=sys.executable, file=str(file)))
    program.chmod(0o700)
    earlier.environ["BROWSER"] = str(program)

    done = run(earlier, "connect", *target(earlier, earlier.tenant.public_client), "--browser", "--name", name)

    assert 0 != done.returncode
    seen = json.loads(file.read_text())
    assert "no secret" == seen["OTHER"]
    assert "MINE" not in seen


@pytest.mark.parametrize("option", ["--azure-cli", "--azd", "--azure-powershell"])
def test_a_tool_gets_no_variable_of_a_saved_connection(earlier: Command, tmp_path: Path, option: str) -> None:
    """
    This holds for the sign-in and for each renewal, which is its own process.
    """
    tools = FakeTools(tmp_path / "tools")
    token = token_with(tid=earlier.tenant.tenant_id, oid="1", upn="ada@contoso.com")
    tools.give(token=token, accessToken=token, expires_on=int(time.time()) + 60)
    earlier.environ["PATH"] = f"{tools.folder}:/usr/bin:/bin"

    made = run(earlier, "connect", option, "--name", "tool")
    tools.give(token=token, accessToken=token, expires_on=int(time.time()) + 3600)
    again = run(earlier, "token", "--name", "tool", "--min-validity", "10m")

    assert (0, 0) == (made.returncode, again.returncode), made.stderr + again.stderr
    environs = [call["environ"] for call in tools.calls]
    assert 2 == len(environs)
    for environ in environs:
        assert isinstance(environ, dict)
        assert "no secret" == environ["OTHER"]
        assert "MINE" not in environ


@pytest.mark.parametrize("words", [("--federated", "gitlab"), ("--federated-token-env", "JOB_TOKEN")])
def test_a_tool_gets_no_token_of_another_issuer(entra: Command, tmp_path: Path, words: tuple[str, str]) -> None:
    """
    Neither the process that has read the token from a variable, nor a later one that finds the saved connection, gives
    it to a tool.
    """
    tools = FakeTools(tmp_path / "tools")
    token = token_with(tid=entra.tenant.tenant_id, oid="1", upn="ada@contoso.com")
    tools.give(token=token, accessToken=token, expires_on=int(time.time()) + 3600)
    variable = "GITLAB_OIDC_TOKEN" if "gitlab" in words else "JOB_TOKEN"
    entra.environ |= {"PATH": f"{tools.folder}:/usr/bin:/bin", "OTHER": "no secret"}
    with entra.tenant.add_issuer() as issuer:
        entra.tenant.seed.add_federated_credential(entra.tenant.confidential_client, issuer.issuer, "job")
        entra.environ[variable] = issuer.sign("job")

        made = run(entra, "connect", *target(entra, entra.tenant.confidential_client), *words)
        later = run(entra, "connect", "--azure-cli", "--name", "tool")
        entra.environ[variable] = issuer.sign("another job")
        wrong = (*target(entra, entra.tenant.confidential_client), *words, "--fallback", "azure-cli", "--name", "other")
        same = run(entra, "connect", *wrong)

    assert (0, 0, 0) == (made.returncode, later.returncode, same.returncode), made.stderr + later.stderr + same.stderr
    environs = [call["environ"] for call in tools.calls]
    assert 2 == len(environs)
    for environ in environs:
        assert isinstance(environ, dict)
        assert "no secret" == environ["OTHER"]
        assert variable not in environ


def test_a_tool_gets_no_secret_of_a_host_that_was_asked(entra: Command, tmp_path: Path) -> None:
    """
    The host of managed identities was asked with its secret, and did not answer. The next place does not get it.
    """
    tools = FakeTools(tmp_path / "tools")
    token = token_with(tid=entra.tenant.tenant_id, oid="1", upn="ada@contoso.com")
    tools.give(token=token, accessToken=token, expires_on=int(time.time()) + 3600)
    host = {"IDENTITY_ENDPOINT": "http://127.0.0.1:1/token", "IDENTITY_HEADER": "of the host"}
    entra.environ |= {"PATH": f"{tools.folder}:/usr/bin:/bin", **host}

    made = run(entra, "connect", "--auto")

    assert 0 == made.returncode, made.stderr
    (call,) = tools.calls
    assert isinstance(call["environ"], dict)
    assert host["IDENTITY_ENDPOINT"] == call["environ"]["IDENTITY_ENDPOINT"]
    assert "IDENTITY_HEADER" not in call["environ"]


def test_a_program_that_signs_keeps_what_it_may_need(earlier: Command, tmp_path: Path) -> None:
    """
    A program that signs gets no variable of entrakit, but one that another connection uses, too, such as a PIN.
    """
    program, file, certificate = tmp_path / "sign", tmp_path / "seen.json", tmp_path / "app.pem"
    program.write_text(SIGNER.format(python=sys.executable, file=str(file)))
    program.chmod(0o700)
    certificate.write_text(earlier.tenant.certificate_pem)
    earlier.environ["AZURE_CLIENT_SECRET"] = "of entrakit"
    words = ("--certificate-path", str(certificate), "--certificate-command", str(program), "--name", "signed")

    done = run(earlier, "connect", *target(earlier, earlier.tenant.confidential_client), *words)

    assert 0 != done.returncode
    seen = json.loads(file.read_text())
    assert "MINE" in seen
    assert "AZURE_CLIENT_SECRET" not in seen
