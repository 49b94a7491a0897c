"""Conversation of the interop tests with a client in another language: JSON lines, one task and its result."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import threading
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrakit_emulator import Tenant

TIMEOUT_S = 60


def caller_token(tenant: Tenant, scope: str = "") -> str:
    """Return an access token of the user `normal`, by default for the seeded API."""
    user = tenant.users.normal
    form = {
        "grant_type": "password", "client_id": tenant.public_client, "username": user.upn, "password": user.password,
        "scope": scope or f"{tenant.api_uri}/Orders.Read",
    }  # fmt: skip
    context = ssl.create_default_context(cafile=tenant.ca_path)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    address = f"{tenant.url}/{tenant.tenant_id}/oauth2/v2.0/token"
    with opener.open(address, urlencode(form).encode(), TIMEOUT_S) as response:
        token: str = json.load(response)["access_token"]
    return token


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
