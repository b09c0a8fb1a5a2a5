"""A sheet to look at: grasps that were made from words for held-out objects, each with its sentence."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from examination.semgrasp.held_out import SPLITS, Request
from examination.semgrasp.measures import agrees, measure, thing_of
from examination.semgrasp.models import view_of
from semgrasp_ros.core.data.household import make_object
from semgrasp_ros.core.pictures import PART_COLOURS, SKIN_COLOUR, render_surfaces
from semgrasp_ros.core.pipeline import SemGrasp

COLUMNS, TILE_PX, TEXT_PX, LETTERS, LINES = 6, 300, 104, 46, 5
RIGHT, WRONG, INK, GREY = (46, 160, 67), (207, 63, 51), (30, 34, 40), (110, 116, 124)


def chosen(requests: dict[str, list[Request]], count: int) -> list[tuple[str, Request]]:
    """Requests of seen and of unseen families in turn, as many families as there are."""
    pools = []
    for split in ("unseen_instances", "unseen_families"):
        once: dict[str, Request] = {}
        again: list[Request] = []
        for request in requests.get(split, []):
            if request.grasp.family in once:
                again.append(request)
            else:
                once[request.grasp.family] = request
        pools.append([(split, request) for request in [*once.values(), *again]])
    mixed = [one for pair in zip(*pools, strict=False) for one in pair]
    taken = {request.key for _, request in mixed}
    rest = [one for pool in pools for one in pool if one[1].key not in taken]
    return (mixed + rest)[:count]


def draw_sheet(
    grasper: SemGrasp, requests: Sequence[tuple[str, Request]], file: Path, candidates: int, seed: int
) -> None:
    """Writes the sheet. A green frame: the touches are those that were asked for; a red one: they are not.

    Args:
        grasper: makes the grasps.
        requests: with their splits.
        file: the picture.
        candidates: that are drawn for each request; the best one is shown.
        seed: as in the measurements, so that the same grasps are seen that were measured.
    """
    rows = math.ceil(len(requests) / COLUMNS)
    columns = min(COLUMNS, len(requests))
    height = TILE_PX + TEXT_PX
    sheet = Image.new("RGB", (columns * TILE_PX, rows * height), "white")
    for number, (split, request) in enumerate(tqdm(requests, desc="sheet", unit="grasp", mininterval=2.0)):
        corner = (number % COLUMNS * TILE_PX, number // COLUMNS * height)
        _draw(sheet, corner, grasper, split, request, candidates, seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(file, quality=88)


def _draw(
    sheet: Image.Image,
    corner: tuple[int, int],
    grasper: SemGrasp,
    split: str,
    request: Request,
    candidates: int,
    seed: int,
) -> None:
    view = view_of(request)
    best = grasper.generate(
        view.points, view.normals, request.turns, candidates, 1, seed=seed + request.seed
    )[0]
    thing = thing_of(request.grasp.family, request.grasp.instance)
    touches = measure(grasper.hand, best.vertices, thing, simulate=False)["touches"]
    right = agrees(request, touches).agrees
    sheet.paste(Image.fromarray(picture(grasper, request, best.vertices)), corner)
    draw = ImageDraw.Draw(sheet)
    left, top = corner
    frame = (left + 2, top + 2, left + TILE_PX - 3, top + TILE_PX - 3)
    draw.rectangle(frame, outline=RIGHT if right else WRONG, width=4)
    text = " / ".join(said for speaker, said in request.turns if speaker == "human")
    lines = textwrap.wrap(text, LETTERS)
    lines = lines[:LINES] if len(lines) <= LINES else [*lines[: LINES - 1], lines[LINES - 1][:-3] + "..."]
    draw.multiline_text((left + 8, top + TILE_PX + 4), "\n".join(lines), fill=INK, font=_font(12), spacing=3)
    note = f"{request.grasp.family.replace('_', ' ')}, {'new family' if SPLITS[split][0] == 'unseen_families' else 'new instance'}"
    draw.text((left + 8, top + TILE_PX + TEXT_PX - 17), note, fill=GREY, font=_font(11))


def picture(grasper: SemGrasp, request: Request, vertices: np.ndarray) -> np.ndarray:
    """The object in the colours of its parts and a hand (V, 3); (TILE_PX, TILE_PX, 3) uint8."""
    made = make_object(request.grasp.family, request.grasp.instance)
    surfaces = []
    for part, colour in zip(range(len(made.parts)), PART_COLOURS * 4, strict=False):
        faces = np.asarray(made.mesh.faces)[made.face_parts == part]
        used, faces = np.unique(faces, return_inverse=True)
        if len(used) >= 4:
            surfaces.append((np.asarray(made.mesh.vertices)[used], faces.reshape(-1, 3), colour))
    surfaces.append((vertices, grasper.hand.faces.numpy(), SKIN_COLOUR))
    # From the hand's side, somewhat past it, so that hand and object are both seen.
    away = vertices.mean(axis=0)[:2]
    azimuth = math.degrees(math.atan2(away[1], away[0])) + 180.0 + 80.0
    return _filled(render_surfaces(surfaces, 2 * TILE_PX, azimuth_deg=azimuth))


def _filled(image: np.ndarray) -> np.ndarray:
    """What is drawn on white, as large as fits into a tile."""
    drawn = (image < 250).any(axis=2)
    if not drawn.any():
        return np.full((TILE_PX, TILE_PX, 3), 255, np.uint8)
    rows, columns = (np.flatnonzero(drawn.any(axis=axis)) for axis in (1, 0))
    middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
    half = 0.54 * max(columns[-1] - columns[0], rows[-1] - rows[0]) + 4
    box = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    white = Image.new("RGB", (3 * image.shape[1], 3 * image.shape[0]), "white")
    white.paste(Image.fromarray(image), (image.shape[1], image.shape[0]))
    moved = tuple(round(value + image.shape[1]) for value in box)
    return np.asarray(white.crop(moved).resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
