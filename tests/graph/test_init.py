"""The public names of `entrakit.graph`, which are loaded on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from entrakit import graph


def test_every_name_is_the_one_of_its_module() -> None:
    """
    Each public name exists, and is the object that its module defines.
    """
    for name in graph.__all__:
        value = getattr(graph, name)
        assert value.__module__.startswith("entrakit."), name
        assert getattr(sys.modules[value.__module__], value.__name__) is value


def test_dir_lists_the_public_names() -> None:
    """
    `dir()` lists the public names, sorted, whether they are loaded or not.
    """
    assert sorted(graph.__all__) == dir(graph)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """
    A name that does not exist is an AttributeError that names the package.
    """
    with pytest.raises(AttributeError, match=r"'entrakit\.graph' has no attribute 'Nothing'"):
        graph.Nothing  # noqa: B018 - the access is the test


def test_importing_the_package_loads_no_client() -> None:
    """
    Importing the package loads none of its modules; the first use of a name loads the module of that name.
    """
    program = (
        "import sys, entrakit.graph\n"
        "names = ['entrakit.graph.client', 'entrakit.graph.client_async', 'entrakit.services.decoding']\n"
        "print([name for name in names if name in sys.modules])\n"
        "entrakit.graph.Client\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n['entrakit.graph.client']\n" == done.stdout
