"""`entra request`: output, confirmations, refusals and files."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.graph.conftest import DETAILED, USERS, Answer, Fault, GraphServer, kind_of

from entrakit.cli import main
from entrakit.cli.context import Streams

if TYPE_CHECKING:
    from tests.cli.conftest import Command, GraphCommand

ENTRA = Path(sys.executable).with_name("entra")


def environment(graph: GraphCommand) -> dict[str, str]:
    """Return the environment of a process that uses the same connection."""
    return {**os.environ, **graph.command.environ}


def answering(server: GraphServer, path: str, answer: Answer) -> None:
    """Change the response of a server at one path."""
    usual = server.answer

    def answer_to(method: str, target: str, body: bytes) -> Answer:
        return answer if target.partition("?")[0] == path else usual(method, target, body)

    server.answer = answer_to  # type: ignore[method-assign] # the test's own server


def test_one_object_is_printed_as_json(graph: GraphCommand) -> None:
    """
    An object is printed as indented JSON on standard output, without any message.
    """
    result = graph("request", "GET", "/users/id-0001")

    assert (0, "") == (result.code, result.error)
    assert {"id": "id-0001", "userPrincipalName": "b0001@contoso.com"} == json.loads(result.output)
    assert result.output.startswith('{\n  "id"')


def test_the_embedded_tenant_answers(connected: Command) -> None:
    """
    `entra connect --graph-url` can select the Graph of the embedded tenant.
    """
    given = ("--graph-url", connected.tenant.url)
    assert 0 == connected.connect(*given, "--name", "here", app=True).code

    result = connected("request", "GET", "/organization", "--name", "here")

    assert 0 == result.code, result.error
    assert connected.tenant.tenant_id == json.loads(result.output)["value"][0]["id"]


def test_a_page_is_printed_as_it_is_and_said_to_be_one(graph: GraphCommand) -> None:
    """
    Without --all the response is printed with its next link, and a note says that more objects exist. --quiet hides
    the note.
    """
    result = graph("request", "get", "users")
    quiet = graph("request", "GET", "/users", "--quiet")

    assert 50 == len(json.loads(result.output)["value"])
    assert "@odata.nextLink" in result.output
    assert "first 50" in result.error
    assert "--all" in result.error
    assert "" == quiet.error


@pytest.mark.parametrize("parallel", [(), ("--parallel", "4")])
@pytest.mark.parametrize("form", ["json", "ndjson", "csv", "table"])
def test_all_pages_come_in_every_form(graph: GraphCommand, form: str, parallel: tuple[str, ...]) -> None:
    """
    Every format has each object once, whether pages are read one after another or in parallel.
    """
    result = graph("request", "GET", "/users", *(parallel or ["--all"]), "--output", form, "--select", "id")

    assert (0, "") == (result.code, result.error)
    if form == "json":
        found = [one["id"] for one in json.loads(result.output)]
    elif form == "ndjson":
        found = [json.loads(line)["id"] for line in result.output.splitlines()]
    elif form == "csv":
        found = [row["id"] for row in csv.DictReader(io.StringIO(result.output, newline=""))]
    else:
        found = [line.split()[0] for line in result.output.splitlines()[1:]]
    assert sorted(user["id"] for user in graph.server.users) == sorted(found)
    assert all("%24select=id" in path or "$select=id" in path for path in graph.server.paths("list")[:1])


def test_a_round_number_of_objects(graph: GraphCommand) -> None:
    """
    Objects that are read in parallel arrive in chunks; the last one may be full.
    """
    del graph.server.users[200:]

    result = graph("request", "GET", "/users", "--parallel", "2", "--output", "ndjson")

    assert 200 == len(set(result.output.splitlines()))


def test_nothing_is_printed_for_no_content(graph: GraphCommand, tmp_path: Path) -> None:
    """
    204 prints nothing, and writes no file.
    """
    result = graph("request", "DELETE", "/users/id-0001", "--out", str(tmp_path / "none.json"))

    assert (0, "") == (result.code, result.output)
    assert "was not written" in result.error
    assert [] == [one for one in tmp_path.iterdir() if "none" in one.name]


@pytest.mark.parametrize(("status", "code"), [(404, 11), (403, 9), (400, 10), (429, 7)])
def test_exit_codes_tell_refusals_apart(graph: GraphCommand, status: int, code: int) -> None:
    """
    Each kind of refusal has its own exit code, nothing on standard output, and its ids.
    """
    body = {"error": {"code": "Said_No", "message": "No."}}
    answering(graph.server, "/v1.0/me", Answer(status, body, {"retry-after": "86400"}))

    result = graph("request", "GET", "/me")
    as_json = graph("request", "GET", "/me", "--json")

    assert (code, "") == (result.code, result.output)
    assert "Request id: r-1" in result.error
    assert code == json.loads(as_json.error)["error"]["exit_code"]


class TestWrites:
    """Confirmation of writes."""

    BODY = '{"displayName": "new"}'

    @pytest.mark.parametrize(("typed", "done"), [("y\n", 1), ("yes\n", 1), ("n\n", 0), ("\n", 0), ("", 0), ("ja\n", 0)])
    def test_a_person_is_asked(self, graph: GraphCommand, typed: str, done: int) -> None:
        """
        Method, address and size of the body are shown on standard error; any answer but yes sends nothing.
        """
        result = graph("request", "POST", "/users", "--body", self.BODY, given=typed, terminal=True)

        assert done == graph.server.effects["create new"]
        assert (0 if done else 130) == result.code
        assert f"POST {graph.server.url}/v1.0/users\nbody: 22 bytes\nSend it? [y/N]" in result.error
        assert "new" not in result.error
        assert bool(done) is bool(result.output)

    @pytest.mark.parametrize(("words", "terminal"), [(("--yes",), True), (("-y",), True), ((), False)])
    def test_nobody_else_is_asked(self, graph: GraphCommand, words: tuple[str, ...], terminal: bool) -> None:
        """
        With --yes, and without a terminal, the request is sent at once.
        """
        result = graph("request", "POST", "/users", "--body", self.BODY, *words, terminal=terminal)

        assert (0, "") == (result.code, result.error)
        assert 1 == graph.server.effects["create new"]

    def test_a_get_never_asks(self, graph: GraphCommand) -> None:
        """
        A read needs no confirmation.
        """
        assert 0 == graph("request", "GET", "/users/id-0001", terminal=True).code

    def test_what_if_shows_the_exact_request(self, graph: GraphCommand) -> None:
        """
        `--what-if` prints method, address, header fields without the token, and body; nothing is sent.
        """
        words = ("request", "PATCH", "/users/id-0001", "--body", '{"city":"Köln"}', "--header", "If-Match:*",
                 "--query", "a=b c", "--what-if")  # fmt: skip
        asked = len(graph.server.asked)

        result, as_json = graph(*words), graph(*words, "--json")

        lines = result.output.splitlines()
        assert f"PATCH {graph.server.url}/v1.0/users/id-0001?a=b%20c" == lines[0]
        assert "if-match: *" in lines
        assert ["", '{"city":"Köln"}'] == lines[-2:]
        assert "authorization" not in result.output.lower()
        assert "Nothing was sent" in result.error
        photo = graph("request", "PUT", "/me/photo", "--body", "no json", "--header", "Content-Type:image/png",
                      "--what-if", "--json")  # fmt: skip
        assert "no json" == json.loads(photo.output)["body"]
        value = json.loads(as_json.output)
        assert ("PATCH", {"city": "Köln"}) == (value["method"], value["body"])
        assert asked == len(graph.server.asked)

    def test_a_write_is_done_once_even_if_its_answer_is_lost(self, graph: GraphCommand) -> None:
        """
        A write that may have been done is not repeated, and the error says so.
        """
        graph.server.faults = [Fault("write", "done-reset")]

        result = graph("request", "POST", "/users", "--body", self.BODY)

        assert 14 == result.code
        assert 1 == graph.server.effects["create new"]

    def test_the_file_is_there_before_the_write(self, graph: GraphCommand, tmp_path: Path) -> None:
        """
        The response of a write can't be read again, so an unwritable file is reported before the request is sent.
        """
        result = graph("request", "POST", "/users", "--body", self.BODY, "--out", str(tmp_path / "no" / "such"))

        assert 1 == result.code
        assert "can't be written" in result.error
        assert 0 == graph.server.effects["create new"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("GET", "/users", "--body", "{}"), "has no body"),
        (("POST", "/users", "--all"), "require GET"),
        (("GET", "/users", "--parallel", "0"), "1 to 32"),
        (("GET", "/users", "--parallel", "many"), "is not an integer"),
        (("GET", "/users", "--query", "$top"), "NAME=VALUE"),
        (("GET", "/users", "--query", "$top=1", "--top", "2"), "given twice"),
        (("GET", "/users?$top=1", "--top", "2"), "given twice"),
        (("GET", "/users", "--query", "a=1", "--query", "a=2"), "given twice"),
        (("GET", "/users", "--header", "Prefer"), "NAME:VALUE"),
        (("GET", "/users", "--header", "Prefer:a", "--header", "prefer:b"), "given twice"),
        (("GET", "/users", "--header", "Authorization: Bearer canary"), "is set by entrakit"),
        (("GET", "/users", "--key-vault", "contoso"), "--service key-vault"),
        (("GET", "/users", "--vault", "contoso"), "--service key-vault"),
        (("GET", "/users", "--service", "grahp"), "invalid value"),
        (("GET", "/users/ada_x.com#EXT#@contoso.com"), "%23"),
        (("GET", "/users/a b"), "%20"),
        (("GET", "C:/Program Files/Git/users"), "MSYS_NO_PATHCONV"),
        (("GET", ""), "path is empty"),
        (("GET", "https://evil.example/v1.0/users"), "evil.example"),
        (("GET", "/users", "--output", "table", "--out", "users.txt"), "cuts values off"),
        (("G E T", "/users"), "The method must be one of"),
        (("GETT", "/users"), "The method must be one of"),
        (("GET", "/users?=id"), "without a name"),
        (("GET", "/users?=accountEnabled eq false"), "single quotes"),
        (("GET", "/users", "--top", "0"), "top"),
        (("GET", "/users", "--query", "a=1", "--query", "a=2"), "twice, both in --query"),
        (("GET", "/users", "--out", ""), "names no file"),
        (("GET", "http://localhost:1/users", "--service-url", "https://localhost:1", "--resource", "r"), "https"),
        (("GET", "/x", "--service-url", "https://u:canary@localhost:1/api", "--resource", "r"), "not the address"),
        (("POST", "/users", "--body", '{"a":1,"a":2}'), "has the same name twice"),
        (("POST", "/users", "--body", ""), "is empty"),
        (("POST", "/users", "--body", "@"), "names no file"),
    ],
)  # fmt: skip
def test_what_can_not_be_right_is_refused(graph: GraphCommand, words: tuple[str, ...], expected: str) -> None:
    """
    Invalid options are refused before anything is sent, with a remedy, within 80 columns where possible, and without
    secrets.
    """
    asked = len(graph.server.asked)

    result = graph("request", *words)

    assert (2, "") == (result.code, result.output)
    assert expected in result.error
    assert "canary" not in result.error
    assert asked == len(graph.server.asked)


class TestFiles:
    """`--out`."""

    @pytest.mark.parametrize("name", ["users.json", "users.ndjson", "users.jsonl", "users.csv"])
    def test_the_name_says_the_form(self, graph: GraphCommand, tmp_path: Path, name: str) -> None:
        """
        The file appears complete and private, no other file is left, and a message has the number of objects.
        """
        file = tmp_path / "out" / name
        file.parent.mkdir()

        result = graph("request", "GET", "/users", "--all", "--out", str(file))

        assert (0, "") == (result.code, result.output)
        assert f"{file}: 230 objects.\n" == result.error
        assert [name] == [one.name for one in file.parent.iterdir()]
        assert 0o600 == file.stat().st_mode & 0o777
        text = file.read_text(encoding="utf-8")
        counted = {"json": lambda: len(json.loads(text)), "csv": lambda: len(text.splitlines()) - 1}
        assert USERS == counted.get(name.rpartition(".")[2], lambda: len(text.splitlines()))()

    @pytest.mark.parametrize("name", ["users.json", "users.csv"])
    def test_a_failure_leaves_the_old_file(self, graph: GraphCommand, tmp_path: Path, name: str) -> None:
        """
        The old file stays until the new one is complete; the same command continues from the file next to it.
        """
        file = tmp_path / "out" / name
        file.parent.mkdir()
        file.write_text("old")
        graph.server.faults = [Fault("list", "400", skip=2)]

        result = graph("request", "GET", "/users", "--all", "--out", str(file))

        assert 10 == result.code
        assert "old" == file.read_text()
        beside = [name, f"{name}.lines.part", f"{name}.lines.part.notes"]
        assert beside == sorted(one.name for one in file.parent.iterdir())

    @pytest.mark.parametrize("form", ["ndjson", "json", "csv"])
    @pytest.mark.parametrize("page", [2, 3, 4])
    def test_a_listing_that_was_killed_goes_on(self, graph: GraphCommand, tmp_path: Path, page: int, form: str) -> None:
        """
        After a run was killed at any page, the next run ends with the same file as an undisturbed one. It reads only
        the page that was being written again.
        """
        whole, file = tmp_path / f"whole.{form}", tmp_path / f"killed.{form}"
        assert 0 == graph("request", "GET", "/users", "--all", "--out", str(whole)).code
        reached, killed = threading.Event(), threading.Event()
        usual, seen = graph.server.answer, len(graph.server.paths("list"))

        def answer(method: str, target: str, body: bytes) -> Answer:
            if len(graph.server.paths("list")) - seen == page + 1:
                reached.set()
                killed.wait(10)
            return usual(method, target, body)

        graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
        words = [str(ENTRA), "request", "GET", "/users", "--all", "--out", str(file)]
        process = subprocess.Popen(words, env=environment(graph))
        assert reached.wait(15)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        killed.set()
        assert not file.exists()
        before = len(graph.server.paths("list"))

        result = graph("request", "GET", "/users", "--all", "--out", str(file))

        assert 0 == result.code, result.error
        assert whole.read_bytes() == file.read_bytes()
        assert [file.name] == [one.name for one in tmp_path.iterdir() if one.name.startswith("killed")]
        assert len(graph.server.paths("list")) - before in (5 - page, 6 - page)
        assert "of them by an earlier run" in result.error

    @pytest.mark.parametrize("name", ["users.csv", "users.json"])
    def test_a_full_disk_is_told(self, graph: GraphCommand, tmp_path: Path, name: str) -> None:
        """
        The error names the file; the next run continues what was written.
        """
        out = tmp_path / "out"
        out.mkdir()
        # Python 3.11 stores bytecode that the limit has truncated, and every later process fails to load it.
        words = (
            f"export PYTHONDONTWRITEBYTECODE=1; ulimit -f 1; exec {ENTRA} request GET /users --all --out {out / name}"
        )
        # The file limit applies to the measurement of coverage, too.
        unmeasured = {name: value for name, value in environment(graph).items() if not name.startswith("COV")}

        done = subprocess.run(["sh", "-c", words], env=unmeasured, capture_output=True, text=True, check=False)

        assert 1 == done.returncode
        assert f"{out / name}.lines.part can't be written: File too large." in done.stderr
        assert not (out / name).exists()

    def test_a_directory_is_no_file(self, graph: GraphCommand, tmp_path: Path) -> None:
        """
        A directory is refused before a request is sent.
        """
        result = graph("request", "GET", "/users", "--out", str(tmp_path))

        assert 1 == result.code
        assert "it is a directory" in result.error


@pytest.mark.parametrize(
    ("words", "kind", "expected"),
    [
        (("request", "GET", "/users", "--all", "--out", "{out}/users.ndjson"), "list", "the same command continues"),
        (("request", "GET", "/users", "--all", "--out", "{out}/users.csv"), "list", "the same command continues"),
        (("request", "GET", "/users", "--all"), "list", "the printed result is incomplete"),
        (("request", "GET", "/users/id-0001"), "get", "nothing was changed"),
        (("request", "DELETE", "/users/id-0001"), "write", "not known whether the request was done"),
        (
            ("delta", "/users/delta", "--session", "{out}/session"),
            "delta",
            "the next run repeats the changes that were not delivered",
        ),
    ],
)
def test_an_interruption_says_what_it_leaves(
    graph: GraphCommand, tmp_path: Path, words: tuple[str, ...], kind: str, expected: str
) -> None:
    """
    Ctrl-C exits with 130 and reports the effect on this command.
    """
    reached, interrupted = threading.Event(), threading.Event()
    usual = graph.server.answer

    def answer(method: str, target: str, body: bytes) -> Answer:
        if kind_of(method, target) == kind and len(graph.server.paths(kind)) == (2 if kind in ("list", "delta") else 1):
            reached.set()
            interrupted.wait(10)
        return usual(method, target, body)

    graph.server.answer = answer  # type: ignore[method-assign] # the test's own server
    process = subprocess.Popen(
        [str(ENTRA), *(word.format(out=tmp_path) for word in words)],
        env=environment(graph), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert reached.wait(15)
    process.send_signal(signal.SIGINT)
    interrupted.set()
    _, error = process.communicate(timeout=15)

    assert 130 == process.returncode
    assert expected in error
    assert not (tmp_path / "users.csv").exists()


class TestBytes:
    """Responses that are not JSON."""

    PHOTO = b"\xff\xd8\xff\xe0 not text \x00"

    @pytest.fixture
    def photo(self, graph: GraphCommand) -> GraphCommand:
        """Serve a photo."""
        answering(graph.server, "/v1.0/me/photo/$value", Answer(200, self.PHOTO, {"content-type": "image/jpeg"}))
        return graph

    def test_a_terminal_does_not_get_them(self, photo: GraphCommand) -> None:
        """
        The error says how to save the content.
        """
        result = photo("request", "GET", "/me/photo/$value", terminal=True)

        written = photo("request", "POST", "/me/photo/$value", "--yes", terminal=True)

        assert (2, "") == (result.code, result.output)
        assert "--out" in result.error
        assert "The request was done" not in result.error
        assert "The request was done" in written.error

    def test_a_file_and_a_pipe_do(self, photo: GraphCommand, tmp_path: Path) -> None:
        """
        A file and a pipe get the exact bytes.
        """
        file = tmp_path / "photo.jpg"
        raw = io.BytesIO()
        streams = Streams(io.StringIO(), io.TextIOWrapper(raw, encoding="ascii"), io.StringIO())

        assert 0 == photo("request", "GET", "/me/photo/$value", "--out", str(file)).code
        assert 0 == main(("request", "GET", "/me/photo/$value"), streams, photo.command.environ)
        assert self.PHOTO == file.read_bytes() == raw.getvalue()

    def test_numbers_and_text_are_lines(self, graph: GraphCommand) -> None:
        """
        The text of `/$count` is printed as a line.
        """
        assert "230\n" == graph("request", "GET", "/users/$count").output

    def test_a_web_page_is_no_answer(self, graph: GraphCommand) -> None:
        """
        A web page is an error, unless it was requested.
        """
        answering(graph.server, "/v1.0/page", Answer(200, b"<html>hi</html>", {"content-type": "text/html"}))

        refused = graph("request", "GET", "/page")
        wanted = graph("request", "GET", "/page", "--header", "Accept:text/html")

        assert (6, "") == (refused.code, refused.output)
        assert "<html>hi</html>\n" == wanted.output

    def test_an_answer_that_is_cut_off_is_asked_for_again(self, graph: GraphCommand) -> None:
        """
        An incomplete response is requested again and never printed.
        """
        graph.server.faults = [Fault("get", "truncated")]

        assert "id-0001" == json.loads(graph("request", "GET", "/users/id-0001").output)["id"]


def test_a_terminal_is_shown_nothing_that_it_obeys(graph: GraphCommand) -> None:
    """
    Hostile values are harmless in every format; in JSON they still have the same meaning.
    """
    evil = {"id": "1", "name": "\x1b]0;x\x07\x9b2J\u202egnp"}
    raw = json.dumps(evil, ensure_ascii=False).encode()
    answering(graph.server, "/v1.0/evil", Answer(200, raw))
    answering(graph.server, "/v1.0/evils", Answer(200, b'{"value":[' + raw + b"]}"))

    outputs = [
        graph("request", "GET", path, "--output", form, *words, terminal=True).output
        for form in ("json", "ndjson", "csv", "table")
        for path, words in (("/evil", ()), ("/evils", ()), ("/evils", ("--all",)))
    ]

    assert 12 == len([output for output in outputs if output])
    assert not set("\x1b\x07\x9b\u202e") & set("".join(outputs))
    assert evil == json.loads(outputs[0])
    assert [evil] == json.loads(outputs[2])


def test_pipes_get_json_unchanged(graph: GraphCommand) -> None:
    """
    Long and short responses are formatted differently, with the same result: letters and numbers stay as they are.
    """
    value = {"id": "ö", "big": 12345678901234567890, "text": "x" * 70_000}
    answering(graph.server, "/v1.0/long", Answer(200, json.dumps(value, ensure_ascii=False).encode()))

    assert value == json.loads(graph("request", "GET", "/long").output)
    assert '"id": "ö"' in graph("request", "GET", "/long").output


def test_neither_token_nor_body_is_told(graph: GraphCommand) -> None:
    """
    Neither errors nor logs at any level contain the token or the body.
    """
    token = graph.server.valid_token
    body = json.dumps({"displayName": "x", "passwordProfile": {"password": "canary-Pa55"}})
    answering(graph.server, "/v1.0/refused", Answer(400, {"error": {"code": "Bad", "message": "No."}}))

    told = ""
    for words in (("POST", "/users"), ("POST", "/refused"), ("PATCH", "/no/thing")):
        result = graph("request", *words, "--body", body, "--debug")
        told += result.output + result.error
        told += graph("request", *words, "--body", "-", "--verbose", "--json", given=body).error

    assert "answered 400" in told
    assert "canary-Pa55" not in told
    assert token not in told
    assert token.split(".")[2] not in told


def test_a_single_get_loads_little(graph: GraphCommand) -> None:
    """
    `entra request GET /me` loads no decoder, no tables, no threads and no event loop, so that it starts fast.
    """
    program = (
        "import io, os, sys\nfrom entrakit.cli import main\nfrom entrakit.cli.context import Streams\n"
        "out = io.StringIO()\n"
        "assert main(['request', 'GET', '/users/id-0001'], Streams(sys.stdin, out, sys.stderr), os.environ) == 0\n"
        "assert 'id-0001' in out.getvalue()\nprint(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(graph), capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert set() == loaded & {"msgspec", "rich", "concurrent.futures", "asyncio"}
    assert set() == {name for name in loaded if name.startswith("entrakit.cli.")} - {
        "entrakit.cli.command_line",
        "entrakit.cli.command_table",
        "entrakit.cli.commands",
        "entrakit.cli.commands.request",
        "entrakit.cli.configuration",
        "entrakit.cli.context",
        "entrakit.cli.execute",
        "entrakit.cli.logs",
        "entrakit.cli.options",
        "entrakit.cli.options.connection",
        "entrakit.cli.options.output",
        "entrakit.cli.options.query",
        "entrakit.cli.options.request",
        "entrakit.cli.output",
        "entrakit.cli.output.destination",
        "entrakit.cli.output.formats",
        "entrakit.cli.output.single",
        "entrakit.cli.parser",
        "entrakit.cli.work",
    }


def test_a_reader_that_goes_away_is_no_error(graph: GraphCommand) -> None:
    """
    `entra request … | head -1` ends quietly.
    """
    words = f"{ENTRA} request GET /users --all --output ndjson | head -1"

    done = subprocess.run(["sh", "-c", words], env=environment(graph), capture_output=True, text=True, check=True)

    assert ("id-0000", "") == (json.loads(done.stdout)["id"], done.stderr)


def test_the_details_of_a_refusal_are_told(graph: GraphCommand) -> None:
    """
    Text and JSON name the property that is wrong, and why.
    """
    graph.server.faults = [Fault("get", "details", times=2)]

    text = graph("request", "GET", "/users/id-0001")
    error = json.loads(graph("request", "GET", "/users/id-0001", "--json").error)["error"]

    assert 10 == text.code
    assert "displayName: A blocked word: 'payroll'. (ContainsBlockedWord)\n" in text.error
    assert DETAILED["error"]["details"] == error["details"]


CREATE = ("request", "POST", "/users", "--yes", "--body", '{"displayName":"Night"}')


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("done-reset", "The connection to localhost"),
        ("cut", "The connection to localhost"),
        ("500", "HTTP 500"),
        ("502", "HTTP 502"),
        ("html", "with a web page instead of JSON"),
    ],
)
def test_a_write_that_may_have_been_done_has_its_own_exit_code(graph: GraphCommand, form: str, problem: str) -> None:
    """
    After such a write the command says that the outcome is not known and to look first, in text and as JSON.
    """
    graph.server.faults = [Fault("write", form, times=2)]

    result, as_json = graph(*CREATE), graph(*CREATE, "--json")

    assert (14, "") == (result.code, result.output)
    assert "It is not known whether POST /v1.0/users was done." in result.error
    assert "Next: Look first" in result.error
    assert "ry again" not in result.error
    error = json.loads(as_json.error)["error"]
    assert ("OutcomeUnknownError", False, True, 14) == tuple(
        error[name] for name in ("kind", "retryable", "outcome_unknown", "exit_code")
    )
    assert 2 == len(graph.server.paths("write"))
    assert problem in result.error or form in ("500", "502")


@pytest.mark.parametrize(
    "words", [("PATCH", "/users/id-0001", '{"city":"London"}'), ("POST", "/directoryObjects/getByIds", '{"ids":[]}')]
)
def test_what_may_be_sent_twice_can_be_repeated(graph: GraphCommand, words: tuple[str, str, str]) -> None:
    """
    A lost answer to a request that does nothing twice has the exit code of a failure that may pass.
    """
    graph.server.faults = [Fault("write", "done-reset")]

    result = graph("request", *words[:2], "--body", words[2], "--yes", "--json")

    error = json.loads(result.error)["error"]
    assert (6, True) == (result.code, error["retryable"])
    assert "outcome_unknown" not in error


@pytest.mark.parametrize("words", [(), ("--all",), ("--parallel", "2")])
def test_a_long_wait_is_reported_in_a_pipe(graph: GraphCommand, words: tuple[str, ...]) -> None:
    """
    If the service requires a wait of more than two seconds, standard error says so once, without a terminal, too.
    """
    path = "/users" if words else "/users/id-0001"
    graph.server.faults = [Fault(kind, "429", 3) for kind in ("list", "get")]

    result = graph("request", "GET", path, *words, "--output", "ndjson")

    assert 0 == result.code, result.error
    waits = [line for line in result.error.splitlines() if "Waiting" in line]
    assert ["Waiting 3 s: the service is throttling."] == waits
