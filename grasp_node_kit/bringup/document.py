"""The page of the launch files and their arguments, written from the same tables as the launch files."""

from __future__ import annotations

from pathlib import Path

from grasp_node_kit.bringup.arguments import ROBOTS, SOURCES, Argument
from grasp_node_kit.bringup.launches import LAUNCHES

_INTRODUCTION = """# Launch files

`ros2 launch semantic_grasping FILE.launch.py name:=value ...`; `-s` in place of values lists a file's arguments. This page
is written by `python -m grasp_node_kit.bringup`. Gazebo has a launch file of its own, `gazebo.launch.py`.

Where several things say a parameter, the later one of these wins: the files of `config/`, the preset of `robot`, the preset
of `source`, `params_file`, an argument. An empty argument says nothing.
"""


def page(root: Path) -> str:
    """The page as Markdown; presets are told by the first lines of their files below `root`."""
    parts = [
        _INTRODUCTION,
        _files(),
        _presets(root, "source", SOURCES),
        _presets(root, "robot", ROBOTS),
        _arguments(),
    ]
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _files() -> str:
    rows = [(f"`{name}.launch.py`", launch.summary) for name, launch in LAUNCHES.items()]
    return "## Files\n\n" + _table(("file", "what it starts"), rows)


def _presets(root: Path, argument: str, names: tuple[str, ...]) -> str:
    rows = [
        (f"`{argument}:={name}`", _first_sentence(root / f"config/presets/{argument}s/{name}.yaml"))
        for name in names
    ]
    return f"## Presets: {argument}\n\n" + _table(("argument", "what it is"), rows)


def _first_sentence(file: Path) -> str:
    comment = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        comment.append(line[1:].strip())
    return " ".join(comment).split(". ")[0].split(": `")[0].rstrip(".:") + "."


def _arguments() -> str:
    by_argument: dict[Argument, list[str]] = {}
    for name, launch in LAUNCHES.items():
        for argument in launch.arguments:
            by_argument.setdefault(argument, []).append(f"`{name}`")
    rows = []
    for argument, names in by_argument.items():
        default = (
            "must be given"
            if argument.default is None
            else f"`{argument.default}`"
            if argument.default
            else "empty"
        )
        choices = ", ".join(f"`{choice}`" if choice else "empty" for choice in argument.choices)
        where = "all" if len(names) == len(LAUNCHES) else ", ".join(names)
        rows.append((f"`{argument.name}`", argument.description, default, choices, where))
    return "## Arguments\n\n" + _table(("argument", "meaning", "default", "choices", "files"), rows)
