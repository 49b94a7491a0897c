"""Progress of a long command: one line on the terminal, which appears after a second and vanishes at the end.

It is not shown in pipes, with `--quiet`, `--json` or `--verbose`, or if the result itself is on the terminal. Then a
wait of more than two seconds is reported in a separate line.
"""

from __future__ import annotations

import time
from collections import deque
from threading import Lock, Timer
from typing import TYPE_CHECKING

from entrakit.cli.options.durations import describe_duration

if TYPE_CHECKING:
    import logging
    from types import TracebackType
    from typing import Protocol, Self

    from entrakit.cli.context import Context

    class Line(Protocol):
        """A line on a terminal that updates itself."""

        def stop(self) -> None:
            """Remove it."""
            ...


DELAY_S = 1.0
# Seconds of the longest wait that is not reported without a progress line.
NOTICED_S = 2.0
_SAMPLES = 20


class Progress:
    """The progress line, as a context manager.

    Args:
        context: Context of the command.
        noun: Name of the counted objects.
        total: Expected number; None if it is not known.
        to_file: Whether the result goes to a file.
        delay_s: Seconds until the line appears.
    """

    def __init__(
        self, context: Context, noun: str, *, total: int | None = None, to_file: bool = False, delay_s: float = DELAY_S
    ) -> None:
        streams = context.streams
        covered = not to_file and context.is_terminal(streams.output)
        self.is_active = (
            context.is_terminal(streams.error) and not context.quiet and not context.as_json and not covered
            and not _is_verbose()
        )  # fmt: skip
        self._context = context
        self._noun = noun
        self._total = total
        self._delay_s = delay_s
        self._count = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)
        self._wait: tuple[float, str] = (0.0, "")
        self._lock = Lock()
        self._timer: Timer | None = None
        self._line: Line | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        if self.is_active:
            # The line shows that nothing arrives.
            _slow_answers().disabled = True
            self._timer = Timer(self._delay_s, self._appear)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vanish()

    def reached(self, count: int, total: int | None = None) -> None:
        """Set the current number and, if known, the total."""
        self._count = count
        self._total = total if total is not None else self._total
        self._samples.append((time.monotonic(), count))

    def waits(self, seconds: float, reason: str) -> None:
        """Show a wait with its duration and reason; without the progress line, report it if it is long."""
        until = time.monotonic() + seconds
        with self._lock:
            # Several workers wait at the same time, and end one after the other.
            is_new = seconds > NOTICED_S and until > self._wait[0] + NOTICED_S
            if not self.is_active and not is_new:
                return
            if until > self._wait[0]:
                self._wait = (until, reason)
        if not self.is_active:
            self._context.info(f"Waiting {seconds:.0f} s: {reason.rstrip('.')}.")

    def vanish(self) -> None:
        """Remove the line for good."""
        with self._lock:
            self._is_over = True
            line, self._line = self._line, None
        if self._timer is not None:
            self._timer.cancel()
            _slow_answers().disabled = False
        if line is not None:
            line.stop()

    def text(self) -> str:
        """Return the current content of the line."""
        of_all = f" of {self._total:,}" if self._total is not None and self._total >= self._count else ""
        parts = [f"{self._count:,}{of_all} {self._noun}"]
        rate = self._rate()
        if rate > 0:
            parts.append(f"{rate:,.0f}/s" if rate >= 1 else f"{rate * 60:,.0f}/min")
        if rate > 0 and self._total is not None and self._total > self._count:
            parts.append(f"{describe_duration((self._total - self._count) / rate)} left")
        until, reason = self._wait
        left = until - time.monotonic()
        if left > 0:
            parts.append(f"waiting {describe_duration(left)}: {reason}")
        return " · ".join(parts)

    def _rate(self) -> float:
        samples = list(self._samples)
        if len(samples) < 2:
            return 0.0
        (since, before), (_, count) = samples[0], samples[-1]
        # Measured until now, so that the rate falls while nothing arrives.
        return (count - before) / max(time.monotonic() - since, 0.001)

    def _appear(self) -> None:
        from entrakit.cli.output.tables import open_line

        with self._lock:
            if not self._is_over:
                self._line = open_line(self._context, self.text)


def _slow_answers() -> logging.Logger:
    """Return the logger of slow answers."""
    import logging

    return logging.getLogger("entrakit.waits.answers")


def _is_verbose() -> bool:
    import logging

    return logging.getLogger("entrakit").isEnabledFor(logging.INFO)
