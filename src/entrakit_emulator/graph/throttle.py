"""Throttling of the directory: a bucket of resource units, and one of writes, for each app in a tenant.

Microsoft Graph, "Service-specific throttling limits: identity and access". Times are the tenant's.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrakit_emulator.graph.errors import GraphError

if TYPE_CHECKING:
    from entrakit_emulator.graph.call import Call

# Tenants up to so many users: resource units in ten seconds.
SIZES = ((50, 3_500), (500, 5_000), (math.inf, 8_000))
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


@dataclass(slots=True)
class Bucket:
    """What is left of an allowance that fills up again.

    Args:
        size: How much it holds.
        window_s: Seconds in which it fills up.
        left: What is left.
        at: When that was.
    """

    size: float
    window_s: float
    left: float
    at: float

    def take(self, amount: float, now: float) -> float:
        """Take some, and return 0; or return the seconds until there is enough."""
        self.left = min(self.size, self.left + max(0.0, now - self.at) * self.size / self.window_s)
        self.at = now
        if self.left >= amount:
            self.left -= amount
            return 0.0
        return (amount - self.left) * self.window_s / self.size

    @property
    def used(self) -> float:
        """Which part of it is used."""
        return 1.0 - self.left / self.size


def cost_of(call: Call) -> int:
    """Return the resource units that a request costs."""
    path = "/".join(call.segments).lower()
    cost = next((units for method, pattern, units in COSTS if method == call.method and re.fullmatch(pattern, path)), 1)
    if call.method == "GET":
        top = call.options.get("$top", "")
        cost += "$expand" in call.options
        cost -= "$select" in call.options
        cost -= top.isascii() and top.isdigit() and int(top[:4]) < 20
    return max(1, cost)


def admit(call: Call) -> dict[str, str]:
    """Let a request pass, and return the headers that say what it cost.

    Raises:
        GraphError: The app has used up what it may (429).
    """
    settings = call.exchange.world.settings
    cost = cost_of(call)
    headers = {"x-ms-resource-unit": str(cost)}
    if not settings.throttles:
        return headers
    app = str(call.claims.get("appid") or call.claims.get("azp"))
    buckets = call.exchange.world.buckets
    size = settings.resource_units or next(units for most, units in SIZES if call.store.people(call.tenant) <= most)
    reads = buckets.setdefault(("units", app, call.tenant), Bucket(size, WINDOW_S, size, call.now))
    waits = [(reads.take(cost, call.now), "ResourceUnitLimitExceeded")]
    if call.method not in ("GET", "HEAD") and not call.segments[-1].lower().startswith(("get", "check")):
        limit = settings.writes or WRITES
        writes = buckets.setdefault(("writes", app, call.tenant), Bucket(limit, WRITE_WINDOW_S, limit, call.now))
        waits.append((writes.take(1, call.now), "WriteLimitExceeded"))
    wait, reason = max(waits)
    if wait:
        raise too_many(call, wait, reason, app)
    if reads.used > TOLD_FROM:
        headers["x-ms-throttle-limit-percentage"] = f"{reads.used:.1f}"
    return headers


def too_many(call: Call, wait: float, reason: str, app: str) -> GraphError:
    """Return the refusal of a caller that asks too often."""
    return GraphError(
        429, "TooManyRequests", "Please retry again later.",
        {
            "retry-after": str(max(1, math.ceil(wait))),
            "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{app}/{call.tenant}",
            "x-ms-throttle-information": reason,
        },
        inner={"code": "429", "message": "Please retry after", "status": "429"},
    )  # fmt: skip
