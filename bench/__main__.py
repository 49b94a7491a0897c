"""Command line: `python -m bench` runs all groups, `python -m bench startup listing` only these."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.measure import describe_machine

GROUPS = (
    "startup", "cold_connect", "workload_identity", "valid_token", "vault", "listing", "writes", "cold_request",
    "cold_identity",
)  # fmt: skip


def main(names: list[str]) -> int:
    """Run the named groups, or all; return 1 if a promise is not kept, 2 for an unknown group."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"Unknown group {unknown[0]!r}; the groups are {', '.join(GROUPS)}.", file=sys.stderr)
        return 2
    print(describe_machine())
    broken = 0
    for name in names or GROUPS:
        broken += import_module(f"bench.{name}").run()
    print("\nAll promises kept." if not broken else f"\n{broken} promises not kept.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
