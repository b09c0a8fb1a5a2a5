"""Messages that the documentation quotes are ones that the code can say."""

import ast
import re
from functools import cache

import pytest

from test.docs.pages import ROOT

PACKAGES = ("grasp_node_kit", "grasp2vec_ros", "semgrasp_ros", "grasp_cell")
# Constant characters that a template needs to be worth looking for.
FEWEST = 12
QUOTED = [
    line
    for block in re.findall(
        r"^```text\n(.*?)^```", (ROOT / "docs/troubleshooting.md").read_text(), re.DOTALL | re.MULTILINE
    )
    for line in block.splitlines()
]


@cache
def templates() -> tuple[re.Pattern, ...]:
    """What the code's texts and f-strings can look like."""
    found = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.JoinedStr):
                    parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    parts = [node.value]
                else:
                    continue
                if sum(len(part.strip()) for part in parts if part) >= FEWEST and "\n" not in "".join(
                    part or "" for part in parts
                ):
                    found.add("".join(".+?" if part is None else re.escape(part) for part in parts))
    return tuple(re.compile(pattern) for pattern in found)


def test_a_message_that_nobody_says_is_noticed():
    assert not said("waiting: the moon does not publish /scene/image; howl at it")


def said(message: str) -> bool:
    """Whether templates cover most of a message, one within another."""
    covered = set()
    for pattern in templates():
        for match in pattern.finditer(message):
            covered |= set(range(*match.span()))
    return len(covered) >= 0.6 * len(message)


@pytest.mark.parametrize("message", QUOTED)
def test_the_code_says_it(message):
    assert said(message)
