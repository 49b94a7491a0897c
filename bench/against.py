"""`python -m bench.against CHECKOUT [GROUP …]`: this checkout against an older one, row by row.

CHECKOUT is a folder with another commit and its own `.venv` (`git worktree add`, then `make setup` there). The rows are
those of the groups of `bench` that measure entrakit itself. Both sides use one embedded tenant, that of this checkout,
and save their connections in separate folders.

Each side runs the code of that checkout: its `entra` and the programs of its `bench` (`bench.startup.KEEP`,
`bench.cold_connect.OURS`, `bench.vault.COLD` and `MANY`, `bench.programs.entrakit_listing`). Modules may move between
the two commits, but these programs must keep their names. The other programs come from this checkout; they use
only public names.

The sides take turns, A B B A A B …, so that other load on the machine slows both. A round runs each side several times
and takes the shortest time of each; its ratio is new to old. `new/old` is the median of the ratios of five rounds,
`best` the ratio of the shortest times of all. If the median is more than 5 % slower, ten more rounds are measured,
and all fifteen count. A row fails if both ratios are then more than 5 % slower: slower code increases both, a burst of
other load rarely does. Measure on an idle machine. To see the remaining noise, measure a checkout against itself.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.emulated import emulated
from bench.measure import ROOT, describe_machine
from bench.sides import LIMIT, Row, Side, compare
from bench.vault import secret_service

if TYPE_CHECKING:
    from bench.emulated import Emulated

USERS = 100_000
WRITES = 2_000
SINGLE_WRITES = 200
LISTING_LATENCY_S = 0.1
WRITE_LATENCY_S = 0.01
PROGRAMS = ROOT / "bench" / "programs"

SIGN_IN = """
import sys
from entrakit import Credential, connect
url, ca, tenant, client, username, password = sys.argv[1:]
connect(client_id=client, tenant_id=tenant, credential=Credential(username, password), authority_url=url, ca_bundle=ca,
        graph_url=url, name="default").close()
