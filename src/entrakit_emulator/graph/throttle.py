"""Throttling of the directory: a bucket of resource units and a bucket of writes for each app in a tenant.

Microsoft Graph, "Service-specific throttling limits: identity and access". Times are the tenant's.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from entrakit_emulator.graph.errors import GraphError
from entrakit_emulator.state.bucket import Bucket

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

# For tenants with fewer users than the first number: resource units in ten seconds.
SIZES = ((50, 3_500), (501, 5_000), (math.inf, 8_000))
WINDOW_S = 10.0
WRITES, WRITE_WINDOW_S = 3_000, 150.0
TOLD_FROM = 0.8
COSTS: tuple[tuple[str, str, int], ...] = (
    ("GET", r"applications(/[^/]+)?", 2), ("GET", r"users", 2), ("GET", r"subscribedskus(/.*)?", 3),
    ("GET", r"groups/[^/]+/members(/.*)?", 3), ("GET", r"groups/[^/]+/transitivemembers(/.*)?", 5),
    ("GET", r"(users/[^/]+|me)/(memberof|transitivememberof|licensedetails|ownedobjects)(/.*)?", 2),
    ("POST", r"directoryobjects/getbyids", 3), ("POST", r".*/checkmember(groups|objects)", 4),
    ("POST", r".*/getmember(groups|objects)", 2),
)  # fmt: skip


def cost_of(call: Call) -> int:
    """Return the cost of a request in resource units."""
    path = "/".join(call.segments).lower()
    cost = next((units for method, pattern, units in COSTS if method == call.method and re.fullmatch(pattern, path)), 1)
    if call.method == "GET":
        top = call.options.get("$top", "")
        cost += "$expand" in call.options
        cost -= "$select" in call.options
        cost -= top.isascii() and top.isdigit() and int(top[:4]) < 20
    return max(1, cost)


def admit(call: Call) -> dict[str, str]:
    """Take the cost of a request from the app's buckets, and return the headers with the cost.

    Raises:
        GraphError: The app has no allowance left (429).
    """
    settings = call.exchange.world.settings
    cost = cost_of(call)
    headers = {"x-ms-resource-unit": str(cost)}
    if not settings.throttles:
        return headers
    app = str(call.claims.get("appid") or call.claims.get("azp"))
    buckets = call.exchange.world.buckets
    size = settings.resource_units or next(units for fewer, units in SIZES if call.store.people(call.tenant) < fewer)
    reads = _bucket(buckets, ("units", app, call.tenant), size, WINDOW_S, call.now)
    wanted = [(reads, cost, "ResourceUnitLimitExceeded")]
    if call.method not in ("GET", "HEAD") and not call.segments[-1].lower().startswith(("get", "check")):
        writes = _bucket(buckets, ("writes", app, call.tenant), settings.writes or WRITES, WRITE_WINDOW_S, call.now)
        wanted.append((writes, 1, "WriteLimitExceeded"))
    wait, reason = max((bucket.wait_for(amount, call.now), reason) for bucket, amount, reason in wanted)
    if wait:
        # A refused request costs nothing, so a client that waits as told succeeds.
        raise too_many(call, wait, reason, app)
    for bucket, amount, _ in wanted:
        bucket.take(amount)
    if reads.used > TOLD_FROM:
        headers["x-ms-throttle-limit-percentage"] = f"{reads.used:.1f}"
    return headers


def _bucket(
    buckets: dict[tuple[str, str, str], Bucket], key: tuple[str, str, str], size: float, window_s: float, now: float
) -> Bucket:
    """Return a bucket, or a new one if its size has changed by a setting or with the tenant."""
    known = buckets.get(key)
    if known is None or known.size != size:
        known = buckets[key] = Bucket(size, window_s, size, now)
    return known


def too_many(call: Call, wait: float, reason: str, app: str) -> GraphError:
    """Return the error for a caller that sends too many requests."""
    return GraphError(
        429, "TooManyRequests", "Please retry again later.",
        {
            "retry-after": str(max(1, math.ceil(wait))),
            "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{app}/{call.tenant}",
            "x-ms-throttle-information": reason,
        },
        inner={"code": "429", "message": "Please retry after", "status": "429"},
    )  # fmt: skip
