"""Paths of files, made absolute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from entrakit.paths import absolute

REMOVED = """
import os, tempfile
directory = tempfile.mkdtemp()
os.chdir(directory)
os.rmdir(directory)
import entrakit
from entrakit.errors import ParameterError
from entrakit.certificates import Certificate
from entrakit.files.result import target_of
from entrakit.graph.delta_session import DeltaSession
from entrakit.http.transport import Transport
from entrakit.secret import Secret
from entrakit.vault import Vault
for use in (
    Certificate.from_path, target_of, DeltaSession, Secret.from_file, Vault, lambda path: Transport(ca_bundle=path),
    lambda path: entrakit.connect(client_id="Graph", tenant_id="contoso.com", certificate_path=path),
    lambda path: entrakit.connect(
        client_id="Graph", tenant_id="contoso.com", certificate_path="/x", certificate_command=["./" + path]
    ),
):
    try:
        use("file")
    except ParameterError as error:
        print(error.problem, error.remedy)
"""


def test_a_path_becomes_absolute() -> None:
    """
    `~` is the home directory, and a relative path is below the working directory.
    """
    assert str(Path.home() / "x") == absolute("~/x")
    assert str(Path.cwd() / "x") == absolute(Path("x"))


def test_every_relative_path_needs_a_working_directory() -> None:
    """
    If the working directory was removed, each use of a relative path says so.
    """
    done = subprocess.run([sys.executable, "-c", REMOVED], capture_output=True, text=True, check=True, timeout=60)

    lines = done.stdout.splitlines()
    assert 8 == len(lines), done.stdout
    assert all(
        "is relative, and the working directory does not exist any more. Give an absolute path, or change to a "
        "directory that exists." in line
        for line in lines
    )


def test_the_command_names_the_directory(private_home: Path) -> None:
    """
    An error about an input file does not say that a result can't be written.
    """
    script = 'mkdir "$1" && cd "$1" && rmdir "$1" && shift && exec "$@"'
    entra = Path(sys.executable).with_name("entra")
    words = ("connect", "--client-id", "Graph", "--tenant-id", "contoso.com", "--certificate-path", "app.pem")

    done = subprocess.run(
        ["bash", "-c", script, "bash", str(private_home / "gone"), str(entra), *words],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert 2 == done.returncode
    assert "Error: The path 'app.pem' is relative, and the working directory does not exist any more.\n" in done.stderr


def test_an_absolute_path_needs_none() -> None:
    """
    An absolute path stays as it is.
    """
    assert "/x/y" == absolute("/x/./y")
