"""Topics as the reference has them; test/docs checks that the reference is what the started nodes give."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_ROW = re.compile(r"^\| `(?P<topic>[^`]+)` \| (?P<type>[^|]+) \| (?P<qos>[^|]+) \|")


@dataclass(frozen=True)
class Topic:
    """A topic of a node.

    Attributes:
        type: as `package/Name`; of the package's own messages the name alone.
        reliable: every message arrives.
        latched: late subscribers get the last one.
    """

    type: str
    reliable: bool
    latched: bool


def _section(page: Path, title: str) -> dict[str, Topic]:
    _, _, rest = page.read_text().partition(f"## {title}\n")
    rows = filter(None, map(_ROW.match, rest.split("\n## ")[0].splitlines()))
    return {row["topic"]: _topic(row["type"], row["qos"]) for row in rows}


def _topic(kind: str, qos: str) -> Topic:
    return Topic(re.search(r"`([^`]+)`|\[(\w+)\]", kind)[0].strip("`[]"), "reliable" in qos, "local" in qos)


def topics(title: str) -> dict[str, Topic]:
    """All topics of all nodes.

    Args:
        title: 'Topics out' or 'Topics in'.
    """
    found: dict[str, Topic] = {}
    for page in sorted((ROOT / "docs/reference/nodes").glob("*.md")):
        found |= _section(page, title)
    assert len(found) > 5, f"the reference's tables of {title!r} are not read any more"
    return found
