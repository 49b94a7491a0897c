"""`python -m bench`: all groups; `python -m bench startup listing`: some of them."""

from __future__ import annotations

import sys
from importlib import import_module

from bench.measure import describe_machine

GROUPS = ("startup", "cold_connect", "valid_token", "vault", "listing", "writes", "cold_request")


def main(names: list[str]) -> int:
    """Run the groups that were named, or all; return 1 if a promise was not kept."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        print(f"There is no group {unknown[0]!r}; there are {', '.join(GROUPS)}.", file=sys.stderr)
        return 2
    print(describe_machine())
    broken = 0
    for name in names or GROUPS:
        broken += import_module(f"bench.{name}").run()
    print("\nAll promises kept." if not broken else f"\n{broken} promises not kept.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
