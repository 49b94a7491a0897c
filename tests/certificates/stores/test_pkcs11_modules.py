"""Which PKCS#11 modules there are: p11-kit's configuration, the user's before the system's, nothing loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.pkcs11_modules import Module, configured_modules, named_module
from entrakit.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Return an empty directory of configuration files, with a few modules beside it."""
    for name in ("one.so", "two.so"):
        (tmp_path / name).touch()
    (tmp_path / "system").mkdir()
    return tmp_path / "system"


def found(system: Path, environ: dict[str, str] | None = None) -> list[Module]:
    """Return what is configured."""
    return configured_modules(environ or {"HOME": str(system.parent / "nobody")}, [str(system)])


def test_configured_modules_are_found(system: Path) -> None:
    """
    The name of the file is the module's; comments, unknown options and broken bytes do no harm.
    """
    one = system.parent / "one.so"
    (system / "card.module").write_bytes(b"# a card\nmodule: " + str(one).encode() + b"\ncritical: no\nx-other: \xff\n")

    assert [Module("card", str(one))] == found(system)


@pytest.mark.parametrize(
    "line", ["trust-policy: yes", "disable-in: other, entra", "enable-in: other", "#", "module: /gone.so"]
)
def test_what_is_not_meant_for_us_is_left_out(system: Path, line: str) -> None:
    """
    Trust modules, modules that are disabled for this program or enabled for others only, and files that are gone.
    """
    module = "" if line in {"#", "module: /gone.so"} else f"module: {system.parent}/one.so\n"
    (system / "card.module").write_text(f"{module}{line}\n")

    assert [] == found(system)


def test_enabled_for_us_is_enabled(system: Path) -> None:
    """
    `enable-in` names programs; ours is called entra.
    """
    (system / "card.module").write_text(f"module: {system.parent}/one.so\nenable-in: ssh entra\n")

    assert ["card"] == [one.name for one in found(system)]


def test_the_user_s_file_takes_the_place_of_the_system_s(system: Path, tmp_path: Path) -> None:
    """
    A file of the same name in ~/.config/pkcs11/modules wins; one module is found once.
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
    A path, or a bare name where the system keeps modules; anything else is told.
    """
    (tmp_path / "my-card.so.2").touch()

    assert Module("my-card", f"{tmp_path}/my-card.so.2") == named_module(f"{tmp_path}/my-card.so.2")
    assert named_module("p11-kit-trust.so").path.endswith("/p11-kit-trust.so")
    for name in (f"{tmp_path}/gone.so", "gone.so", "", str(tmp_path)):
        with pytest.raises(ParameterError, match="no PKCS#11 module"):
            named_module(name)
