"""The stores of a machine: those of the user before those of the computer, and each by its name."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from entrakit.certificates.stores.available import DOTNET, KINDS, stores_named, usual_stores
from entrakit.certificates.stores.store import find_by_name
from entrakit.errors import CertificateError, ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.certificates.conftest import Maker
    from tests.certificates.stores.conftest import Hsm


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
def test_the_usual_directories(environ: dict[str, str], own: str, computer: str) -> None:
    """
    The stores of the user are CurrentUser/My of .NET and a directory of entrakit; the computer's store is below /etc.
    """
    stores = usual_stores({"HOME": "/home/ada", **environ}, "linux")

    assert [
        (f"/home/ada/{DOTNET} (user)", "user"),
        (f"{own} (user)", "user"),
        (f"{computer} (computer)", "computer"),
    ] == [(store.name, store.scope) for store in stores]


@pytest.mark.parametrize(
    ("platform", "kind", "names"),
    [
        ("win32", "windows", (r"CurrentUser\My", r"LocalMachine\My")),
        ("darwin", "keychain", ("login keychain", "System keychain")),
    ],
)
def test_the_stores_of_the_system_come_first(platform: str, kind: str, names: tuple[str, str]) -> None:
    """
    On Windows and macOS, the system's store of a scope comes before the directories of that scope.
    """
    stores = usual_stores({"HOME": "/home/ada"}, platform)

    system = [(number, store) for number, store in enumerate(stores) if store.kind == kind]
    assert [(0, "user"), (3, "computer")] == [(number, store.scope) for number, store in system]
    assert all(name in store.name for name, (_, store) in zip(names, system, strict=True))
    assert {"directory", "dotnet", kind} == {store.kind for store in stores}


def test_the_environment_of_the_process_is_the_default(
    tmp_path: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without an environment, the directories come from the environment of the process.
    """
    monkeypatch.setenv("ENTRAKIT_MACHINE_CERTIFICATES", str(tmp_path))
    (tmp_path / "app.pfx").write_bytes(maker.pfx())
    (tmp_path / "app.pfx").chmod(0o600)

    assert "CN=app,O=Contoso" == find_by_name("app", usual_stores()).subject


def test_a_name_selects_stores(tmp_path: Path) -> None:
    """
    A kind selects one store, a scope the stores of that scope, and an empty name all stores except tokens.
    """
    environ = {"HOME": str(tmp_path)}

    found = {name: stores_named(name, environ=environ, platform="linux") for name in ("dotnet", "user", "computer", "")}

    assert {
        "dotnet": [("dotnet", "user")],
        "user": [("dotnet", "user"), ("directory", "user")],
        "computer": [("directory", "computer")],
        "": [("dotnet", "user"), ("directory", "user"), ("directory", "computer")],
    } == {name: [(store.kind, store.scope) for store in stores] for name, stores in found.items()}


@pytest.mark.parametrize("store", ["windows", "keychain"])
def test_a_missing_store_is_reported(store: str) -> None:
    """
    The error for a store of another system lists the stores of this one; the error for an unknown name lists all names.
    """
    with pytest.raises(ParameterError, match=f"This machine has no certificate store '{store}'") as here:
        stores_named(store, platform="linux")
    with pytest.raises(ParameterError, match="Unknown certificate store 'moon'") as caught:
        stores_named("moon")
    assert "directory, dotnet, pkcs11, user, computer" in here.value.remedy
    assert all(kind in caught.value.remedy for kind in KINDS)


def test_a_module_requires_the_store_of_tokens(tmp_path: Path) -> None:
    """
    A PKCS#11 module with another store is an error, and so are tokens without a configured module.
    """
    with pytest.raises(ParameterError, match="requires the store pkcs11"):
        stores_named("dotnet", "module.so")
    with pytest.raises(ParameterError, match=r"The PKCS#11 module .* does not exist"):
        stores_named("", str(tmp_path / "gone.so"))
    (tmp_path / "one.so").touch()
    assert {"pkcs11"} == {store.kind for store in stores_named("", str(tmp_path / "one.so"))}
    assert {"pkcs11"} == {store.kind for store in stores_named("pkcs11", str(tmp_path / "one.so"))}


def test_an_unknown_module_name_is_reported() -> None:
    """
    A URI with the name of a module that is not configured is an error.
    """
    from entrakit.certificates.stores.available import token_stores
    from entrakit.certificates.stores.pkcs11_uri import parse_uri

    with pytest.raises(CertificateError, match="No suitable PKCS#11 module is configured"):
        token_stores("", None, {}, parse_uri("pkcs11:?module-name=nothing"))


def test_tokens_are_searched_only_if_selected(hsm: Hsm) -> None:
    """
    A search by thumbprint alone loads no module, because that can wait for hardware.
    """
    program = (
        "import sys\nfrom entrakit.certificates.sources import credential_from\n"
        "from entrakit.sources import InStore\n"
        "try: credential_from(InStore('0' * 40), None, 0.0)\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print('pkcs11' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "CertificateError\nFalse\n" == done.stdout
    assert {"pkcs11"} == {store.kind for store in stores_named("pkcs11", hsm.module)}
