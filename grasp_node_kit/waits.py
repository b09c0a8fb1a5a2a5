"""When to speak of a wait: at once, then ever more seldom, and once more when it is over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_SILENCE_S = 60.0
_NUMBERS = re.compile(r"\d+(\.\d+)?")


@dataclass
class _Wait:
    text: str
    silence_s: float
    speak_at_s: float


class Waits:
    """What is waited for.

    A wait is spoken of when it is first noted, and again after `patience_s`, twice as long after that, and so on, at most
    after LONGEST_SILENCE_S. With a patience of 5 s that is 5, 10, 20, 40 and 80 s after it began, then once a minute. When
    its reason becomes another one, it is spoken of at once; numbers are no reason.

    Args:
        patience_s: how long something is waited for until it is noted.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._waits: dict[str, _Wait] = {}

    def clear(self) -> None:
        """Forgets all of them without a word."""
        self._waits.clear()

    def note(self, now_s: float, texts: Mapping[str, str]) -> tuple[list[str], list[str]]:
        """Takes what is missing now.

        Args:
            now_s: a time that only goes forward.
            texts: what is waited for -> what to say of it.

        Returns:
            Texts that are to be said now, and the last texts of what is waited for no longer.
        """
        over = [self._waits.pop(what).text for what in list(self._waits) if what not in texts]
        return [text for what, text in texts.items() if self._is_due(now_s, what, text)], over

    def _is_due(self, now_s: float, what: str, text: str) -> bool:
        wait = self._waits.get(what)
        if wait is None:
            self._waits[what] = _Wait(text, self._patience_s, now_s + self._patience_s)
            return True
        other = _NUMBERS.sub("", text) != _NUMBERS.sub("", wait.text)
        wait.text = text
        if now_s < wait.speak_at_s:
            return other
        wait.silence_s = min(2 * wait.silence_s, LONGEST_SILENCE_S)
        wait.speak_at_s = now_s + wait.silence_s
        return True
