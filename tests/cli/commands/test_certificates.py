"""`entra certificates`: what the stores offer, as a person and as a program sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.certificates.conftest import Maker

if TYPE_CHECKING:
    from tests.cli.conftest import Command


@pytest.fixture(scope="module")
def maker() -> Maker:
    """Return what makes certificates."""
    return Maker()


@pytest.fixture
def store(entra: Command, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a store with a good, an expired, an EC and a broken certificate; the only one that has anything."""
    path = Path(entra.environ["ENTRAKIT_HOME"]) / "certificates"
    path.mkdir(mode=0o700)
    entra.environ["ENTRAKIT_MACHINE_CERTIFICATES"] = str(path / "none")
    entra.environ["XDG_CONFIG_HOME"] = str(path / "none")
    for name, content in (
        ("a-good.pfx", maker.pfx(maker.certificate("good"))),
        ("b-old.pfx", maker.pfx(maker.certificate("old", begins=-9, ends=-1))),
        ("c-broken.pfx", b"broken"),
    ):
        (path / name).write_bytes(content)
        (path / name).chmod(0o600)
    return path


def test_a_program_gets_a_line_each(entra: Command, store: Path) -> None:
    """
    Tab-separated with headings: names, both thumbprints, end, key, where it is, and whether it can be used or why not.
    """
    result = entra("certificates", "--certificate-store", "directory")

    heads, good, old, broken = (line.split("\t") for line in result.output.splitlines())
    assert ["SUBJECT", "SHA-1", "SHA-256", "UNTIL", "KEY", "EXPORTABLE"] == heads[:6]
    assert ["CN=good,O=Contoso", 40, 64, "RSA 2048", "yes"] == [good[0], len(good[1]), len(good[2]), good[4], good[5]]
    assert ["directory", "user", str(store / "a-good.pfx"), "yes"] == good[6:]
    assert "no: The certificate CN=old,O=Contoso expired" in old[-1]
    assert ("", True) == (broken[0], broken[-1].startswith("no: "))


def test_a_person_gets_a_block_each(entra: Command, store: Path) -> None:
    """
    On a terminal, what is known stands below the subject; what can't be read stands by its place.
    """
    lines = entra("certificates", "--certificate-store", "user", terminal=True).output.splitlines()

    assert "CN=good,O=Contoso" == lines[0]
    assert "  key      RSA 2048, exportable: yes" in lines
    assert "  store    directory (user)" in lines
    assert "  usable   yes" in lines
    assert str(store / "c-broken.pfx") in lines


def test_json_has_it_all(entra: Command, store: Path) -> None:
    """
    The same as objects, with null for what can't be known.
    """
    found = json.loads(entra("certificates", "--json", "--certificate-store", "directory").output)

    assert [True, False, False] == [one["usable"] for one in found]
    assert [True, True, None] == [one["exportable"] for one in found]
    assert (None, "") == (found[2]["thumbprint"], found[2]["key"])
    assert found[0]["not_before"] < found[0]["not_after"]


def test_nothing_is_said_to_be_nothing(entra: Command, tmp_path: Path) -> None:
    """
    Stores without a certificate: an empty list, and a word to the person; a store that is not here is an error.
    """
    result = entra("certificates", "--certificate-store", "dotnet")

    assert (0, "No store of this machine contains a certificate.\n") == (result.code, result.error)
    assert "This machine has no certificate store 'windows'" in entra(
        "certificates", "--certificate-store", "windows"
    ).error  # fmt: skip


def test_tokens_are_among_all(entra: Command, store: Path) -> None:
    """
    Without a choice the tokens of configured modules are listed too; that none has a certificate is no error.
    """
    # In a process of its own: a module is loaded once for the life of a process.
    words = [sys.executable, "-m", "entrakit", "certificates", "--json"]
    done = subprocess.run(words, env=entra.environ, capture_output=True, text=True, check=True)

    assert {"directory"} <= {one["store"] for one in json.loads(done.stdout)}
