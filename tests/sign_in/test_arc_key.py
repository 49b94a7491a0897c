"""The challenge of Azure Arc: only a small file of the agent is read and sent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from entrakit.errors import SignInError
from entrakit.sign_in.arc_key import LARGEST, read_key, tokens_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_the_folder_is_that_of_the_agent() -> None:
    """
    The agent's documentation names the folder.
    """
    assert "/var/opt/azcmagent/tokens" == tokens_folder()


@pytest.mark.parametrize("form", ["Basic realm={}", 'basic realm="{}"', "BASIC  realm={} "])
def test_the_content_of_the_file_is_returned(tmp_path: Path, form: str) -> None:
    """
    The realm is the path, with or without quotation marks; a line break at the end does not belong to the key.
    """
    file = tmp_path / "a.key"
    file.write_text("canary\n")

    assert "canary" == read_key(form.format(file), str(tmp_path))


@pytest.mark.parametrize("challenge", ["", "Basic", "Basic realm=", "Bearer realm=x", 'Basic realm="a", Bearer b="c"'])
def test_a_challenge_without_a_file_is_refused(tmp_path: Path, challenge: str) -> None:
    """
    A challenge of another form, or two, is not answered.
    """
    with pytest.raises(SignInError, match="names no file"):
        read_key(challenge, str(tmp_path))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("{0}/../other.key", "outside"), ("{0}/inner/a.key", "outside"), ("/etc/passwd", "outside"),
        ("a.key", "outside"), ("{0}/./a.key", "outside"), ("{0}x/a.key", "outside"),
        ("{0}/a.txt", "does not end in .key"), ("{0}/a.key.txt", "does not end in .key"), ("{0}/.key", "does not end"),
        ("{0}/a.KEY", "does not end in .key"), ("{0}/large.key", "larger than 4096 bytes"),
        ("{0}/link.key", "other than a file"), ("{0}/folder.key", "other than a file"), ("{0}/none.key", "can't be"),
        ("{0}/binary.key", "does not contain a key"), ("{0}/lines.key", "does not contain a key"),
        ("{0}/a\x00.key", "outside"),
    ],
)  # fmt: skip
def test_any_other_file_is_refused(tmp_path: Path, path: str, words: str) -> None:
    """
    A file elsewhere, with another ending, too large, a link, or something other than one line of text is not sent.
    """
    folder = tmp_path / "tokens"
    (folder / "inner").mkdir(parents=True)
    (folder / "folder.key").mkdir()
    for place in ("tokens/inner/a.key", "tokens/a.key", "tokens/a.txt", "tokens/a.key.txt", "tokens/a.KEY",
                  "tokens/.key", "other.key"):  # fmt: skip
        (tmp_path / place).write_text("canary")
    (folder / "large.key").write_text("x" * (LARGEST + 1))
    (folder / "binary.key").write_bytes(b"\xff\x00")
    (folder / "lines.key").write_text("canary\r\nX: y")
    (folder / "link.key").symlink_to(tmp_path / "other.key")

    with pytest.raises(SignInError, match=words) as caught:
        read_key(f"Basic realm={path.format(folder)}", str(folder))

    assert "canary" not in str(caught.value)
    assert "Nothing was sent" in caught.value.problem


def test_a_user_who_can_not_read_it_is_told_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The group of the agent can read the files.
    """
    file = tmp_path / "a.key"
    file.touch(mode=0o000)

    def refuse(*given: object) -> int:
        raise PermissionError(13, "Permission denied", given[0])

    # Root, too, can't read it.
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SignInError, match="This user can't read") as caught:
        read_key(f"Basic realm={file}", str(tmp_path))

    assert "himds" in caught.value.remedy
