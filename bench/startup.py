"""Start-up: `import entrakit`, help, and `entra token` with a saved, valid token; compared with Python and peers."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.measure import by_turns, compile_sources, environment, table

KEEP = """
import time
from entrakit.authority.clouds import GLOBAL
from entrakit.connection.record import Record, keep
from entrakit.connection.settings import Settings
from entrakit.tokens.token import Token
from entrakit.vault import Vault
now = time.time()
scopes = ("https://graph.microsoft.com/.default",)
token = Token("x" * 2000, issued_at=now, expires_at=now + 86400)
settings = Settings("default", "secret", "0" * 8 + "-0000-0000-0000-" + "0" * 12, "contoso.com", GLOBAL, scopes)
keep(Vault(), Record(settings, {scopes[0]: token}), now=now)
"""

MSAL_SCRIPT = """
import sys, time, msal
from msal_extensions import FilePersistence, PersistedTokenCache
cache = PersistedTokenCache(FilePersistence(sys.argv[1]))
if len(sys.argv) > 2:
    cache.add({"client_id": "app", "scope": ["s"], "token_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/token",
               "response": {"access_token": "x" * 2000, "expires_in": 86400, "token_type": "Bearer"}, "environment": "login.microsoftonline.com"})
found = list(cache.search("AccessToken", target=["s"]))
print(found[0]["secret"])
"""  # noqa: E501 - a separate program


AZURE_SCRIPT = """
import sys
from azure.identity import ClientSecretCredential, TokenCachePersistenceOptions
url, ca, tenant, client, secret = sys.argv[1:]
kept = TokenCachePersistenceOptions(name="bench", allow_unencrypted_storage=True)
credential = ClientSecretCredential(tenant, client, secret, authority=url, disable_instance_discovery=True,
                                    connection_verify=ca, cache_persistence_options=kept)
print(credential.get_token("https://graph.microsoft.com/.default").token)
"""


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    compile_sources()
    import entrakit_emulator

    with entrakit_emulator.start() as tenant, tempfile.TemporaryDirectory() as directory:
        home, cache = Path(directory) / "home", str(Path(directory) / "msal.json")
        env = environment(ENTRAKIT_HOME=str(home), HOME=directory)
        words = [tenant.url, tenant.ca_path, tenant.tenant_id, tenant.confidential_client, tenant.client_secret]
        python = sys.executable
        by_turns({"keep": [python, "-c", KEEP]}, env, rounds=1)
        by_turns({"keep": [python, "-c", MSAL_SCRIPT, cache, "add"]}, env, rounds=1)
        by_turns({"keep": [python, "-c", AZURE_SCRIPT, *words]}, env, rounds=1)
        imports = by_turns(
            {
                "python -c pass": [python, "-c", "pass"],
                "import entrakit": [python, "-c", "import entrakit"],
                "import msal": [python, "-c", "import msal"],
                "import azure.identity": [python, "-c", "import azure.identity"],
            },
            env,
        )
        entra = str(Path(python).with_name("entra"))
        tokens = by_turns(
            {
                "python -c pass": [python, "-c", "pass"],
                "entra token (saved, valid)": [entra, "token"],
                "msal + msal-extensions (unencrypted)": [python, "-c", MSAL_SCRIPT, cache],
                "azure-identity (unencrypted)": [python, "-c", AZURE_SCRIPT, *words],
            },
            env,
        )
    helps = by_turns(
        {
            "python -c pass": [python, "-c", "pass"],
            "entra --help": [entra, "--help"],
            "entra vault export --help": [entra, "vault", "export", "--help"],
            "entra request --help": [entra, "request", "--help"],
        },
        env,
    )
    limits = {"entra --help": 3.5, "entra vault export --help": 3.5, "entra request --help": 3.5}
    broken = table("Help", helps, limits, floor="python -c pass")
    broken += table("Importing", imports, {"import entrakit": 1.2}, floor="python -c pass")
    return broken + table("A saved token", tokens, {"entra token (saved, valid)": 4.0}, floor="python -c pass")
