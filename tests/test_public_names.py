"""The public names of the package."""

from __future__ import annotations

import entrakit


def test_the_exported_names_are_there() -> None:
    """
    Each name of `__all__` exists and is loaded from the module that defines it.
    """
    missing = [name for name in entrakit.__all__ if not hasattr(entrakit, name)]

    assert [] == missing
    assert sorted(entrakit.__all__) == dir(entrakit)


def test_there_are_few_of_them() -> None:
    """
    A programmer can remember the public names: a dozen and the version. A former name of the same thing is not counted.
    """
    assert entrakit.Credential is entrakit.UsernamePassword
    assert len(set(entrakit.__all__) - {"Credential"}) <= 13


def test_another_name_is_an_attribute_error() -> None:
    """
    A misspelt name raises AttributeError, as in any module.
    """
    assert not hasattr(entrakit, "conect")
