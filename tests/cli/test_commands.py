"""The commands on kept connections: results on standard output, talk on standard error, exit codes that tell."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrakit.cli.command_table import COMMANDS, EXIT_CODES
from entrakit.cli.options.durations import describe_duration, parse_duration
from entrakit.cli.parser import parser_of
from entrakit.errors import EntraError, ParameterError
from entrakit_emulator import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Command

ENTRA = Path(sys.executable).with_name("entra")


def test_token_prints_the_token_and_nothing_else(connected: Command) -> None:
    """
    Raw by default, a header or the object where that is asked; no network for a fresh token.
    """
    asked = len(connected.tenant.journal.entries)

    raw, header = connected("token"), connected("token", "--output", "header")
    whole = connected("token", "--json")

    assert (0, "") == (raw.code, raw.error)
    assert raw.output.startswith("eyJ")
    assert f"Authorization: Bearer {raw.output}" == header.output
    assert raw.output.strip() == json.loads(whole.output)["access_token"]
    assert asked == len(connected.tenant.journal.entries)


def test_token_warns_a_person(connected: Command) -> None:
    """
    On a terminal a line reminds that whoever sees it can use it (checklist 47).
    """
    assert "anyone who sees this token" in connected("token", terminal=True).error


def test_token_renews_what_would_end_too_soon(connected: Command) -> None:
    """
    `--min-validity` and `--claims` get a new token; `--scope` one of another resource.
    """
    asked = len(connected.tenant.journal.of("token"))

    assert 0 == connected("token", "--min-validity", "10h").code
    assert 0 == connected("token", "--claims", "e30").code
    assert 0 == connected("token", "--scope", "https://vault.azure.net/.default").code
    assert asked + 3 == len(connected.tenant.journal.of("token"))


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("token", "--name", "defualt"), 3, "Did you mean 'default'?"),
        (("token", "--min-validity", "soon"), 2, "is not a duration"),
        (("token", "--claims", "{"), 2, "challenge"),
        (("tokn",), 2, "Did you mean token?"),
        (("token", "--outptu", "raw"), 2, "Did you mean --output?"),
        (("token", "--output", "xml"), 2, "raw"),
        (("token", "-o", "xml"), 2, "Next: Try `curl"),
        (("token", "extra"), 2, "Too many arguments"),
        (("--debug",), 2, "requires a command"),
        (("use", "nobody"), 3, "Kept: default"),
        (("use",), 2, "NAME"),
        (("disconnect", "nobody"), 3, "entra status"),
        (("disconnect", "a", "--all"), 2, "not both"),
        (("status", "--name", "nobody"), 3, "nobody"),
        (("completion", "tcsh"), 2, "bash"),
    ],
)
def test_what_is_typed_wrong_is_answered(connected: Command, words: tuple[str, ...], code: int, expected: str) -> None:
    """
    The nearest command, option or name, an example, and the exit code that fits.
    """
    result = connected(*words)

    assert code == result.code
    assert expected in result.error
    assert "" == result.output


def test_without_a_connection_there_is_a_command_to_type(entra: Command) -> None:
    """
    A new user reads what to do.
    """
    for words in (("token",), ("status",), ("inspect",), ("disconnect",)):
        result = entra(*words)

        assert 3 == result.code
        assert "entra" in result.error


def test_trouble_has_its_exit_code(connected: Command) -> None:
    """
    Network and throttling can be told apart from denial (checklist 54).
    """
    connected.tenant.faults.add(faults.Throttle(endpoint="token", retry_after=3600, times=None))
    assert 7 == connected("token", "--min-validity", "10h").code
    connected.tenant.faults.clear()
    connected.tenant.faults.add(faults.CaptivePortal(endpoint="token", times=None))
    assert 6 == connected("token", "--claims", "e30").code
    del connected.environ["AZURE_CLIENT_SECRET"]


def test_status_lists_without_network(connected: Command) -> None:
    """
    Flow, tenant, account, end, and how it is kept; a table for people, tabs for a pipe, JSON for programs.
    """
    connected.connect("--name", "other", app=True)
    asked = len(connected.tenant.journal.entries)

    piped, drawn, whole = connected("status"), connected("status", terminal=True), connected("status", "--json")

    lines = [line.split("\t") for line in piped.output.splitlines()]
    assert ["", "NAME", "FLOW", "ACCOUNT", "TENANT", "TOKEN", "CLOUD"] == lines[0]
    assert ["*", "default", "secret"] == lines[1][:3]
    assert lines[1][5].startswith("fresh (")
    assert "key file" in piped.error
    assert all(len(line) <= 80 for line in drawn.output.splitlines())
    assert ["default", "other"] == [one["name"] for one in json.loads(whole.output)]
    assert {"state": "fresh", "key_from": "file", "current": True}.items() <= json.loads(whole.output)[0].items()
    assert asked == len(connected.tenant.journal.entries)
    assert 1 == len(json.loads(connected("status", "--json", "--name", "other").output))


def test_status_names_what_redirects(connected: Command) -> None:
    """
    Variables that change where credentials go are shown (checklist 53).
    """
    connected.environ["HTTPS_PROXY"] = "http://proxy"

    assert "HTTPS_PROXY is set" in connected("status").error


def test_status_tells_damage(connected: Command, private_home: Path) -> None:
    """
    An entry that can't be read is listed as damaged, and hides no other.
    """
    (private_home / "connections" / "other.json").write_text("{}")
    (private_home / "connections" / "other.json").chmod(0o600)

    result = connected("status")
    assert "damaged" in result.output
    assert "fresh" in result.output


def test_use_chooses(connected: Command) -> None:
    """
    The chosen connection is the one that commands mean.
    """
    connected.connect("--name", "other", app=True)

    assert 0 == connected("use", "other", "--json").code
    assert "*\tother" in connected("status").output


def test_disconnect_leaves_nothing(connected: Command, private_home: Path) -> None:
    """
    After disconnect no file of the connection is left, and none holds its token (checklist 43).
    """
    token = connected("token").output.strip()

    result = connected("disconnect", "--json")

    assert ["default"] == json.loads(result.output)["disconnected"]
    assert [] == list((private_home / "connections").iterdir())
    for path in private_home.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()


def test_disconnect_all(connected: Command) -> None:
    """
    `--all` removes all, and says so where there is nothing.
    """
    connected.connect("--name", "other", app=True)
    damaged = Path(connected.environ["ENTRAKIT_HOME"]) / "connections" / "other.json"
    damaged.write_text("{")
    assert 8 == connected("token", "--name", "other").code

    assert "default, other" in connected("disconnect", "--all").error
    assert [] == list(damaged.parent.iterdir())
    assert "There are no saved connections" in connected("disconnect", "--all").error


def test_inspect_says_it_in_words(connected: Command) -> None:
    """
    For what, on whose behalf, until when, and each permission in words.
    """
    result = connected("inspect")

    assert 0 == result.code
    for words in ("Microsoft Graph", "the app itself", "User.Read.All", "read all profiles of users", "Ends:"):
        assert words in result.output
    assert "eyJ" not in result.output


def test_inspect_requires(connected: Command) -> None:
    """
    `--require` exits with 9 where the permission is missing, and names it.
    """
    assert 0 == connected("inspect", "--require", "user.read.all").code
    missing = connected("inspect", "--require", "Mail.Send", "--json")
    assert 9 == missing.code
    assert "Mail.Send" in missing.error
    assert "User.Read.All" in [one["name"] for one in json.loads(missing.output)["permissions"]]


def test_inspect_reads_a_token_from_standard_input(entra: Command) -> None:
    """
    Any token can be inspected; one that can't be read says why, and is no error.
    """
    result = entra("inspect", "--token-stdin", given="Bearer opaque\n")

    assert 0 == result.code
    assert "opaque" in result.error


def test_help_fits_the_screen(entra: Command) -> None:
    """
    Every command has help with an example, within 80 columns.
    """
    pages = [entra("--help"), entra(), entra("help"), *(entra(command.name, "--help") for command in COMMANDS)]

    for page in pages:
        assert 0 == page.code
        assert all(len(line) <= 80 for line in page.output.splitlines()), page.output
    for command, page in zip(COMMANDS, pages[3:], strict=True):
        assert command.example.split()[0] in page.output
        assert "Example:" in page.output


def test_the_version(entra: Command) -> None:
    """
    `entra --version` says which one this is.
    """
    from entrakit import __version__

    assert f"entra {__version__}\n" == entra("--version").output


def test_exit_codes_are_those_of_the_errors() -> None:
    """
    Each error of the tree ends with an exit code that is documented.
    """

    def all_of(kind: type[EntraError]) -> Iterator[type[EntraError]]:
        yield kind
        for sub in kind.__subclasses__():
            yield from all_of(sub)

    assert {kind.exit_code for kind in all_of(EntraError)} <= {code for code, _ in EXIT_CODES}


def test_an_interrupt_ends_with_130(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Ctrl-C ends at once, without a traceback, and nothing is kept (checklist 22).
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("entrakit.cli.commands.connect._show_code", interrupt)

    result = entra.connect("--device-code")

    assert 130 == result.code
    assert "Traceback" not in result.error
    assert 3 == entra("token").code


def test_what_should_not_happen_is_told(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A defect of ours ends with 1 and a way to report it; its traceback only with --debug, secrets masked.
    """

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("client_secret=canary-secret")

    monkeypatch.setattr("entrakit.connections.list_connections", fail)

    quiet, loud = entra("status"), entra("status", "--debug")

    assert (1, 1) == (quiet.code, loud.code)
    assert "--debug" in quiet.error
    assert "Traceback" in loud.error
    assert "canary" not in quiet.error + loud.error


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_knows_every_command_and_option(entra: Command, shell: str) -> None:
    """
    The scripts are made from the table, so they have all that there is.
    """
    script = entra("completion", shell).output

    for command in COMMANDS:
        assert command.name in script
        for option in parser_of(command).options():
            assert option.removeprefix("--") in script
    assert not re.search(r"%\(", script)


