"""Spans of time and moments, as people type and read them."""

from __future__ import annotations

from entrakit.errors import ParameterError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_span(text: str) -> float:
    """Return a span of time in seconds.

    Args:
        text: A number of seconds, or a number with `s`, `m` or `h`.

    Raises:
        ParameterError: It is none.
    """
    number, unit = (text[:-1], text[-1:]) if text[-1:] in UNITS else (text, "s")
    try:
        seconds = float(number) * UNITS[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise ParameterError(f"{text!r} is not a span of time.", remedy="Write it like 90, 90s, 10m or 1h.")
    return seconds


def describe_span(seconds: float) -> str:
    """Return a span of time as people say it: `58 min`, `2 h`, `3 days`; with `ago` if it is over."""
    size = abs(seconds)
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if size >= 2 * length or (unit == "min" and size >= 60):
            text = f"{size / length:.0f} {unit}"
            break
    else:
        text = f"{size:.0f} s"
    return f"{text} ago" if seconds < 0 else text


def utc(seconds: float) -> str:
    """Return a moment as people read it, in UTC."""
    import time

    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
