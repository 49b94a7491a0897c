"""Export: after an interruption at any moment, the continued export has the same result as an undisturbed one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.graph.conftest import USERS, Fault

from entrakit.errors import EntraError, ExportError
from entrakit.files.resumable import ResumableFile
from entrakit.graph.export import Exported, ExportResult, lines_of
from entrakit.services import decoding

if TYPE_CHECKING:
    import ssl

    from tests.graph.conftest import GraphServer

    from entrakit.graph.client import Client

# Exports with the blocking client, and kills itself after a number of lines of the writing code.
PROGRAM = """
import os, signal, sys
from entrakit import Token, Transport
from entrakit.graph.client import Client
from entrakit.services.runner import Runner
from entrakit.services.service import Service

url, ca, file, moment, parallel = sys.argv[1:]
left = int(moment)

def traced(frame, event, _):
    global left
    if not frame.f_code.co_filename.endswith(("files/resumable.py", "graph/export.py")):
        return None
    left -= event == "line"
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return traced

class Box:
    tenant_id = "tenant-1"
    def service_token(self, scope, **_):
        return Token("token-1", issued_at=0.0, expires_at=1e12)
    fresh_service_token = service_token

service = Service("graph", f"{url}/v1.0", "https://graph.microsoft.com", is_graph=True)
client = Client(Runner(Box(), service, Transport(ca_bundle=ca)))
sys.settrace(traced)
print(client.export("/users", file, parallel=int(parallel), top=50))
"""


def ids_in(path: Path) -> list[str]:
    """Return the ids in a file, line by line."""
    return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("parallel", [1, 4])
def test_everything_is_in_the_file(graph: Client, server: GraphServer, tmp_path: Path, parallel: int) -> None:
    """
    The file contains each object once, one per line, and no other file remains.
    """
    file = tmp_path / "users.ndjson"

    done = graph.export("/users", file, parallel=parallel, top=50)

    assert ExportResult(USERS) == done
    assert sorted(one["id"] for one in server.users) == sorted(ids_in(file))
    assert ["users.ndjson"] == [name for name in os.listdir(tmp_path) if name.startswith("users")]


@pytest.mark.parametrize("why", ["few", "uncounted"])
def test_what_can_not_be_cut_is_written_all_the_same(
    graph: Client, server: GraphServer, tmp_path: Path, why: str
) -> None:
    """
    A collection that is too small, or that the service can't count, is read as a whole.
    """
    file = tmp_path / "users.ndjson"
    if why == "uncounted":
        server.faults = [Fault("count", "400", times=999), Fault("batch", "400", times=999)]

    top = 999 if why == "few" else 50
    done = graph.export("/users", file, parallel=4, top=top)

    assert ExportResult(USERS) == done
    assert USERS == len(list(graph.items("/users", parallel=4, top=top)))
    assert sorted(one["id"] for one in server.users) == sorted(ids_in(file))


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_run_that_is_killed_is_gone_on_with(
    graph: Client, server: GraphServer, test_ca: tuple[Path, ssl.SSLContext], tmp_path: Path, parallel: int
) -> None:
    """
    An export that is killed again and again, a little later each time, equals an undisturbed one.
    """
    graph.export("/users", tmp_path / "whole", parallel=parallel, top=50)
    file = tmp_path / "users.ndjson"
    kills, done = 0, subprocess.CompletedProcess[str]("", 1)
    for moment in (30, 60, *range(90, 125, 3), 150, 200, 300, 10_000):
        command = [sys.executable, "-c", PROGRAM, server.url, str(test_ca[0]), str(file), str(moment), str(parallel)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        kills += done.returncode == -signal.SIGKILL
        if done.returncode == 0:
            break

    assert kills >= 10
    assert (0, "") == (done.returncode, done.stderr)
    if parallel == 1:
        assert (tmp_path / "whole").read_bytes() == file.read_bytes()
    assert sorted(ids_in(tmp_path / "whole")) == sorted(ids_in(file))


def test_lines_that_no_note_counts_are_read_again(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    An incomplete line, and lines after the last note, are removed and read again.
    """
    file = tmp_path / "users.ndjson"
    server.faults = [Fault("list", "foreign", skip=2)]
    with pytest.raises(EntraError):
        graph.export("/users", file)
    with open(f"{file}.part", "ab") as part:
        part.write(b'{"id":"id-0150","half')

    done = graph.export("/users", file)

    assert ExportResult(USERS, 100) == done
    assert [one["id"] for one in server.users] == ids_in(file)


