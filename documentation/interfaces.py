"""The package's .msg, .srv and .action files, read with their comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_LINE = re.compile(r"^(?P<type>\S+)\s+(?P<name>\w+)\s*(?:=\s*(?P<value>[^#\s]+))?\s*#\s*(?P<text>.*)$")
SECTIONS = {
    "msg": ("",),
    "srv": ("Request", "Response"),
    "action": ("Goal", "Result", "Feedback"),
}


@dataclass(frozen=True)
class Field:
    """One line of an interface: a field, or a constant when it has a value."""

    type: str
    name: str
    value: str
    text: str


@dataclass
class Interface:
    """A file: what it is for, and its sections from top to bottom."""

    name: str
    kind: str
    text: str
    sections: dict[str, list[Field]] = field(default_factory=dict)


def read_interface(file: Path) -> Interface:
    """Reads a file.

    Raises:
        ValueError: a line is neither a comment nor a commented field; names file and line.
    """
    kind = file.suffix[1:]
    titles = iter(SECTIONS[kind])
    head: list[str] = []
    fields: list[Field] = []
    interface = Interface(file.stem, kind, "", {next(titles): fields})
    for number, line in enumerate(file.read_text().splitlines(), 1):
        line = line.strip()
        if line == "---":
            fields = []
            interface.sections[next(titles)] = fields
        elif line.startswith("#") and not fields and len(interface.sections) == 1:
            head.append(line.lstrip("# "))
        elif line:
            match = _LINE.match(line)
            if match is None:
                raise ValueError(f"{file.name}:{number}: expected `type name  # comment`, found {line!r}")
            fields.append(Field(match["type"], match["name"], match["value"] or "", match["text"]))
    interface.text = " ".join(head)
    return interface


def read_interfaces(root: Path) -> list[Interface]:
    """All interfaces of the package, by kind and name.

    Args:
        root: folder of the repository.
    """
    return [read_interface(file) for kind in SECTIONS for file in sorted((root / kind).glob(f"*.{kind}"))]
