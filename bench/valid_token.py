"""`connection.token()` on a valid token, and that it is flat in the number of kept connections."""

from __future__ import annotations

import tempfile
import time
import timeit
from typing import TYPE_CHECKING

from bench.measure import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrakit.vault import Vault

LIMIT_US = 2.0
SCOPE = "https://graph.microsoft.com/.default"


def run() -> int:
    """Measure and print; return how many promises were not kept."""
    from entrakit.vault import Vault

    from entrakit.kept import get_connection

    best: dict[str, float] = {"an empty method": _per_call(_Empty().token)}
    opening: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as home:
        vault = Vault(home)
        kept = 0
        for count in (1, 100, 10_000):
            for number in range(kept, count):
                _keep(vault, f"c{number}")
            kept = count
            connection = get_connection("c0", vault=vault)
            best[f"token(), {count:,} kept"] = _per_call(connection.token)
            opening[f"open one of {count:,} and ask"] = _per_open(lambda: get_connection("c0", vault=vault).token())
    best["msal acquire_token_for_client()"] = _per_call(_msal())
    table("A valid token in memory", best, {}, floor="an empty method", unit="µs")
    slowest = max(seconds for label, seconds in best.items() if label.startswith("token()")) * 1e6
    print(f"  promised ≤ {LIMIT_US} µs: {'kept' if slowest <= LIMIT_US else 'NOT KEPT'} ({slowest:.2f} µs)")
    first = next(iter(opening))
    broken = table("A kept token, opened", opening, dict.fromkeys(opening, 2.0), floor=first, unit="µs")
    return broken + (slowest > LIMIT_US)


class _Empty:
    def token(self) -> None:
        return None


def _per_call(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=20_000, repeat=7)) / 20_000


def _per_open(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=50, repeat=7)) / 50


def _keep(vault: Vault, name: str) -> None:
    from entrakit.clouds import GLOBAL
    from entrakit.record import Record, keep
    from entrakit.settings import Settings
    from entrakit.tokens import Token

    now = time.time()
    token = Token("x" * 2000, issued_at=now, expires_at=now + 86400)
    client = "00000000-0000-0000-0000-000000000000"
    keep(vault, Record(Settings(name, "secret", client, "contoso.com", GLOBAL, (SCOPE,)), {SCOPE: token}), now=now)


def _msal() -> Callable[[], object]:
    """Return MSAL's own call on a token in its memory."""
    import json

    import msal

    class Http:
        def get(self, url: str, **_: object) -> object:
            return _Answer(
                {
                    "authorization_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/authorize",
                    "token_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/token",
                    "issuer": "https://login.microsoftonline.com/t/v2.0",
                }
            )

        def post(self, url: str, **_: object) -> object:
            return _Answer({"access_token": "x" * 2000, "expires_in": 86400, "token_type": "Bearer"})

        def close(self) -> None:
            return None

    class _Answer:
        def __init__(self, body: dict[str, object]) -> None:
            self.status_code, self.text, self.headers = 200, json.dumps(body), {}

        def raise_for_status(self) -> None:
            return None

    app = msal.ConfidentialClientApplication(
        "app", client_credential="s", authority="https://login.microsoftonline.com/t", http_client=Http()
    )
    return lambda: app.acquire_token_for_client([SCOPE])
