"""Types that a listing is decoded to, and the report of a program."""

from __future__ import annotations

import resource
import time

import msgspec


class User(msgspec.Struct):
    """A user with Graph's default properties."""

    id: str
    displayName: str | None = None  # noqa: N815 - Graph's name
    givenName: str | None = None  # noqa: N815
    jobTitle: str | None = None  # noqa: N815
    mail: str | None = None
    mobilePhone: str | None = None  # noqa: N815
    officeLocation: str | None = None  # noqa: N815
    preferredLanguage: str | None = None  # noqa: N815
    surname: str | None = None
    userPrincipalName: str | None = None  # noqa: N815
    businessPhones: list[str] = []  # noqa: N815


class Page(msgspec.Struct):
    """A page of users."""

    value: list[User]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


def report(begun: float, count: int) -> dict[str, float]:
    """Return the report: seconds, number of objects, and peak memory in MiB."""
    return {
        "seconds": time.perf_counter() - begun,
        "count": count,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