"""


class Setting(NamedTuple):
    """Input for the functions that make the rows.

    Args:
        sides: The older checkout, and this one.
        tenant: The tenant that both use.
        token: A token for the tenant's Graph.
        bus: Address of a session bus with a Secret Service.
    """

    sides: tuple[Side, Side]
    tenant: Emulated
    token: str
    bus: str

    def keep(self, state: str, more: int = 0, **variables: str) -> list[Side]:
        """Return both sides with a new vault that contains one connection and `more` others."""
        sides = [side.at(state, **variables) for side in self.sides]
        for side in sides:
            side.command("-c", side.text("bench.startup", "KEEP")).run()
            if more:
                side.command("-c", side.text("bench.vault", "MANY"), str(more)).run()
        return sides


def startup(setting: Setting) -> list[Row]:
    """Return the rows of programs that start without network."""
    sides = setting.keep("startup")
    return [
        Row("import entrakit", [side.command("-c", "import entrakit") for side in sides], 11),
        Row("entra token, saved and valid", [side.entra("token") for side in sides], 11),
        Row("entra status", [side.entra("status") for side in sides], 11),
        Row("entra --help", [side.entra("--help") for side in sides], 11),
    ]


def cold_connect(setting: Setting) -> list[Row]:
    """Return the row of a process that signs in once."""
    one = setting.tenant
    words = (one.url, one.ca, one.tenant, one.client, one.secret)
    sides = [side.at("cold-connect") for side in setting.sides]
    programs = [side.text("bench.cold_connect", "OURS") for side in sides]
    commands = [side.command("-c", program, *words) for side, program in zip(sides, programs, strict=True)]
    return [Row("cold connect", commands)]


def valid_token(setting: Setting) -> list[Row]:
    """Return the rows of a token in memory and of a token from a connection that is opened for each call."""
    sides, program = setting.keep("valid-token"), str(PROGRAMS / "entrakit_token.py")
    return [
        Row(f"token(), {how}", [side.command(program, how) for side in sides], 3, reports=True)
        for how in ("held", "opened")
    ]


def vault(setting: Setting) -> list[Row]:
    """Return the rows of a saved token, by the source of the key and by the size of the vault."""
    key = base64.b64encode(os.urandom(32)).decode()
    in_environment = setting.keep("key", ENTRAKIT_VAULT_KEY=key)
    by_passphrase = setting.keep("passphrase", ENTRAKIT_VAULT_KEY="correct horse battery staple")
    in_keyring = setting.keep("keyring", DBUS_SESSION_BUS_ADDRESS=setting.bus)
    rows = [
        Row("entra token, key in the environment", [side.entra("token") for side in in_environment]),
        Row("entra token, passphrase", [side.entra("token") for side in by_passphrase]),
        Row("entra token, Secret Service", [side.entra("token") for side in in_keyring]),
    ]
    for label, sides in (("passphrase", by_passphrase), ("Secret Service", in_keyring)):
        cold = [side.command("-c", side.text("bench.vault", "COLD")) for side in sides]
        rows.append(Row(f"entra token, {label}, key not held by the kernel", cold))
    for count in (100, 10_000):
        sides = setting.keep(f"vault-of-{count}", count - 1)
        rows.append(Row(f"entra token, {count:,} connections", [side.entra("token") for side in sides]))
    return rows


def listing(setting: Setting) -> list[Row]:
    """Return the rows of listing all users."""
    one, sides = setting.tenant, [side.at("listing", TOKEN=setting.token) for side in setting.sides]

    def row(label: str, what: str, parallel: int, runs: int, latency_s: float = 0.0) -> Row:
        words = ("-m", "bench.programs.entrakit_listing", what, str(parallel), one.url, one.ca)
        return Row(label, [side.command(*words) for side in sides], runs, reports=True, latency_s=latency_s)

    return [
        row(f"list {USERS:,} users, typed", "typed", 1, 3),
        row(f"list {USERS:,} users, dicts", "dicts", 1, 3),
        row(f"list {USERS:,} users, to a file", "export", 1, 3),
        row(f"list {USERS:,} users, 8 ranges, with latency", "typed", 8, 1, LISTING_LATENCY_S),
    ]


def writes(setting: Setting) -> list[Row]:
    """Return the rows of small writes."""
    one = setting.tenant
    sides = [side.at("writes", TOKEN=setting.token, PYTHONPATH=str(side.root)) for side in setting.sides]

    def row(label: str, how: str, count: int) -> Row:
        words = (str(PROGRAMS / "entrakit_writes.py"), how, one.url, one.ca, str(count))
        return Row(label, [side.command(*words) for side in sides], 1, reports=True, latency_s=WRITE_LATENCY_S)

    return [
        row(f"{SINGLE_WRITES:,} writes, one after another", "singly", SINGLE_WRITES),
        row(f"{WRITES:,} writes, 8 at the same time", "at-once", WRITES),
        row(f"{WRITES:,} writes, in batches", "in-batches", WRITES),
    ]


def cold_request(setting: Setting) -> list[Row]:
    """Return the row of one request from a shell."""
    one = setting.tenant
    sides = [side.at("cold-request") for side in setting.sides]
    for side in sides:
        side.command("-c", SIGN_IN, one.url, one.ca, one.tenant, one.public, one.username, one.password).run()
    return [Row("entra request GET /me", [side.entra("request", "GET", "/me") for side in sides])]


GROUPS = {
    "startup": startup,
    "cold_connect": cold_connect,
    "valid_token": valid_token,
    "vault": vault,
    "listing": listing,
    "writes": writes,
    "cold_request": cold_request,
}


def measure(sides: tuple[Side, Side], names: list[str], rounds: int) -> int:
    """Measure and print the rows of the named groups; return the number of rows that are too slow."""
    slower = 0
    home = sides[1].home
    with secret_service(home) as bus, emulated(USERS) as tenant:
        setting = Setting(sides, tenant, tenant.token(), bus)
        for name in names:
            tenant.delay(0)
            print(f"\n{name:<58}{'old':>12}{'new':>12}{'new/old':>9}{'best':>7}", flush=True)
            for row in GROUPS[name](setting):
                tenant.delay(row.latency_s)
                found = compare(row, rounds)
                slower += found.is_slower
                ratios = f"{found.ratio:9.3f}{found.best:7.3f}{'  SLOWER' if found.is_slower else ''}"
                print(f"  {row.label:<56}{_shown(found.old)}{_shown(found.new)}{ratios}", flush=True)
    return slower


def _shown(seconds: float) -> str:
    return f"{seconds * 1e3:9.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:9.1f} µs"


def main() -> int:
    """Read the arguments and measure; return 1 if a row is too slow."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.against", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, help="folder of another commit, with its .venv")
    parser.add_argument("groups", nargs="*", metavar="group", help=f"{', '.join(GROUPS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default: 5)")
    options = parser.parse_args()
    unknown = [name for name in options.groups if name not in GROUPS]
    if unknown:
        parser.error(f"unknown group {unknown[0]!r}; the groups are {', '.join(GROUPS)}")
    root = options.checkout.resolve()
    with tempfile.TemporaryDirectory() as directory:
        sides = (
            Side(root, root / ".venv" / "bin" / "python", Path(directory) / "old"),
            Side(ROOT, Path(sys.executable), Path(directory) / "new"),
        )
        for side in sides:
            side.home.mkdir()
            side.check()
        print(f"{describe_machine()}\nold: {root}\nnew: {ROOT}")
        slower = measure(sides, options.groups or list(GROUPS), options.rounds)
    print(f"\n{slower} rows take more than {LIMIT:g} times as long." if slower else "\nNo row is slower.")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
