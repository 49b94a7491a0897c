"""`entra connect` on a terminal asks for what nothing names, and prints the command that does the same."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from entrakit import list_connections

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Command, Result

    from entrakit.sign_in.flows.devicecode import DeviceCode


@pytest.fixture(autouse=True)
def approving(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a user of the tenant enter each code and open each link, on a machine without a browser."""
    person = entra.tenant.person()

    def approve(code: DeviceCode, context: object) -> None:
        del context
        person.approve_device(code.user_code)

    monkeypatch.setattr("entrakit.cli.commands.connect.show_code", approve)
    monkeypatch.setattr("entrakit.cli.commands.connect.show_link", lambda url, port, context: person.open_browser(url))
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        entra.environ.pop(name, None)


def asked(entra: Command, *words: str, given: str, terminal: bool = True) -> Result:
    """Run `entra connect` with the addresses of the tenant and without ids."""
    where = ("--authority-url", entra.tenant.url, "--ca-bundle", entra.tenant.ca_path, "--yes")
    return entra("connect", *where, *words, given=given, terminal=terminal)


def printed(text: str) -> list[str]:
    """Return the words of the printed command, as a shell reads them."""
    found = re.search(r"does the same without these questions:\s+(entra .*)", text)
    assert found is not None, text
    return shlex.split(found[1])


def test_the_printed_command_does_the_same(entra: Command) -> None:
    """
    The app, the tenant and the way are questions; the printed command makes the same connection without a terminal.
    """
    tenant = entra.tenant
    answers = f"{tenant.public_client}\n {tenant.tenant_id} \n1\n"

    first = asked(entra, "--scope", "User.Read", "--name", "one", given=answers)
    words = printed(first.error)
    before = list_connections()[0].settings
    second = entra(*words[1:])
    after = list_connections()[0].settings

    assert (0, 0) == (first.code, second.code), first.error + second.error
    assert ["entra", "connect", "--authority-url", tenant.url] == words[:4]
    assert ["--client-id", tenant.public_client, "--tenant-id", tenant.tenant_id, "--browser"] == words[-5:]
    assert before is not None
    assert after is not None
    assert (before.flow, before.client_id, before.tenant_id, before.scopes) == (
        after.flow, after.client_id, after.tenant_id, after.scopes,
    )  # fmt: skip


def test_empty_answers_are_the_usual_ones(entra: Command) -> None:
    """
    An empty answer means Graph, and where no browser can open, the device code.
    """
    result = asked(entra, given=f"\n{entra.tenant.tenant_id}\n\n")

    assert 0 == result.code, result.error
    assert ["--client-id", "Graph", "--tenant-id", entra.tenant.tenant_id, "--device-code"] == printed(result.error)[
        -5:
    ]
    assert "App: its client id, or Graph or Azure [Graph]: " in result.error
    assert "--certificate-path" not in result.error


@pytest.mark.parametrize(
    ("words", "environ", "questions"),
    [
        ((), {}, ("App", "Tenant", "How")),
        (("--no-browser",), {}, ("App", "Tenant")),
        (("--client-id", "PUBLIC"), {}, ("Tenant", "How")),
        (("--tenant-id", "TENANT", "--no-browser"), {}, ("App",)),
        (("--no-browser",), {"AZURE_TENANT_ID": "TENANT"}, ("App",)),
        (("--no-browser",), {"AZURE_CLIENT_ID": "PUBLIC", "AZURE_TENANT_ID": "TENANT"}, ()),
        (("--client-id", "PUBLIC", "--tenant-id", "TENANT", "--no-browser"), {}, ()),
    ],
)
def test_only_missing_things_are_asked_for(
    entra: Command, words: tuple[str, ...], environ: dict[str, str], questions: tuple[str, ...]
) -> None:
    """
    No question is about a value that an option or a variable gives; if nothing is missing, nothing is asked or printed.
    """
    ids = {"PUBLIC": entra.tenant.public_client, "TENANT": entra.tenant.tenant_id}
    entra.environ |= {name: ids[value] for name, value in environ.items()}
    answers = {"App": ids["PUBLIC"], "Tenant": ids["TENANT"], "How": "1"}

    given = "".join(f"{answers[one]}\n" for one in questions)
    result = asked(entra, *(ids.get(word, word) for word in words), given=given)

    assert 0 == result.code, result.error
    assert list(questions) == re.findall(r"(?:^|: )(App|Tenant|How)\b", result.error.partition("Connected as")[0])
    assert bool(questions) == ("does the same" in result.error)


