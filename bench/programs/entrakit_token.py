"""A token with entrakit: `held` in memory, or of a connection `opened` for each call; prints seconds per call."""

from __future__ import annotations

import json
import sys
import timeit

from entrakit import get_connection

if __name__ == "__main__":
    if sys.argv[1] == "held":
        connection = get_connection("default")
        seconds = min(timeit.repeat(connection.token, number=2_000, repeat=15)) / 2_000
    else:
        seconds = min(timeit.repeat(lambda: get_connection("default").token(), number=50, repeat=7)) / 50
    print(json.dumps({"seconds": seconds}))
