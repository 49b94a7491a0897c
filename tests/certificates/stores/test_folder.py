"""Directories as stores: every format is read, and no file hides another."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.folder import DirectoryStore
from entrakit.certificates.stores.store import find_by_name
from entrakit.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import Certificate as X509Certificate
    from tests.certificates.conftest import Maker


def test_files_of_every_format_are_read(
    tmp_path: Path, maker: Maker, as_der: Callable[[X509Certificate], bytes]
) -> None:
    """
    PFX, PEM and DER files with the usual extensions in any case are read. Other files are ignored.
    """
    (tmp_path / "a.PFX").write_bytes(maker.pfx())
    (tmp_path / "b.pem").write_bytes(maker.pem())
    (tmp_path / "c.der").write_bytes(as_der(maker.certificate()) + maker.key_der())
    (tmp_path / "readme.txt").write_text("ignored")

    items = list(DirectoryStore(str(tmp_path), "user").contents())

    assert ["a.PFX", "b.pem", "c.der"] == [one.place.rpartition("/")[2] for one in items]
    assert ["", "", ""] == [one.problem for one in items]


def test_unreadable_files_do_not_hide_others(
    tmp_path: Path, maker: Maker, as_pem: Callable[[X509Certificate], bytes]
) -> None:
    """
    An unreadable file is reported with the reason and does not stop the search.
    """
    (tmp_path / "aa.pfx").write_bytes(b"broken")
    (tmp_path / "bb.pem").write_bytes(as_pem(maker.certificate()))
    (tmp_path / "cc.pfx").write_bytes(maker.pfx(password=b"secret"))
    (tmp_path / "dd.pem").mkdir()
    (tmp_path / "ee.pem").symlink_to(tmp_path / "gone")
    (tmp_path / "zz.pfx").write_bytes(maker.pfx())
    store = DirectoryStore(str(tmp_path), "user")

    problems = [one.problem for one in store.contents()]

    words = [
        "neither PFX nor PEM",
        "without its private key",
        "no password was given",
        "a directory",
        "does not exist",
        "",
    ]
    assert [True] * len(words) == [part in problem for part, problem in zip(words, problems, strict=True)]
    assert "CN=app,O=Contoso" == find_by_name("app", [store]).subject


def test_a_pipe_in_a_store_does_not_block(tmp_path: Path, maker: Maker) -> None:
    """
    A pipe would block the search, so it is reported and skipped.
    """
    os.mkfifo(tmp_path / "aa.pem")
    (tmp_path / "bb.pfx").write_bytes(maker.pfx())
    store = DirectoryStore(str(tmp_path), "user")

    assert "it is not a regular file" in next(iter(store.contents())).problem
    assert "CN=app,O=Contoso" == find_by_name("app", [store]).subject


def test_a_missing_directory_is_an_empty_store(tmp_path: Path) -> None:
    """
    A directory that does not exist gives no items and no problem, because most machines have only some of the stores.
    """
    (tmp_path / "file").touch()

    assert [] == list(DirectoryStore(str(tmp_path / "none"), "user").contents())
    assert [] == list(DirectoryStore(str(tmp_path / "file"), "user").contents())


def test_an_unreadable_directory_is_reported(tmp_path: Path) -> None:
    """
    A directory that exists and can't be read is reported, and the search continues.
    """
    (tmp_path / "ring").symlink_to(tmp_path / "ring")

    items = list(DirectoryStore(str(tmp_path / "ring"), "user").contents())

    assert 1 == len(items)
    assert items[0].problem.startswith(f"Can't read the directory {tmp_path / 'ring'}: ")


def test_a_file_that_is_replaced_during_the_search_is_reported(tmp_path: Path, maker: Maker) -> None:
    """
    The opened certificate is the one that was found: another one in its place is not used.
    """
    (tmp_path / "app.pem").write_bytes(maker.pem())
    (item,) = DirectoryStore(str(tmp_path), "user").contents()
    (tmp_path / "app.pem").write_bytes(maker.pem(maker.certificate("another")))

    assert item.open
    with pytest.raises(CertificateError, match="was replaced during the search"):
        item.open()