def test_bash_completes(entra: Command, tmp_path: Path) -> None:
    """
    Real bash takes the script and completes commands, options and values.
    """
    script = tmp_path / "completion"
    script.write_text(entra("completion", "bash").output)

    def complete(*words: str) -> list[str]:
        program = (
            f". {script}; COMP_WORDS=({' '.join(words)} ''); COMP_CWORD={len(words)}; "
            'COMP_WORDS[COMP_CWORD]="$1"; _entra; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", program, "bash", ""], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert {command.name for command in COMMANDS} <= set(complete("entra"))
    assert "--device-code" in complete("entra", "connect")
    assert ["raw", "json", "header"] == complete("entra", "token", "--output")


@pytest.mark.parametrize(("shell", "check"), [("zsh", ["-n"]), ("fish", ["--no-execute"])])
def test_other_shells_parse_their_script(entra: Command, tmp_path: Path, shell: str, check: list[str]) -> None:
    """
    Where the shell is installed, it finds no error in its script; the script is well-formed text elsewhere.
    """
    script = tmp_path / "completion"
    script.write_text(entra("completion", shell).output)
    if shutil.which(shell):
        subprocess.run([shell, *check, str(script)], check=True, capture_output=True)

    assert "entra" in script.read_text()


def test_demo_is_green(entra: Command) -> None:
    """
    All five flows sign in on the embedded tenant, and each token is used once.
    """
    result = entra("demo", "--no-browser", "--json")

    rows = json.loads(result.output)
    assert 0 == result.code, result.error
    assert ["browser", "device code", "certificate", "secret", "password"] == [row["flow"] for row in rows]
    assert all(row["result"].startswith("ok") for row in rows)


def test_the_emulator_runs_until_it_is_ended(private_home: Path) -> None:
    """
    `entra emulator --json` says where it is in one line, and ends cleanly on SIGTERM.
    """
    with subprocess.Popen([ENTRA, "emulator", "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        assert Path(facts["ca_path"]).exists()
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(10)

    assert facts["url"].startswith("https://localhost:")
    assert not Path(facts["ca_path"]).exists()


def test_a_pipe_that_closes_is_no_error(private_home: Path) -> None:
    """
    `entra --help | head -1` ends quietly.
    """
    done = subprocess.run(
        ["bash", "-c", f"{ENTRA} --help | head -1"], capture_output=True, text=True, check=True, env=dict(os.environ)
    )

    assert "usage: entra COMMAND [options]\n" == done.stdout
    assert "" == done.stderr


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600), ("0", 0)])
def test_spans_are_typed_with_units(text: str, seconds: float) -> None:
    """
    Seconds, or a number with its unit.
    """
    assert seconds == parse_duration(text)
    with pytest.raises(ParameterError):
        parse_duration(f"-{text}x")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 s"), (59, "59 s"), (60, "1 min"), (3500, "58 min"), (7300, "2 h"), (-200000, "2 days ago")],
)
def test_spans_are_read_in_words(seconds: float, words: str) -> None:
    """
    The largest unit of which there are two.
    """
    assert words == describe_duration(seconds)


