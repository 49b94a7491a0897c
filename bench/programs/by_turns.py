"""The raw loop and entrakit by turns in one process, so that other load of the machine affects both."""

from __future__ import annotations

import json
import os
import sys
import time
from statistics import median

from bench.programs import entrakit_listing, raw

if __name__ == "__main__":
    origin, ca, path, turns = sys.argv[1:]
    token = os.environ["TOKEN"]
    ratios, count = [], 0
    for _ in range(int(turns)):
        begun = time.perf_counter()
        raw.run("msgspec", origin, ca, token, path)
        between = time.perf_counter()
        count = entrakit_listing.run("typed", 1, entrakit_listing.client(origin, ca, token), "", sys.maxsize)
        ratios.append((time.perf_counter() - between) / (between - begun))
    print(json.dumps({"ratio": median(ratios), "count": count}))
