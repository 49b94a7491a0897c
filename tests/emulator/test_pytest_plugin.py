"""The pytest fixture."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import sys

def test_nothing_is_loaded_before_it_is_needed():
    assert "uvicorn" not in sys.modules

def test_first(entra_tenant):
    entra_tenant.seed.add_user("una@contoso.example", "x")
    entra_tenant.clock.advance(1000)

def test_second(entra_tenant):
    assert 0 == entra_tenant.clock.offset_s
    entra_tenant.seed.add_user("una@contoso.example", "x")
"""


def test_each_test_gets_a_fresh_tenant_of_one_server(tmp_path: Path) -> None:
    """
    Changes of one test are not visible to the next; a test without a tenant does not start one.
    """
    (tmp_path / "test_it.py").write_text(TESTS)

    # The plugin is loaded once, by name, whether the distribution is installed or not.
    environment = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTEST_ADDOPTS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "entrakit_emulator.pytest_plugin", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, "--rootdir", tmp_path, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | environment,
    )

    assert 0 == run.returncode, run.stdout + run.stderr
    assert "3 passed" in run.stdout