@pytest.mark.parametrize(
    "words",
    [
        ["connect", "--client-secret-stdin=canary"],
        ["connect", "--port", "canary"],
        ["token", "--output", "canary"],
        ["connect", "--no-such-option", "canary"],
        ["connect", "--password=canary"],
        ["token", "canary"],
    ],
)
def test_what_is_typed_in_the_wrong_place_is_not_repeated(entra: Command, words: list[str]) -> None:
    """
    A value where none belongs may be a secret: the error does not show it.
    """
    result = entra(*words)

    assert 2 == result.code
    assert "canary" not in result.error


def test_names_are_matched_in_any_case(connected: Command) -> None:
    """
    Case does not distinguish connections, in no command.
    """
    assert 0 == connected("status", "--name", "DEFAULT").code
    assert 0 == connected("token", "--name", "Default").code


@pytest.mark.parametrize("ending", [">&-", ">/dev/full"])
def test_an_output_that_cannot_be_written(private_home: Path, ending: str) -> None:
    """
    A full output is told, and one that is closed: what nobody could read must not pass for read.
    """
    done = subprocess.run(
        ["bash", "-c", f"{ENTRA} --version {ending}"], capture_output=True, text=True, check=False, env=dict(os.environ)
    )

    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    assert "can't be written" in done.stderr


