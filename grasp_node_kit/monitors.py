"""What a node measures about itself; the diagnostics show it and the watchdog complains about it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Figures are those of the newest so many events.
OVER = 20
# So many pairs in a row out of tolerance are no accident.
PAIRS_BEFORE_COMPLAINT = 5


class Monitor:
    """Base of what is measured."""

    def values(self) -> dict[str, object]:
        """Names and values for the diagnostics."""
        return {}

    def problem(self) -> str:
        """What an operator should know and do; empty when all is well."""
        return ""

    def clear(self) -> None:
        """Forgets what depends on the time, which has just jumped back."""


class Stopwatch(Monitor):
    """Measures how long work takes, and how often it is done."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._took_s: deque[float] = deque(maxlen=OVER)
        self._ended_s: deque[float] = deque(maxlen=OVER)
        self.count = 0

    @contextmanager
    def measure(self) -> Iterator[None]:
        """Around the work."""
        began_s = time.monotonic()
        yield
        ended_s = time.monotonic()
        self._took_s.append(ended_s - began_s)
        self._ended_s.append(ended_s)
        self.count += 1

    def values(self) -> dict[str, object]:
        """Mean and longest time, rate, and count."""
        took_s, ended_s = list(self._took_s), list(self._ended_s)
        rate_hz = (len(ended_s) - 1) / max(time.monotonic() - ended_s[0], 1e-6) if len(ended_s) > 1 else 0.0
        return {
            f"{self._name} time [ms]": f"{1e3 * sum(took_s) / len(took_s):.1f}" if took_s else "",
            f"{self._name} longest time [ms]": f"{1e3 * max(took_s):.1f}" if took_s else "",
            f"{self._name} rate [Hz]": f"{rate_hz:.2f}",
            f"{self._name} count": self.count,
        }


class SyncMeter(Monitor):
    """Counts how often two inputs are of one moment.

    Args:
        names: of the two, for people.
        tolerance_s: how far their stamps may be apart, now.
        advice: what to do when they never are.
    """

    def __init__(self, names: tuple[str, str], tolerance_s: Callable[[], float], advice: str) -> None:
        self._names, self._tolerance_s, self._advice = names, tolerance_s, advice
        self.together = self.apart = self._apart_in_a_row = 0
        self._last_s = 0.0

    def note(self, apart_s: float) -> bool:
        """Notes the difference of two stamps, and says whether it is within the tolerance."""
        self._last_s = abs(apart_s)
        good = self._last_s <= self._tolerance_s()
        self.together += good
        self.apart += not good
        self._apart_in_a_row = 0 if good else self._apart_in_a_row + 1
        return good

    def values(self) -> dict[str, object]:
        """Pairs within and out of tolerance, and the last difference."""
        pair = " and ".join(self._names)
        return {
            f"{pair} in sync": self.together,
            f"{pair} out of sync": self.apart,
            f"{pair} apart [s]": f"{self._last_s:.3f}",
        }

    def problem(self) -> str:
        """Said when several pairs in a row are apart."""
        if self._apart_in_a_row < PAIRS_BEFORE_COMPLAINT:
            return ""
        return (
            f"the stamps of {' and '.join(self._names)} are {self._last_s:.3f} s apart, {self._tolerance_s():g} s are"
            f" allowed ({self.together} of {self.together + self.apart} pairs were in sync); {self._advice}"
        )

    def clear(self) -> None:
        """Begins again."""
        self._apart_in_a_row = 0
