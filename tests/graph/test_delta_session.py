"""Delta sessions: links of several queries and processes in one private file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import EntraError, ExportError, ParameterError, VaultBusyError, VaultError
from entrakit.files.lock import LockFile
from entrakit.graph import delta_session
from entrakit.graph.delta_session import DeltaSession

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"entrakit_delta": 1}', '{"entrakit_delta": 1, "queries": {"a": 1}}', "\x00"]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    """
    A file of another kind is neither used nor replaced.
    """
    path = tmp_path / "users.delta"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(ParameterError):
        DeltaSession(path)
    assert text == path.read_text()


def test_a_session_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """
    The error for a file of a newer version says so.
    """
    path = tmp_path / "users.delta"
    path.write_text('{"entrakit_delta": 99, "queries": []}')
    path.chmod(0o600)

    with pytest.raises(ParameterError, match="newer"):
        DeltaSession(path)


def test_a_session_is_private_and_holds_other_queries(tmp_path: Path) -> None:
    """
    The file is private, and saving one position does not change the others.
    """
    session = DeltaSession(tmp_path / "users.delta")
    session.keep("a", "https://a")
    session.keep("b", "https://b")
    session.forget("a")

    assert ("", "https://b") == (session.link("a"), session.link("b"))
    assert os.stat(session.path).st_mode & 0o777 == 0o600
    assert {"b": "https://b"} == json.loads((tmp_path / "users.delta").read_text())["queries"]


def test_errors_are_of_the_family() -> None:
    """
    All errors of sessions belong to the error tree.
    """
    assert issubclass(VaultError, EntraError)


def test_sessions_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    """
    Positions that several processes save at the same time are all in the file afterwards.
    """
    program = (
        "import sys; from entrakit.graph.delta_session import DeltaSession; session = DeltaSession(sys.argv[1])\n"
        "for number in range(60): session.keep(f'{sys.argv[2]} {number}', 'https://x')"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "places"), name]) for name in ("a", "b", "c")
    ]

    assert [0, 0, 0] == [one.wait(20) for one in workers]
    assert 180 == len(json.loads((tmp_path / "places").read_bytes())["queries"])
    assert [] == [name for name in os.listdir(tmp_path) if "lock" in name]


def test_a_session_that_another_process_changes_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A session that stays locked is an error that names the lock file and may be tried again; nothing is changed.
    """
    monkeypatch.setattr(delta_session, "PATIENCE_S", 0.1)
    session = DeltaSession(tmp_path / "places")
    session.keep("a", "https://a")
    lock = LockFile(f"{session.path}.lock", is_removed=True)
    lock.acquire(0.0)

    with pytest.raises(VaultBusyError, match=r"Another process has held .*/places\.lock for 0\.1 seconds") as caught:
        session.keep("b", "https://b")
    lock.release()

    assert caught.value.retryable
    assert {"a": "https://a"} == json.loads((tmp_path / "places").read_text())["queries"]
    session.keep("b", "https://b")
    assert "https://b" == session.link("b")


def test_a_session_in_a_missing_directory_is_not_saved(tmp_path: Path) -> None:
    """
    The directory is not made: the name may be mistyped.
    """
    session = DeltaSession(tmp_path / "missing" / "places")

    with pytest.raises(ExportError, match=r"missing/places can't be written: No such file or directory\."):
        session.keep("a", "https://a")
    assert not (tmp_path / "missing").exists()


def test_a_session_in_a_place_that_takes_no_file_says_so(tmp_path: Path) -> None:
    """
    If the file can't be replaced, the remedy is another file.
    """
    session = DeltaSession(tmp_path / "places")
    (tmp_path / "places").mkdir()

    with pytest.raises(ExportError, match=r"places can't be written: it is a directory\.") as caught:
        session.keep("a", "https://a")
    assert "Name another file" in caught.value.remedy


@pytest.mark.parametrize("content", [b"precious", b"", b"{}", b"[1]", b"\x00", b'{"a": {"entrakit_delta": 1}}', None])
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_no_error_advises_to_remove_what_is_no_session(tmp_path: Path, content: bytes | None, mode: int) -> None:
    """
    A file, a link or a directory in the place of the session may be needed for something else.
    """
    path = tmp_path / "places"
    if content is None:
        (tmp_path / "target").write_text("precious")
        path.symlink_to("target") if mode == 0o600 else path.mkdir()
    else:
        path.write_bytes(content)
        path.chmod(mode)

    with pytest.raises(ExportError if content is None else ParameterError) as caught:
        DeltaSession(path)

    assert "emove" not in str(caught.value)
    assert "Name another file" in caught.value.remedy


@pytest.mark.parametrize("text", ['{"entrakit_delta": 1, "que', '{\n "entrakit_delta": 1,\n "queries": {"a": 1}}'])
def test_a_damaged_session_may_be_removed(tmp_path: Path, text: str) -> None:
    """
    If a file was a session, the remedy is to begin again.
    """
    path = tmp_path / "places"
    path.write_text(text)
    path.chmod(0o600)

    with pytest.raises(ParameterError, match="damaged") as caught:
        DeltaSession(path)

    assert "remove this one and read everything again" in caught.value.remedy


def test_a_session_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    """
    A session whose mode is too wide is named with its mode, and is not replaced.
    """
    path = tmp_path / "places"
    path.write_text('{"entrakit_delta": 1, "queries": {}}')
    path.chmod(0o644)

    with pytest.raises(ExportError, match=r"can be used by others \(mode 644\)"):
        DeltaSession(path)