@pytest.mark.parametrize(
    "spoil", ["", "{", "[]", '{"entrakit_export":1}', "\x00", '{"links":[["a","https://evil.example/"]]}']
)
def test_a_note_that_is_spoilt_begins_anew(graph: Client, server: GraphServer, tmp_path: Path, spoil: str) -> None:
    """
    If the notes are damaged, the export starts again.
    """
    file = tmp_path / "users.ndjson"
    server.faults = [Fault("list", "foreign", skip=2)]
    with pytest.raises(EntraError):
        graph.export("/users", file)
    (tmp_path / "users.ndjson.part.notes").write_text(spoil)

    assert ExportResult(USERS) == graph.export("/users", file)
    assert [one["id"] for one in server.users] == ids_in(file)


def test_a_note_that_names_another_host_is_not_followed(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    If the links of a note lead to another host, the export starts again: the contents of the file are not trusted.
    """
    file = tmp_path / "users.ndjson"
    server.faults = [Fault("list", "foreign", skip=2)]
    with pytest.raises(EntraError):
        graph.export("/users", file)
    note = tmp_path / "users.ndjson.part.notes"
    note.write_text(note.read_text().replace(server.url, "https://evil.example"))

    assert ExportResult(USERS) == graph.export("/users", file)


def test_another_query_does_not_go_on_with_it(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    The unfinished file of another query is not continued.
    """
    file = tmp_path / "users.ndjson"
    server.faults = [Fault("list", "foreign", skip=2)]
    with pytest.raises(EntraError):
        graph.export("/users", file)

    assert 0 == graph.export("/users", file, select=["id"]).resumed


def test_a_link_that_the_service_has_forgotten_begins_anew(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    If the service no longer knows the link of an earlier run, everything is read again.
    """
    file = tmp_path / "users.ndjson"
    server.faults = [Fault("list", "foreign", skip=2)]
    with pytest.raises(EntraError):
        graph.export("/users", file)
    server.faults = [Fault("list", "forgotten")]

    assert ExportResult(USERS) == graph.export("/users", file)
    assert [one["id"] for one in server.users] == ids_in(file)


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(
    graph: Client, server: GraphServer, tmp_path: Path
) -> None:
    """
    An export that fails does not change the old file.
    """
    file = tmp_path / "users.ndjson"
    file.write_text("old")
    server.faults = [Fault("list", "foreign", skip=2)]

    with pytest.raises(EntraError):
        graph.export("/users", file)

    assert file.read_text() == "old"


def test_two_runs_do_not_write_one_file(graph: Client, tmp_path: Path) -> None:
    """
    A file that another process is writing is refused.
    """
    other = ResumableFile(tmp_path / "users.ndjson", "x")

    with pytest.raises(ExportError, match="Another process"):
        graph.export("/users", tmp_path / "users.ndjson")
    other.close()


def test_the_unfinished_file_is_private(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    An export can contain personal data, so other users can't read the file from its first byte on.
    """
    server.faults = [Fault("list", "foreign", skip=2)]
    with pytest.raises(EntraError):
        graph.export("/users", tmp_path / "users.ndjson")

    files = list(tmp_path.glob("users*"))
    assert {"users.ndjson.part", "users.ndjson.part.notes"} == {file.name for file in files}
    assert {0o600} == {file.stat().st_mode & 0o777 for file in files}


def test_progress_is_told(graph: Client, tmp_path: Path) -> None:
    """
    After each page `on_page` gets the number of objects so far, and the number of all if it is known.
    """
    told: list[tuple[int, int | None]] = []

    graph.export("/users", tmp_path / "a", on_page=lambda count, total: told.append((count, total)))
    assert [(50, None), (100, None), (150, None), (200, None), (230, None)] == told

    told.clear()
    graph.export("/users", tmp_path / "b", parallel=4, top=50, on_page=lambda count, total: told.append((count, total)))
    assert (230, 230) == told[-1]


def test_what_is_no_ordinary_file_is_left_alone(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    A directory, a pipe and a device are refused before a request is sent; a link leads to the file that is replaced.
    """
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(ExportError, match="can't be written: it is"):
            graph.export("/users", path)
    assert [] == server.paths("list")

    (tmp_path / "link").symlink_to("users.ndjson")
    assert USERS == graph.export("/users", tmp_path / "link").written
    assert USERS == len((tmp_path / "users.ndjson").read_bytes().splitlines())
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("top", [50, 999])
def test_only_what_was_asked_for_is_written(graph: Client, tmp_path: Path, top: int) -> None:
    """
    Ids that only distinguish objects are not in the file, with or without ranges.
    """
    graph.export("/users", tmp_path / "a", top=top, select=["userPrincipalName", "id"])
    graph.export("/users", tmp_path / "b", top=top, select=["userPrincipalName"], parallel=4)

    names = sorted(json.loads(line)["userPrincipalName"] for line in (tmp_path / "a").read_bytes().splitlines())
    lines = [json.loads(line) for line in (tmp_path / "b").read_bytes().splitlines()]
    assert [{"userPrincipalName": name} for name in names] == sorted(lines, key=lambda one: one["userPrincipalName"])


def test_a_link_that_was_forgotten_before_anything_came_begins_anew(
    graph: Client, server: GraphServer, tmp_path: Path
) -> None:
    """
    If an earlier run has only saved a link, and the link has expired, everything is read again.
    """
    file = tmp_path / "users.ndjson"
    server.faults = [Fault("list", "foreign", skip=1)]
    with pytest.raises(EntraError):
        graph.export("/users", file)
    part, notes = Path(f"{file}.part"), Path(f"{file}.part.notes")
    heading, *rest = notes.read_text().splitlines()
    empty = {**json.loads(rest[-1]), "count": 0, "size": 0}
    notes.write_text(f"{heading}\n{json.dumps(empty)}\n")
    part.write_bytes(b"")
    server.faults = [Fault("list", "forgotten")]

    assert ExportResult(USERS) == graph.export("/users", file)


def test_other_header_fields_are_another_query(graph: Client, server: GraphServer, tmp_path: Path) -> None:
    """
    A run with other header fields, which can change the result, does not continue the file of the first.
    """
    file = tmp_path / "users.ndjson"
    server.faults = [Fault("list", "foreign", skip=2)]
    with pytest.raises(EntraError):
        graph.export("/users", file, headers={"Accept-Language": "de"})

    assert ExportResult(USERS) == graph.export("/users", file, headers={"Accept-Language": "en"})


def test_the_total_of_a_range_is_not_told(graph: Client, tmp_path: Path) -> None:
    """
    While ranges are read, the reported total is the count of the whole collection.
    """
    totals: set[int | None] = set()

    graph.export("/users", tmp_path / "a", parallel=4, top=50, count=True, on_page=lambda _, total: totals.add(total))

    assert {USERS} == totals


@pytest.mark.parametrize(
    ("items", "lines"),
    [
        ([b'{"a":1}', b'{"b":2}'], b'{"a":1}\n{"b":2}\n'),
        ([], b""),
    ],
)
def test_lines_are_one_object_each(items: list[bytes], lines: bytes) -> None:
    """
    Each object is one line.
    """
    assert lines == lines_of([decoding.Raw(item) for item in items])


def test_the_result_has_its_old_name_too() -> None:
    """
    `Exported`, the name of version 0.1, is the same type.
    """
    assert Exported is ExportResult
