"""Sign-in with a managed identity in a new process, from its start to the token, on a host of the embedded tenant."""

from __future__ import annotations

import sys
import tempfile

from bench.measure import by_turns, compile_sources, environment, table

# A host that has the token answers as fast; one that does not waits for the token service.
LATENCY_S = 0.05
ROUNDS = 15

OURS = """
from entrakit import connect
connect(managed_identity=True).token()
"""

MSAL = """
import msal, requests
client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
assert "access_token" in client.acquire_token_for_client(resource="https://graph.microsoft.com")
"""

AZURE = """
from azure.identity import ManagedIdentityCredential
ManagedIdentityCredential().get_token("https://graph.microsoft.com/.default")
"""


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    import entrakit_emulator
    from entrakit_emulator import faults

    compile_sources()
    programs = {"azure-identity": AZURE, "entrakit": OURS, "msal": MSAL}
    commands = {label: [sys.executable, "-c", program] for label, program in programs.items()}
    with entrakit_emulator.start() as tenant, tempfile.TemporaryDirectory() as home:
        env = environment(ENTRAKIT_HOME=home) | tenant.identity.imds()
        at_once = by_turns(commands, env, rounds=ROUNDS)
        tenant.faults.add(faults.Slow(endpoint="imds", seconds=LATENCY_S, times=None))
        remote = by_turns(commands, env, rounds=ROUNDS)
    title = "Managed identity in a new process, endpoint on this machine"
    broken = table(title, at_once, {"entrakit": 0.8}, floor="azure-identity")
    later = f"The same, with {LATENCY_S * 1000:.0f} ms for the answer"
    return broken + table(later, remote, {"entrakit": 0.8}, floor="azure-identity")