def test_an_app_is_asked_for_its_secret_or_certificate(
    entra: Command, typed: Callable[[str], None], tmp_path: Path
) -> None:
    """
    For an app with its own client id the ways of apps are offered; a path with a space is quoted.
    """
    tenant = entra.tenant
    typed(tenant.client_secret)
    file = tmp_path / "my app.pem"
    file.write_text(tenant.certificate_pem + tenant.private_key_pem)
    ids = f"{tenant.confidential_client}\n{tenant.tenant_id}\n"

    secret = asked(entra, given=f"{ids}3\n")
    certificate = asked(entra, given=f"{ids}4\n{file}\n")

    assert (0, 0) == (secret.code, certificate.code), secret.error + certificate.error
    assert "--client-secret" == printed(secret.error)[-1]
    assert ["--certificate-path", str(file)] == printed(certificate.error)[-2:]
    assert tenant.client_secret not in secret.error


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("", "Nothing was answered: standard input has ended."),
        ("\n\n", "--tenant-id is missing."),
        ("\ncontoso.com\n3\n", "The answer is not a number from 1 to 2."),
        ("\ncontoso.com\nx\n", "The answer is not a number from 1 to 2."),
        (f"{'a' * 8}-2222-3333-4444-555555555555\ncontoso.com\n4\n\n", "The certificate file is missing."),
    ],
)
def test_an_answer_that_is_missing_or_wrong_ends_the_command(entra: Command, given: str, problem: str) -> None:
    """
    The error names the option to give instead, and nothing is sent.
    """
    sent = len(entra.tenant.journal.entries)

    result = asked(entra, given=given)

    assert 2 == result.code
    assert problem in result.error
    assert "--" in result.error.rpartition("Next:")[2]
    assert sent == len(entra.tenant.journal.entries)


@pytest.mark.parametrize(("words", "terminal"), [((), False), (("--json",), True)])
def test_without_a_terminal_nothing_is_asked(entra: Command, words: tuple[str, ...], *, terminal: bool) -> None:
    """
    In a pipe and with `--json`, the missing option is an error, as before.
    """
    result = asked(entra, *words, given="Graph\n", terminal=terminal)

    assert 2 == result.code
    assert "--client-id is missing." in result.error
    assert "App:" not in result.error


def test_the_questions_on_a_real_terminal(entra: Command) -> None:
    """
    In a pseudo-terminal a user answers all questions and confirms the sign-in. The printed command is pasted into a
    shell and signs in again.
    """
    tenant = entra.tenant
    person = tenant.person()
    entra.environ["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    words = ["entra", "connect", "--authority-url", tenant.url, "--ca-bundle", tenant.ca_path]
    answers = [("[Graph]: ", f"{tenant.public_client}\n"), ("contoso.com: ", f"{tenant.tenant_id}\n")]

    text = on_terminal(words, entra.environ, [*answers, ("[2]: ", "\n")], person.approve_device)
    line = shlex.join(printed(text.replace("\r\n", "\n")))
    again = on_terminal(["sh", "-c", line], entra.environ, [], person.approve_device)

    assert f"Connected as {person.upn}" in text
    assert f"Connected as {person.upn}" in again
    assert "[Graph]" not in again


def on_terminal(
    words: list[str], environ: dict[str, str], answers: list[tuple[str, str]], approve: Callable[[str], object]
) -> str:
    """Run a program in a pseudo-terminal, type answers after their questions, and return what it shows.

    The device code is approved, and the question at the end is answered with yes.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True)
    os.close(slave)
    text, waiting, is_approved = "", [*answers, ("[y/N] ", "y\n")], False
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    text += os.read(master, 65536).decode()
                except OSError:
                    break
            if waiting and text.endswith(waiting[0][0]):
                os.write(master, waiting.pop(0)[1].encode())
            code = re.search(r"\b([A-Z0-9]{8,9})\b(?=\W)", text.rpartition("device")[2])
            if code and not is_approved:
                approve(code[1])
                is_approved = True
    finally:
        os.close(master)
        process.kill()
        process.wait()
    return text
