"""The embedded tenant in a separate process, so that no client shares its interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = """
import json, sys
import entrakit_emulator
users, latency = int(sys.argv[1]), float(sys.argv[2])
with entrakit_emulator.start(users=users) as tenant:
    tenant.settings.graph_latency_s = latency
    tenant.settings.throttles = False
    tenant.seed.grant_roles(tenant.confidential_client, "https://graph.microsoft.com", ["User.ReadWrite.All"])
    print(json.dumps({"url": tenant.url, "ca": tenant.ca_path, "tenant": tenant.tenant_id,
                      "client": tenant.confidential_client, "secret": tenant.client_secret,
                      "public": tenant.public_client, "username": tenant.users.normal.upn,
                      "password": tenant.users.normal.password}), flush=True)
    for line in sys.stdin:
        tenant.settings.graph_latency_s = float(line)
        print("done", flush=True)
"""


class Emulated(NamedTuple):
    """A running tenant.

    Args:
        url: Origin of the tenant.
        ca: File of its CA.
        tenant: Tenant id.
        client: Client id of a confidential app.
        secret: Secret of that app.
        public: Client id of a public app.
        username: Name of a user.
        password: Password of that user.
        process: Process that serves the tenant.
    """

    url: str
    ca: str
    tenant: str
    client: str
    secret: str
    public: str
    username: str
    password: str
    process: subprocess.Popen[str]

    def delay(self, seconds: float) -> None:
        """Delay each answer of Graph by this many seconds."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the emulator was started without pipes")
        print(seconds, file=self.process.stdin, flush=True)
        self.process.stdout.readline()

    def token(self) -> str:
        """Return a token of the app for Graph."""
        from entrakit import connect

        with connect(
            client_id=self.client, tenant_id=self.tenant, client_secret=self.secret, authority_url=self.url,
            ca_bundle=self.ca, graph_url=self.url,
        ) as connection:  # fmt: skip
            return connection.token("https://graph.microsoft.com/.default").access_token


@contextmanager
def emulated(users: int = 0, latency_s: float = 0.0) -> Iterator[Emulated]:
    """Run a tenant with this number of additional users."""
    command = [sys.executable, "-c", PROGRAM, str(users), str(latency_s)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the emulator was started without pipes")
        yield Emulated(**json.loads(process.stdout.readline()), process=process)
        process.stdin.close()
