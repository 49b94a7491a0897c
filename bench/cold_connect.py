"""Sign-in of an app in a new process, from its start to the token, on the embedded tenant; counts its requests, too."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import by_turns, compile_sources, environment, table

if TYPE_CHECKING:
    from entrakit_emulator import Tenant

# The real token service rarely answers faster, even without name look-up and connection.
LATENCY_S = 0.05

OURS = """
import sys
from entrakit import Cloud, Transport, connect
from entrakit.authority.clouds import find_cloud
url, ca, tenant, client, secret = sys.argv[1:]
connect(client_id=client, tenant_id=tenant, client_secret=secret, cloud=find_cloud(url), transport=Transport(ca_bundle=ca)).token()
"""  # noqa: E501 - a separate program

MSAL = """
import sys, msal
url, ca, tenant, client, secret = sys.argv[1:]
app = msal.ConfidentialClientApplication(client, client_credential=secret, authority=f"{url}/{tenant}", verify=ca, instance_discovery=False)
assert "access_token" in app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
"""  # noqa: E501 - a separate program

AZURE = """
import sys
from azure.identity import ClientSecretCredential
url, ca, tenant, client, secret = sys.argv[1:]
ClientSecretCredential(tenant, client, secret, authority=url, disable_instance_discovery=True, connection_verify=ca).get_token("https://graph.microsoft.com/.default")
"""


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    import entrakit_emulator
    from entrakit_emulator import faults

    compile_sources()
    with entrakit_emulator.start() as tenant, tempfile.TemporaryDirectory() as home:
        env = environment(ENTRAKIT_HOME=home)
        bundle, directory = trust(Path(home), tenant.ca_path)
        who = [tenant.tenant_id, tenant.confidential_client, tenant.client_secret]
        commands = {
            "msal": [sys.executable, "-c", MSAL, tenant.url, bundle, *who],
            "entrakit": [sys.executable, "-c", OURS, tenant.url, directory, *who],
            "azure-identity": [sys.executable, "-c", AZURE, tenant.url, bundle, *who],
        }
        counts = {}
        for label, command in commands.items():
            for which in ("first", "next"):
                counts[f"{label}, {which} run"] = _requests(tenant, command, env)
        at_once = by_turns(commands, env, rounds=15)
        for endpoint in ("discovery", "token"):
            tenant.faults.add(faults.Slow(endpoint=endpoint, seconds=LATENCY_S, times=None))
        remote = by_turns(commands, env, rounds=15)
    title = "Sign-in of an app in a new process, service on this machine"
    broken = table(title, at_once, {"entrakit": 0.95}, floor="msal")
    broken += table(
        f"The same, with {LATENCY_S * 1000:.0f} ms for each answer", remote, {"entrakit": 0.8}, floor="msal"
    )
    print("  Requests: " + "; ".join(f"{label} {count}" for label, count in counts.items()))
    promised = {"entrakit, first run": 2, "entrakit, next run": 1}
    return broken + sum(counts[label] != count for label, count in promised.items())


def trust(home: Path, ca_path: str) -> tuple[str, str]:
    """Write the public CAs and the tenant's, as a bundle and as a hashed directory; return both paths."""
    import certifi

    bundle, directory = home / "bundle.pem", home / "certs"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + Path(ca_path).read_bytes())
    directory.mkdir()
    for link in Path("/etc/ssl/certs").glob("*.0"):
        (directory / link.name).symlink_to(link.resolve())
    command = ["openssl", "x509", "-noout", "-hash", "-in", ca_path]
    digest = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (directory / f"{digest}.0").symlink_to(ca_path)
    return str(bundle), str(directory)


def _requests(tenant: Tenant, command: list[str], env: dict[str, str]) -> int:
    """Return the number of requests that one run of a command sends."""
    tenant.journal.clear()
    by_turns({"once": command}, env, rounds=1)
    return len(tenant.journal.entries)
