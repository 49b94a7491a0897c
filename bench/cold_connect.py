"""A cold app-only connect: one process from start to token, against the embedded tenant, with the requests it sent."""

from __future__ import annotations

import sys
import tempfile
from typing import TYPE_CHECKING

from bench.measure import best_of, compile_sources, environment, table

if TYPE_CHECKING:
    from entrakit_emulator import Tenant

OURS = """
import sys
from entrakit import Cloud, Transport, connect
from entrakit.clouds import find_cloud
url, ca, tenant, client, secret = sys.argv[1:]
connect(client_id=client, tenant_id=tenant, client_secret=secret, cloud=find_cloud(url), transport=Transport(ca_bundle=ca)).token()
"""  # noqa: E501 - a script of its own

MSAL = """
import sys, msal
url, ca, tenant, client, secret = sys.argv[1:]
app = msal.ConfidentialClientApplication(client, client_credential=secret, authority=f"{url}/{tenant}", verify=ca, instance_discovery=False)
assert "access_token" in app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
"""  # noqa: E501 - a script of its own

AZURE = """
import sys
from azure.identity import ClientSecretCredential
url, ca, tenant, client, secret = sys.argv[1:]
ClientSecretCredential(tenant, client, secret, authority=url, disable_instance_discovery=True, connection_verify=ca).get_token("https://graph.microsoft.com/.default")
"""


def run() -> int:
    """Measure and print; return how many promises were not kept."""
    import entrakit_emulator

    compile_sources()
    with entrakit_emulator.start() as tenant, tempfile.TemporaryDirectory() as home:
        env = environment(ENTRAKIT_HOME=home)
        words = [tenant.url, str(tenant.ca_path), tenant.tenant_id, tenant.confidential_client, tenant.client_secret]
        scripts = {"entrakit": OURS, "msal": MSAL, "azure-identity": AZURE}
        commands = {label: [sys.executable, "-c", script, *words] for label, script in scripts.items()}
        counts = {}
        for label, command in commands.items():
            counts[f"{label}, first run"] = _requests(tenant, command, env)
            counts[f"{label}, next run"] = _requests(tenant, command, env)
        best = best_of(commands, env, rounds=15)
    broken = table("A cold app-only connect", {"msal": best.pop("msal"), **best}, {"entrakit": 1.0}, floor="msal")
    print("  Requests: " + "; ".join(f"{label} {count}" for label, count in counts.items()))
    promised = {"entrakit, first run": 2, "entrakit, next run": 1}
    return broken + sum(counts[label] != count for label, count in promised.items())


def _requests(tenant: Tenant, command: list[str], env: dict[str, str]) -> int:
    """Return how many requests one run of a command sent."""
    tenant.journal.clear()
    best_of({"once": command}, env, rounds=1)
    return len(tenant.journal.entries)
