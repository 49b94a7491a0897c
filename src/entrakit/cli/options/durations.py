"""Durations and times, as users type and read them."""

from __future__ import annotations

from entrakit.errors import ParameterError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Return a duration in seconds.

    Args:
        text: A number of seconds, or a number with the unit `s`, `m` or `h`.

    Raises:
        ParameterError: The text is not a duration.
    """
    number, unit = (text[:-1], text[-1:]) if text[-1:] in UNITS else (text, "s")
    try:
        seconds = float(number) * UNITS[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise ParameterError(f"{text!r} is not a duration.", remedy="Use seconds or a unit: 90, 90s, 10m, 1h.")
    return seconds


def describe_duration(seconds: float) -> str:
    """Return a duration for reading: `58 min`, `2 h`, `3 days`; with `ago` if it is negative."""
    size = abs(seconds)
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if size >= 2 * length or (unit == "min" and size >= 60):
            text = f"{size / length:.0f} {unit}"
            break
    else:
        text = f"{size:.0f} s"
    return f"{text} ago" if seconds < 0 else text


def utc(seconds: float) -> str:
    """Return a time in UTC, to the minute."""
    import time

    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
