"""PKCS#11 modules: the configuration of p11-kit, that of the user first. No module is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.pkcs11_modules import Module, configured_modules, named_module
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Return an empty directory of configuration files, with two modules next to it."""
    for name in ("one.so", "two.so"):
        (tmp_path / name).touch()
    (tmp_path / "system").mkdir()
    return tmp_path / "system"


def found(system: Path, environ: dict[str, str] | None = None) -> list[Module]:
    """Return the configured modules."""
    return configured_modules(environ or {"HOME": str(system.parent / "nobody")}, [str(system)])


def test_configured_modules_are_found(system: Path) -> None:
    """
    The name of the file is the name of the module. Comments, unknown options and invalid bytes are ignored.
    """
    one = system.parent / "one.so"
    (system / "card.module").write_bytes(b"# a card\nmodule: " + str(one).encode() + b"\ncritical: no\nx-other: \xff\n")

    assert [Module("card", str(one))] == found(system)


@pytest.mark.parametrize(
    "line", ["trust-policy: yes", "disable-in: other, entra", "enable-in: other", "#", "module: /gone.so"]
)
def test_a_module_for_other_programs_is_left_out(system: Path, line: str) -> None:
    """
    Trust modules, modules that are disabled for entra or enabled only for others, and missing files are left out.
    """
    module = "" if line in {"#", "module: /gone.so"} else f"module: {system.parent}/one.so\n"
    (system / "card.module").write_text(f"{module}{line}\n")

    assert [] == found(system)


def test_a_module_for_this_program_is_found(system: Path) -> None:
    """
    A module with entra in `enable-in` is found.
    """
    (system / "card.module").write_text(f"module: {system.parent}/one.so\nenable-in: ssh entra\n")

    assert ["card"] == [one.name for one in found(system)]


def test_a_file_of_the_user_replaces_one_of_the_system(system: Path, tmp_path: Path) -> None:
    """
    A file in ~/.config/pkcs11/modules replaces the one with the same name. Each module is found once.
    """
    own = tmp_path / "home" / ".config" / "pkcs11" / "modules"
    own.mkdir(parents=True)
    (system / "card.module").write_text(f"module: {tmp_path}/one.so\n")
    (system / "again.module").write_text(f"module: {tmp_path}/two.so\n")
    (own / "card.module").write_text(f"module: {tmp_path}/two.so\n")

    modules = found(system, {"HOME": str(tmp_path / "home")})

    assert [f"{tmp_path}/two.so"] == [one.path for one in modules]
    assert modules == found(system, {"XDG_CONFIG_HOME": str(tmp_path / "home" / ".config"), "HOME": "/nowhere"})


def test_a_named_module_is_a_file(tmp_path: Path) -> None:
    """
    A module is named by a path, or by a file name in the usual directories. Other names are errors.
    """
    (tmp_path / "my-card.so.2").touch()

    assert Module("my-card", f"{tmp_path}/my-card.so.2") == named_module(f"{tmp_path}/my-card.so.2")
    assert named_module("p11-kit-trust.so").path.endswith("/p11-kit-trust.so")
    for name in (f"{tmp_path}/gone.so", "gone.so", "", str(tmp_path)):
        with pytest.raises(ParameterError, match=r"PKCS#11 module .* (does not exist|is not a file)"):
            named_module(name)