def test_permissions_may_be_listed_with_commas(connected: Command) -> None:
    """
    `--require A,B` asks for both.
    """
    assert 0 == connected("inspect", "--require", "User.Read.All,Group.Read.All").code
    assert "lacks Mail.Send." in connected("inspect", "--require", "User.Read.All,Mail.Send").error


def test_a_program_that_asked_for_json_gets_nothing_else(connected: Command) -> None:
    """
    With `--json` standard error has errors only, as JSON.
    """
    for words in (("status",), ("use", "default"), ("inspect",), ("disconnect",)):
        result = connected(*words, "--json")

        assert "" == result.error
        json.loads(result.output)
    error = connected("token", "--json").error
    assert "NotConnectedError" == json.loads(error)["error"]["kind"]


def test_the_emulator_tells_a_person_where_it_is(private_home: Path) -> None:
    """
    Without `--json` it prints addresses, ids and the command to type, and ends cleanly on Ctrl-C.
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


def test_the_emulator_needs_its_extra_and_its_port(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A port that is taken, and a missing extra, are told with what to do.
    """
    busy = int(entra.tenant.url.rpartition(":")[2])
    assert "Can't listen on port" in entra("emulator", "--port", str(busy)).error
    monkeypatch.setitem(sys.modules, "entrakit_emulator", None)
    assert "pip install 'entrakit[emulator]'" in entra("demo").error


def test_a_demo_that_fails_says_where(entra: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A flow that fails is a row with its reason, and the exit code is not 0.
    """
    from entrakit.cli.commands import demo

    entra.tenant.faults.add(faults.Refusal(endpoint="token", code=53003, times=None))
    entra.tenant.clock.reset()
    monkeypatch.setattr(demo, "start", lambda: entra.tenant)
    monkeypatch.setattr(entra.tenant, "stop", lambda: None, raising=False)
    entra.tenant.seed.change_settings({"device_interval_s": 1})

    result = entra("demo", "--no-browser")

    assert 1 == result.code
    assert 5 == result.output.count("failed: The tenant's conditional access policy")
    assert "failed: HTTP 403" == demo._described(403, "{}")


def test_a_closed_stream_is_no_terminal() -> None:
    """
    A stream that was closed is asked nothing.
    """
    import io

    from entrakit.cli.context import Context, Streams

    closed = io.StringIO()
    closed.close()

    assert not Context(Streams(closed, closed, closed), {}).is_terminal(closed)


def test_nothing_on_standard_input_is_told(entra: Command) -> None:
    """
    A secret that was to come on standard input and did not is told, and so is the line that was to be pasted.
    """
    assert "is empty" in entra.connect("--client-secret-stdin", app=True).error
    assert "standard input has ended" in entra.connect("--paste").error
