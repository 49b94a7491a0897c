"""The way to sign in of a saved connection, by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

import entrakit.sign_in.flows
from entrakit.authority.clouds import GLOBAL
from entrakit.connection.settings import Settings
from entrakit.errors import VaultError
from entrakit.sign_in.flow import Flow
from entrakit.sign_in.flows import find, way_of
from entrakit.sign_in.parameter_table import SETS

FILES = {path.stem for path in Path(entrakit.sign_in.flows.__file__).parent.glob("[a-z]*.py")}


@pytest.mark.parametrize("name", sorted(FILES - {"refresh"}))
def test_each_file_has_one_way(name: str) -> None:
    """
    Each file holds the type of one immutable value, and a parameter set selects it. Its own name is that of the file,
    but a credential of a key vault is saved as the certificate or the secret that it turns out to be, and a choice
    between browser and device code as the one that was used.
    """
    way = find(name)

    assert issubclass(way, Flow)
    others = {"key_vault": "certificate", "browser_or_device_code": "browser"}
    assert others.get(name, name) == way.name
    assert name in {one.flow for one in SETS}


@pytest.mark.parametrize("name", ["", "telepathy", "os", "..secret", "secret.os", "__init__"])
def test_an_unknown_name_is_reported(name: str) -> None:
    """
    The entry of a newer version, or a damaged one, names a way that does not exist. Nothing else is imported.
    """
    with pytest.raises(VaultError, match="has no way to sign in"):
        find(name)


def test_the_source_tells_whether_a_key_vault_is_read_again() -> None:
    """
    A saved connection with a credential of a key vault reads it there again.
    """
    settings = Settings("job", "secret", "client", "contoso.com", GLOBAL, ("s",), origin=(("secret", "stdin"),))

    assert find("secret") is way_of(settings)
    assert find("key_vault") is way_of(settings._replace(origin=(("vault", "contoso"), ("vault_secret", "s"))))
