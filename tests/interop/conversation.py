"""Conversation of the interop tests with a client in another language: JSON lines, one task and its result."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit_emulator import Tenant

TIMEOUT_S = 60


def run_flow(
    tenant: Tenant, command: Sequence[str], task: Mapping[str, object], environ: Mapping[str, str]
) -> dict[str, object]:
    """Run a client with a simulated user, and return its result or its error.

    Args:
        tenant: The tenant.
        command: The client and its arguments.
        task: The flow and its parameters.
        environ: Additional variables of the client.
    """
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | dict(environ)
    ) as process:
        watchdog = threading.Timer(TIMEOUT_S, process.kill)
        watchdog.start()
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said = json.loads(line)
                if "device" not in said:
                    found: dict[str, object] = said["result"] if "result" in said else said["error"]
                    return found
                tenant.person().approve_device(str(said["device"]))
        finally:
            watchdog.cancel()
    raise AssertionError("The client ended without a result.")
