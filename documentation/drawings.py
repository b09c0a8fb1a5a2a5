"""The drawing of the architecture, as SVG: which node talks to which, by real names of topics and actions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

INK, PAPER = "#22313f", "#ffffff"
ROBOT, LEARN, ASK = "#fde8c8", "#d7ecd9", "#d6e6f5"
WIDTH, HEIGHT = 1000, 560


@dataclass(frozen=True)
class Box:
    """A node or a store.

    Attributes:
        title: its name.
        lines: what it does.
        x, y, width, height: in pixels, from the top left.
        colour: of its ground.
    """

    title: str
    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    height: int
    colour: str


@dataclass(frozen=True)
class Arrow:
    """From one point to another, over corners, with a text beside it.

    Attributes:
        points: (x, y) pixels; the last is the head.
        text: names, one on each line.
        at: where the text begins.
    """

    points: tuple[tuple[int, int], ...]
    text: tuple[str, ...]
    at: tuple[int, int]


BOXES = (
    Box("your robot", ("cameras, arm, gripper", "or: cell, Gazebo"), 20, 200, 170, 130, ROBOT),
    Box("capture", ("before, after, held",), 330, 30, 170, 64, LEARN),
    Box("experience store", ("whole attempts, on disk",), 590, 30, 170, 64, LEARN),
    Box("trainer", ("learns beside the robot",), 810, 30, 170, 64, LEARN),
    Box("perception", ("heatmaps, rewards",), 810, 210, 170, 64, LEARN),
    Box("grasping", ("collects; picks the goal",), 330, 210, 170, 64, LEARN),
    Box("semgrasp", ("words and points to hands",), 330, 440, 170, 64, ASK),
    Box("you", ("a person, a policy, a task",), 810, 440, 170, 64, PAPER),
)
ARROWS = (
    Arrow(((105, 200), (105, 62), (330, 62)), ("scene/image, held/image", "joint_states"), (115, 84)),
    Arrow(((190, 230), (330, 230)), ("scene/depth",), (205, 224)),
    Arrow(((330, 258), (190, 258)), ("execute_grasp", "present_object", "release_object"), (203, 276)),
    Arrow(((415, 210), (415, 94)), ("capture/begin_attempt ...",), (238, 156)),
    Arrow(((500, 62), (590, 62)), (), (0, 0)),
    Arrow(((760, 62), (810, 62)), (), (0, 0)),
    Arrow(((895, 94), (895, 210)), ("checkpoints",), (905, 156)),
    Arrow(((500, 80), (545, 80), (545, 225), (810, 225)), ("capture/experience",), (555, 140)),
    Arrow(
        ((810, 252), (500, 252)),
        ("perception/heatmap, perception/reward",),
        (520, 270),
    ),
    Arrow(((855, 274), (855, 390), (415, 390), (415, 440)), ("perception/heatmap_info",), (560, 383)),
    Arrow(((930, 440), (930, 274)), ("set_goal",), (936, 362)),
    Arrow(
        ((105, 330), (105, 472), (330, 472)), ("object/points, or", "scene/depth and object/mask"), (115, 492)
    ),
    Arrow(((810, 460), (500, 460)), ("semgrasp/generate_grasp",), (560, 453)),
    Arrow(((500, 488), (810, 488)), ("semgrasp/hand_grasps",), (560, 506)),
    Arrow(((880, 440), (880, 330), (450, 330), (450, 274)), ("grasping/grasp_object",), (470, 323)),
)


def write_drawings(folder: Path) -> None:
    """Writes `architecture.svg`."""
    (folder / "architecture.svg").write_text(draw(BOXES, ARROWS))


def draw(boxes: tuple[Box, ...], arrows: tuple[Arrow, ...]) -> str:
    """The drawing as SVG text."""
    body = "".join([*map(_arrow, arrows), *map(_box, boxes)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
        f' fill="{INK}"><defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
        f' orient="auto"><path d="M0 0L10 5L0 10z" fill="{INK}"/></marker></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>\n{body}</svg>\n'
    )


def _box(box: Box) -> str:
    middle = box.x + box.width // 2
    lines = "".join(
        f'<text x="{middle}" y="{box.y + 46 + 18 * i}" text-anchor="middle">{escape(line)}</text>'
        for i, line in enumerate(box.lines)
    )
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6" fill="{box.colour}"'
        f' stroke="{INK}"/><text x="{middle}" y="{box.y + 25}" text-anchor="middle" font-weight="bold"'
        f' font-size="14">{escape(box.title)}</text>{lines}\n'
    )


def _arrow(arrow: Arrow) -> str:
    path = "M" + "L".join(f"{x} {y}" for x, y in arrow.points)
    texts = "".join(
        f'<text x="{arrow.at[0]}" y="{arrow.at[1] + 15 * i}" font-family="monospace" font-size="11">{escape(line)}</text>'
        for i, line in enumerate(arrow.text)
    )
    return (
        f'<path d="{path}" fill="none" stroke="{INK}" stroke-width="1.4" marker-end="url(#head)"/>{texts}\n'
    )
