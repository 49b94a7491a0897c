"""`entra request GET /me` from a shell: a whole process with a saved connection, compared with alternatives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from bench.emulated import Emulated, emulated
from bench.measure import ROOT, by_turns, compile_sources, environment, table
from entrakit import Transport

LIMIT = 1.8
ROUNDS = 15
AZ = ROOT / ".venv-azure-cli" / "bin" / "az"

# Azure CLI can't sign in to the embedded tenant, so it gets a token and does less work than the others.
AZ_REST = "az rest, token given"

FLOOR = """
import argparse, http.client, json, os, ssl, sys
parser = argparse.ArgumentParser()
parser.add_argument("method")
parser.add_argument("path")
options = parser.parse_args(["GET", "/me"])
from urllib.parse import urlsplit
host = urlsplit(os.environ["GRAPH"])
context = ssl.create_default_context(cafile=os.environ["CA"])
one = http.client.HTTPSConnection(host.hostname, host.port, context=context)
headers = {"Authorization": "Bearer " + os.environ["TOKEN"], "Accept": "application/json"}
one.request(options.method, "/v1.0" + options.path, headers=headers)
print(json.dumps(json.loads(one.getresponse().read()), indent=2))
"""

MSAL = """
import json, os, sys, msal, requests
cache = msal.SerializableTokenCache()
cache.deserialize(open(os.environ["CACHE"]).read())
app = msal.PublicClientApplication(os.environ["CLIENT"], authority=os.environ["GRAPH"] + "/" + os.environ["TENANT"], verify=os.environ["CA"], instance_discovery=False, token_cache=cache)
result = app.acquire_token_silent(["https://graph.microsoft.com/User.Read"], account=app.get_accounts()[0])
print(json.dumps(requests.get(os.environ["GRAPH"] + "/v1.0/me", headers={"Authorization": "Bearer " + result["access_token"]}, verify=os.environ["CA"]).json(), indent=2))
"""  # noqa: E501 - a separate program

SDK = """
import asyncio, os, ssl, time, httpx
from azure.core.credentials import AccessToken
from azure.identity import InteractiveBrowserCredential
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphServiceClient
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph_core import GraphClientFactory
class Fixed:
    def get_token(self, *scopes, **more):
        return AccessToken(os.environ["TOKEN"], int(time.time()) + 3600)
async def main():
    http = GraphClientFactory.create_with_default_middleware(client=httpx.AsyncClient(verify=ssl.create_default_context(cafile=os.environ["CA"])), options=options)
    adapter = GraphRequestAdapter(AzureIdentityAuthenticationProvider(Fixed(), allowed_hosts=["localhost"]), http)
    adapter.base_url = os.environ["GRAPH"] + "/v1.0"
    print(await GraphServiceClient(request_adapter=adapter).me.get())
asyncio.run(main())
"""  # noqa: E501 - a separate program


def run() -> int:
    """Measure and print; return the number of promises that are not kept."""
    import msal

    compile_sources()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        os.environ.pop(name, None)
    with emulated() as one, tempfile.TemporaryDirectory() as home:
        from entrakit import UsernamePassword, connect

        os.environ["ENTRAKIT_HOME"] = home
        connection = connect(
            client_id=one.public, tenant_id=one.tenant, credential=UsernamePassword(one.username, one.password),
            authority_url=one.url, ca_bundle=one.ca, graph_url=one.url, name="default",
        )  # fmt: skip
        token = connection.get_token("https://graph.microsoft.com/.default", enable_cae=True).token
        cache = msal.SerializableTokenCache()
        app = msal.PublicClientApplication(
            one.public, authority=f"{one.url}/{one.tenant}", verify=one.ca, instance_discovery=False, token_cache=cache
        )
        app.acquire_token_by_refresh_token(_refresh_token(one), ["https://graph.microsoft.com/User.Read"])
        path = os.path.join(home, "msal.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(cache.serialize())
        env = environment(
            ENTRAKIT_HOME=home, GRAPH=one.url, CA=one.ca, TOKEN=token, CACHE=path, CLIENT=one.public, TENANT=one.tenant,
            AZURE_CONFIG_DIR=os.path.join(home, "az"), AZURE_CORE_COLLECT_TELEMETRY="no",
        )  # fmt: skip
        python = [sys.executable, "-c"]
        commands = {
            "standard library only, token given": [*python, FLOOR],
            "entra request GET /me": [os.path.join(os.path.dirname(sys.executable), "entra"), "request", "GET", "/me"],
            "msal + requests, cache in a file": [*python, MSAL],
            "msgraph-sdk with azure-identity": [*python, SDK],
        }
        environs = {}
        if AZ.exists():
            commands[AZ_REST] = [
                str(AZ), "rest", "--uri", f"{one.url}/v1.0/me", "--skip-authorization-header", "--headers",
                f"Authorization=Bearer {token}",
            ]  # fmt: skip
            environs[AZ_REST] = {**env, "REQUESTS_CA_BUNDLE": one.ca}
        else:
            print("\nazure-cli is not installed, so `az rest` is not measured: scripts/install-azure-cli installs it.")
        for label, command in commands.items():
            done = subprocess.run(command, check=False, env=environs.get(label, env), capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"A measured program failed: {done.stderr[-1500:]}")
        measured = by_turns(commands, env, ROUNDS, environs)
    limits = {"entra request GET /me": LIMIT}
    return table("GET /me from a shell", measured, limits, floor="standard library only, token given")


def _refresh_token(one: Emulated) -> str:
    """Return a refresh token of the user. MSAL's password flow drops the port of the authority, so it fails here."""
    from urllib.parse import urlencode

    form = {
        "grant_type": "password", "client_id": one.public, "username": one.username, "password": one.password,
        "scope": "https://graph.microsoft.com/User.Read openid offline_access",
    }  # fmt: skip
    answer = Transport(ca_bundle=one.ca).send(
        "POST", f"{one.url}/{one.tenant}/oauth2/v2.0/token", body=urlencode(form),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    return str(json.loads(answer.body)["refresh_token"])
