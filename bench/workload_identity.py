"""Sign-in with the token file of a pod in a new process, from its start to the token, on the embedded tenant."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.cold_connect import LATENCY_S, trust
from bench.measure import by_turns, compile_sources, environment, table

SUBJECT = "system:serviceaccount:shop:api"
ROUNDS = 15

OURS = """
import sys
from entrakit import Transport, connect
connect(federated="kubernetes", transport=Transport(ca_bundle=sys.argv[1])).token()
"""

AZURE = """
import sys
from azure.identity import WorkloadIdentityCredential
credential = WorkloadIdentityCredential(disable_instance_discovery=True, connection_verify=sys.argv[1])
credential.get_token("https://graph.microsoft.com/.default")
"""


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    import entrakit_emulator
    from entrakit_emulator import faults

    compile_sources()
    with entrakit_emulator.start() as tenant, tempfile.TemporaryDirectory() as home:
        bundle, directory = trust(Path(home), tenant.ca_path)
        issuer = tenant.add_issuer()
        tenant.seed.add_federated_credential(tenant.confidential_client, issuer.issuer, SUBJECT)
        pod = issuer.kubernetes(SUBJECT, tenant.confidential_client)
        env = environment(ENTRAKIT_HOME=home, **pod)
        commands = {
            "entrakit": [sys.executable, "-c", OURS, directory],
            "azure-identity": [sys.executable, "-c", AZURE, bundle],
        }
        by_turns(commands, env, rounds=1)
        at_once = by_turns(commands, env, rounds=ROUNDS)
        for endpoint in ("discovery", "token"):
            tenant.faults.add(faults.Slow(endpoint=endpoint, seconds=LATENCY_S, times=None))
        remote = by_turns(commands, env, rounds=ROUNDS)
    title = "Sign-in with the token of a pod in a new process, service on this machine"
    broken = table(title, at_once, {"entrakit": 0.8}, floor="azure-identity")
    broken += table(
        f"The same, with {LATENCY_S * 1000:.0f} ms for each answer", remote, {"entrakit": 0.8}, floor="azure-identity"
    )
    return broken
