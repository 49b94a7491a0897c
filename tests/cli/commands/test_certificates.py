"""`entra certificates`: the certificates in the stores, for users and for programs."""

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
    """Return the maker of certificates."""
    return Maker()


@pytest.fixture
def store(entra: Command, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a store with a good, an expired, an EC and a broken certificate; all other stores are empty."""
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
    A pipe gets tab-separated lines with headings: names, both thumbprints, end, key, place, and whether the
    certificate is usable or why not.
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
    A terminal gets a block for each certificate under its subject; an unreadable file has its place as the title.
    """
    lines = entra("certificates", "--certificate-store", "user", terminal=True).output.splitlines()

    assert "CN=good,O=Contoso" == lines[0]
    assert "  key      RSA 2048, exportable: yes" in lines
    assert "  store    directory (user)" in lines
    assert "  usable   yes" in lines
    assert str(store / "c-broken.pfx") in lines


def test_json_has_it_all(entra: Command, store: Path) -> None:
    """
    `--json` has the same values as objects, and null for unknown ones.
    """
    found = json.loads(entra("certificates", "--json", "--certificate-store", "directory").output)

    assert [True, False, False] == [one["usable"] for one in found]
    assert [True, True, None] == [one["exportable"] for one in found]
    assert (None, "") == (found[2]["thumbprint"], found[2]["key"])
    assert found[0]["not_before"] < found[0]["not_after"]


def test_nothing_is_said_to_be_nothing(entra: Command, tmp_path: Path) -> None:
    """
    If no store has a certificate, the result is an empty list with a message. A store that this machine does not have
    is an error.
    """
    result = entra("certificates", "--certificate-store", "dotnet")

    assert (0, "No store of this machine contains a certificate.\n") == (result.code, result.error)
    assert "This machine has no certificate store 'windows'" in entra(
        "certificates", "--certificate-store", "windows"
    ).error  # fmt: skip


def test_tokens_are_among_all(entra: Command, store: Path) -> None:
    """
    Without a choice, the tokens of configured modules are listed too. A token without a certificate is not an error.
    """
    # In a separate process, because a module is loaded once per process.
    words = [sys.executable, "-m", "entrakit", "certificates", "--json"]
    done = subprocess.run(words, env=entra.environ, capture_output=True, text=True, check=True)

    assert {"directory"} <= {one["store"] for one in json.loads(done.stdout)}
