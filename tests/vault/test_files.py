"""Saved connections as files: where their directory is, and what is checked of it."""

from __future__ import annotations

import sys

import pytest

from entrakit.errors import VaultError
from entrakit.vault.files import state_dir


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"ENTRAKIT_HOME": "/srv/entra", "HOME": "/home/ada"}, "/srv/entra"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/ada"}, "/state/entrakit"),
        ({"HOME": "/home/ada"}, "/home/ada/.local/state/entrakit"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/ada"}, "/home/ada/.local/state/entrakit"),
    ],
)
def test_the_place_follows_the_environment(environ: dict[str, str], expected: str) -> None:
    """
    Our own variable, then the XDG rule (checklist 44).
    """
    assert expected == state_dir(environ)


@pytest.mark.parametrize("environ", [{}, {"XDG_STATE_HOME": "relative"}])
def test_without_a_home_it_says_what_to_set(environ: dict[str, str]) -> None:
    """
    A container without a home reads which variable to set.
    """
    with pytest.raises(VaultError) as caught:
        state_dir(environ)

    assert "ENTRAKIT_HOME" in caught.value.remedy


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_have_their_own_place(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    MacOS and Windows name the place themselves, through platformdirs.
    """
    monkeypatch.setattr(sys, "platform", platform)

    assert state_dir({}).endswith("entrakit")
