"""Instances of generated household objects in the colours of their parts, as one picture.

python scripts/draw_objects.py made_up --output docs/images/made_up.jpg
python scripts/draw_objects.py mug kettle --count 4 --output out/vessels.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from semgrasp_ros.core.data.household import make_object
from semgrasp_ros.core.data.synthesis.grasps import part_surfaces
from semgrasp_ros.core.pictures import PART_COLOURS, render_surfaces

TILE_PX, COLUMNS = 200, 8


def tile(family: str, instance: int) -> np.ndarray:
    """One object (TILE_PX, TILE_PX, 3) with the names of its parts in their colours."""
    thing = make_object(family, instance)
    colours = [PART_COLOURS[number % len(PART_COLOURS)] for number in range(len(thing.parts))]
    surfaces = [
        (surface.vertices, surface.faces, colour)
        for surface, colour in zip(part_surfaces(thing), colours, strict=True)
        if len(surface.faces)
    ]
    picture = render_surfaces(surfaces, TILE_PX).copy()
    for row, (part, colour) in enumerate(zip(thing.parts, colours, strict=True)):
        shade = tuple(int(180 * value) for value in colour)
        place = (4, 12 + 12 * row)
        cv2.putText(picture, part.name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, shade, 1, cv2.LINE_AA)
    return picture


def main() -> None:
    """Draws the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("families", nargs="+", help="families, or made_up")
    parser.add_argument("--count", type=int, default=24, help="instances of each")
    parser.add_argument("--output", type=Path, required=True, help="picture to write")
    options = parser.parse_args()
    tiles = [tile(family, instance) for family in options.families for instance in range(options.count)]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.output), np.vstack(rows)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
