"""Markdown that means what the code's texts say."""

from __future__ import annotations

import re


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ("---",) * len(head), *(tuple(map(_cell, row)) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def escape(text: str) -> str:
    """Plain text with `code` in it as Markdown: `~/name`, `<topic>` and `SET_*` must not turn into markup."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_<>~])", r"\\\1", piece) for piece in pieces
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
