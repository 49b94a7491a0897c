"""Directories as stores, and which stores each system has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.folder import DOTNET, DirectoryStore
from entrakit.certificates.stores.store import find_by_name, usual_stores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import Certificate as X509Certificate
    from tests.certificates.conftest import Maker


def test_files_of_every_format_are_read(
    tmp_path: Path, maker: Maker, as_der: Callable[[X509Certificate], bytes]
) -> None:
    """
    PFX, PEM and DER files, by the usual endings in any case; anything else is not looked at.
    """
    (tmp_path / "a.PFX").write_bytes(maker.pfx())
    (tmp_path / "b.pem").write_bytes(maker.pem())
    (tmp_path / "c.der").write_bytes(as_der(maker.certificate()) + maker.key_der())
    (tmp_path / "readme.txt").write_text("not looked at")

    found = list(DirectoryStore(str(tmp_path), "user").contents())

    assert ["a.PFX", "b.pem", "c.der"] == [one.place.rpartition("/")[2] for one in found]
    assert ["", "", ""] == [one.problem for one in found]


def test_broken_files_do_not_hide_good_ones(
    tmp_path: Path, maker: Maker, as_pem: Callable[[X509Certificate], bytes]
) -> None:
    """
    What can't be read is told with its reason, and never stops the search.
    """
    (tmp_path / "aa.pfx").write_bytes(b"broken")
    (tmp_path / "bb.pem").write_bytes(as_pem(maker.certificate()))
    (tmp_path / "cc.pfx").write_bytes(maker.pfx(password=b"secret"))
    (tmp_path / "dd.pem").mkdir()
    (tmp_path / "ee.pem").symlink_to(tmp_path / "gone")
    (tmp_path / "zz.pfx").write_bytes(maker.pfx())
    store = DirectoryStore(str(tmp_path), "user")

    problems = [one.problem for one in store.contents()]

    words = ["neither PFX nor PEM", "without its private key", "no password was given", "a directory", "no file", ""]
    assert [True] * len(words) == [part in problem for part, problem in zip(words, problems, strict=True)]
    assert "CN=app,O=Contoso" == find_by_name("app", [store]).subject


def test_a_pipe_in_a_store_is_not_waited_for(tmp_path: Path, maker: Maker) -> None:
    """
    Something that is no file would make the search wait for its writer: it is told, and passed over.
    """
    os.mkfifo(tmp_path / "aa.pem")
    (tmp_path / "bb.pfx").write_bytes(maker.pfx())
    store = DirectoryStore(str(tmp_path), "user")

    assert "it is no file" in next(iter(store.contents())).problem
    assert "CN=app,O=Contoso" == find_by_name("app", [store]).subject


def test_a_directory_that_is_not_there_is_empty(tmp_path: Path) -> None:
    """
    Most machines lack most of the stores: that is no problem to tell.
    """
    (tmp_path / "file").touch()

    assert [] == list(DirectoryStore(str(tmp_path / "none"), "user").contents())
    assert [] == list(DirectoryStore(str(tmp_path / "file"), "user").contents())


def test_a_directory_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """
    A directory that is there and can't be read is told, and the search goes on.
    """
    (tmp_path / "ring").symlink_to(tmp_path / "ring")

    found = list(DirectoryStore(str(tmp_path / "ring"), "user").contents())

    assert 1 == len(found)
    assert found[0].problem.startswith(f"Can't read the directory {tmp_path / 'ring'}: ")


@pytest.mark.parametrize(
    ("environ", "own", "computer"),
    [
        ({}, "/home/ada/.config/entrakit/certificates", "/etc/entrakit/certificates"),
        ({"XDG_CONFIG_HOME": "/conf"}, "/conf/entrakit/certificates", "/etc/entrakit/certificates"),
        (
            {"ENTRAKIT_HOME": "/own", "ENTRAKIT_MACHINE_CERTIFICATES": "/srv/c/../keys"},
            "/own/certificates",
            "/srv/keys",
        ),
    ],
)
def test_the_usual_places(environ: dict[str, str], own: str, computer: str) -> None:
    """
    The user's stores are where .NET keeps CurrentUser/My and our own, the computer's is below /etc.
    """
    stores = usual_stores({"HOME": "/home/ada", **environ}, "linux")

    assert [
        (f"/home/ada/{DOTNET} (user)", "user"),
        (f"{own} (user)", "user"),
        (f"{computer} (computer)", "computer"),
    ] == [(store.name, store.scope) for store in stores]


@pytest.mark.parametrize(
    ("platform", "kind", "names"),
    [("win32", "windows", (r"CurrentUser\My", r"LocalMachine\My")),
     ("darwin", "keychain", ("login keychain", "System keychain"))],
)  # fmt: skip
def test_the_system_s_own_stores_come_first(platform: str, kind: str, names: tuple[str, str]) -> None:
    """
    On Windows and macOS the system's store of the user comes before their directories, that of the computer after.
    """
    stores = usual_stores({"HOME": "/home/ada"}, platform)

    native = [(number, store) for number, store in enumerate(stores) if store.kind == kind]
    assert [(0, "user"), (3, "computer")] == [(number, store.scope) for number, store in native]
    assert all(name in store.name for name, (_, store) in zip(names, native, strict=True))
    assert {"directory", "dotnet", kind} == {store.kind for store in stores}
