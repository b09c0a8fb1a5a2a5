"""Printed faces: what packages, labels and covers look like, drawn from a brand of its own for each object."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
LETTERS = np.array(list("ABCDEFGHIJKLMNOPRSTUVWXYZabcdefghiklmnoprstuvy0123456789"))
# A face is drawn this large along its longer side, whatever its size, before it is fitted into its texture.
DRAWN_PX = 160


@dataclass
class Brand:
    """What the faces of one object have in common.

    Attributes:
        ground: colour of the background, RGB in 0 to 255, as are all.
        second: of bands, badges and lids.
        ink: of the name.
        fine: of small print.
        name: largest word.
        font: of OpenCV, of the name.
        band: part of the height, from the top, that has the second colour; 0: none.
        band_at_top: or at the bottom.
        fading: the background goes over into the second colour.
        busy: how much there is on each face, 0 to 1.
        picture: (h, w, 3) uint8, repeated on several faces.
    """

    ground: np.ndarray
    second: np.ndarray
    ink: np.ndarray
    fine: np.ndarray
    name: str
    font: int
    band: float
    band_at_top: bool
    fading: bool
    busy: float
    picture: np.ndarray


def make_brand(rng: np.random.Generator) -> Brand:
    """Draws a brand."""
    ground = _ground_colour(rng)
    bright = ground.mean() > 140
    others = [_vivid_colour(rng) for _ in range(3)]
    return Brand(
        ground=ground,
        second=others[0],
        ink=_contrasting(rng, ground, others[1]),
        fine=np.full(3, rng.uniform(0, 90) if bright else rng.uniform(170, 255)),
        name=_word(rng, 3, 9),
        font=int(rng.choice(FONTS)),
        band=float(rng.uniform(0.1, 0.5)) if rng.uniform() < 0.4 else 0.0,
        band_at_top=bool(rng.uniform() < 0.5),
        fading=bool(rng.uniform() < 0.25),
        busy=float(rng.beta(1.2, 1.2)),
        picture=_picture(rng, np.array([ground, *others])),
    )


def draw_face(
    rng: np.random.Generator, brand: Brand, kind: str, width_m: float, height_m: float, size: int
) -> np.ndarray:
    """Draws a face of an object.

    Args:
        rng: source of all choices.
        brand: of the object.
        kind: "front", "back", "side" or "cap"; says what is on it.
        width_m, height_m: of the face, which only decide the shape of the drawing.
        size: side of the result in texels.

    Returns:
        (size, size, 3) uint8 RGB; the drawing is squeezed into a square, and the face stretches it again.
    """
    longest = max(width_m, height_m)
    width, height = (max(24, round(DRAWN_PX * side / longest)) for side in (width_m, height_m))
    face = _background(brand, width, height)
    turned = height > 1.6 * width and rng.uniform() < 0.5
    if turned:
        face = cv2.rotate(face, cv2.ROTATE_90_CLOCKWISE)
    {"front": _front, "back": _back, "side": _side, "cap": _cap}[kind](rng, brand, face)
    if turned:
        face = cv2.rotate(face, cv2.ROTATE_90_COUNTERCLOCKWISE)
    face = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
    return _grainy(rng, face.astype(float))


def draw_plain(rng: np.random.Generator, colour: np.ndarray, size: int) -> np.ndarray:
    """A material of one colour that is a little uneven, (size, size, 3) uint8."""
    patches = cv2.resize(rng.normal(scale=5.0, size=(4, 4)), (size, size), interpolation=cv2.INTER_CUBIC)
    return _grainy(rng, colour + patches[..., None])


def material_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour of plastic, wood, metal, glass or rubber; (3,) in 0 to 255."""
    return _ground_colour(rng)


def _grainy(rng: np.random.Generator, face: np.ndarray) -> np.ndarray:
    grain = rng.normal(scale=2.0, size=(*face.shape[:2], 1))
    return np.clip(face + grain, 0, 255).astype(np.uint8)


def _rgb(hue: float, saturation: float, value: float) -> np.ndarray:
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value)) * 255


def _ground_colour(rng: np.random.Generator) -> np.ndarray:
    kind = rng.choice(["white", "dark", "vivid", "pale", "brown"], p=[0.3, 0.15, 0.3, 0.15, 0.1])
    hue = rng.uniform()
    if kind == "white":
        return _rgb(hue, rng.uniform(0, 0.06), rng.uniform(0.85, 1.0))
    if kind == "dark":
        return _rgb(hue, rng.uniform(0, 0.7), rng.uniform(0.06, 0.3))
    if kind == "pale":
        return _rgb(hue, rng.uniform(0.1, 0.35), rng.uniform(0.7, 0.95))
    if kind == "brown":
        return _rgb(rng.uniform(0.05, 0.13), rng.uniform(0.25, 0.7), rng.uniform(0.35, 0.85))
    return _vivid_colour(rng)


def _vivid_colour(rng: np.random.Generator) -> np.ndarray:
    return _rgb(rng.uniform(), rng.uniform(0.5, 1.0), rng.uniform(0.4, 1.0))


def _contrasting(rng: np.random.Generator, ground: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """A colour that can be read on a ground: the given one, or else black or white."""
    if np.abs(colour.mean() - ground.mean()) > 60:
        return colour
    return np.full(3, rng.uniform(0, 40) if ground.mean() > 128 else rng.uniform(215, 255))


def _word(rng: np.random.Generator, shortest: int, longest: int) -> str:
    return "".join(rng.choice(LETTERS, size=int(rng.integers(shortest, longest))))


def _picture(rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Something like a photograph: soft shapes in a few colours."""
    if rng.uniform() < 0.5:
        colours = rng.uniform(0, 255, size=(4, 3))
    coarse = rng.dirichlet(np.full(len(colours), 0.4), size=(int(rng.integers(3, 8)),) * 2) @ colours
    picture = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 6))):
        colour = colours[rng.integers(len(colours))] * rng.uniform(0.6, 1.2)
        middle, axes = rng.integers(0, 64, 2), rng.integers(4, 22, 2)
        cv2.ellipse(
            picture, middle.tolist(), axes.tolist(), float(rng.uniform(0, 180)), 0, 360, colour.tolist(), -1
        )
    return np.clip(picture, 0, 255).astype(np.uint8)


def _background(brand: Brand, width: int, height: int) -> np.ndarray:
    face = np.tile(brand.ground, (height, width, 1))
    if brand.fading:
        share = np.linspace(0, 1, height)[:, None, None]
        face = face * (1 - share) + brand.second * share
    rows = round(brand.band * height)
    if rows:
        face[slice(0, rows) if brand.band_at_top else slice(height - rows, height)] = brand.second
    return np.ascontiguousarray(np.clip(face, 0, 255), dtype=np.uint8)


def _front(rng: np.random.Generator, brand: Brand, face: np.ndarray) -> None:
    if rng.uniform() < 0.3 + 0.5 * brand.busy:
        _paste(rng, face, brand.picture, rng.uniform(0.3, 0.9))
    for _ in range(int(rng.integers(0, 1 + round(3 * brand.busy)))):
        _badge(rng, brand, face)
    _title(rng, brand, face, rng.uniform(0.5, 0.95))
    for _ in range(int(rng.integers(0, 3))):
        _lines(rng, brand, face, rng.uniform(0.3, 0.6), 3)


def _back(rng: np.random.Generator, brand: Brand, face: np.ndarray) -> None:
    if rng.uniform() < brand.busy:
        _paste(rng, face, brand.picture, rng.uniform(0.2, 0.5))
    if rng.uniform() < 0.5:
        _title(rng, brand, face, rng.uniform(0.25, 0.6))
    for _ in range(int(rng.integers(1, 3 + round(3 * brand.busy)))):
        _lines(rng, brand, face, rng.uniform(0.35, 0.8), 9)
    if rng.uniform() < 0.6:
        _bars(rng, face)


def _side(rng: np.random.Generator, brand: Brand, face: np.ndarray) -> None:
    if rng.uniform() < 0.3 * brand.busy:
        _paste(rng, face, brand.picture, rng.uniform(0.3, 0.8))
    if rng.uniform() < 0.7:
        _title(rng, brand, face, rng.uniform(0.4, 0.95))
    if rng.uniform() < 0.6:
        _lines(rng, brand, face, rng.uniform(0.4, 0.9), 7)
    if rng.uniform() < 0.2:
        _bars(rng, face)


def _cap(rng: np.random.Generator, brand: Brand, face: np.ndarray) -> None:
    if rng.uniform() < 0.4:
        _title(rng, brand, face, rng.uniform(0.3, 0.8))
    if rng.uniform() < 0.3:
        _bars(rng, face)
    if rng.uniform() < 0.3:
        _lines(rng, brand, face, rng.uniform(0.3, 0.7), 4)


def _title(rng: np.random.Generator, brand: Brand, face: np.ndarray, share: float) -> None:
    """The name, as wide as a share of the face and wherever it fits."""
    height, width = face.shape[:2]
    thickness = int(rng.integers(1, 4))
    (text_width, text_height), _ = cv2.getTextSize(brand.name, brand.font, 1.0, thickness)
    scale = min(share * width / text_width, 0.6 * height / text_height)
    left = rng.uniform(0, width - scale * text_width)
    bottom = rng.uniform(scale * text_height, height)
    place = (int(left), int(bottom))
    cv2.putText(
        face, brand.name, place, brand.font, scale, brand.ink.tolist(), max(1, round(thickness * scale))
    )


def _lines(rng: np.random.Generator, brand: Brand, face: np.ndarray, share: float, most: int) -> None:
    """Small print, which from afar is lines of grey."""
    height, width = face.shape[:2]
    step = max(3, round(height * rng.uniform(0.03, 0.07)))
    left, top = int(rng.uniform(0, width * (1 - share))), int(rng.uniform(0, 0.85 * height))
    colour = brand.ink if rng.uniform() < 0.25 else brand.fine
    for row in range(int(rng.integers(1, most + 1))):
        y = top + row * step
        if y >= height:
            break
        end = left + int(share * width * rng.uniform(0.6, 1.0))
        line = face[y : y + max(1, step // 3), left:end]
        gaps = rng.uniform(size=line.shape[1]) < 0.75
        line[:, gaps] = colour


def _badge(rng: np.random.Generator, brand: Brand, face: np.ndarray) -> None:
    height, width = face.shape[:2]
    colour = (brand.second if rng.uniform() < 0.6 else _vivid_colour(rng)).tolist()
    middle = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
    radius = int(min(width, height) * rng.uniform(0.06, 0.25))
    if rng.uniform() < 0.5:
        cv2.circle(face, middle, radius, colour, -1)
    else:
        corner = (middle[0] + int(radius * rng.uniform(1, 5)), middle[1] + radius)
        cv2.rectangle(face, middle, corner, colour, -1)


def _bars(rng: np.random.Generator, face: np.ndarray) -> None:
    """A bar code on white."""
    height, width = face.shape[:2]
    w, h = int(width * rng.uniform(0.2, 0.45)), int(height * rng.uniform(0.12, 0.3))
    left, top = int(rng.uniform(0, width - w)), int(rng.uniform(0, height - h))
    code = np.full((h, w, 3), 245.0)
    code[:, rng.uniform(size=w) < 0.5] = 20.0
    code[: h // 8], code[-max(1, h // 8) :], code[:, : w // 10], code[:, -max(1, w // 10) :] = (245.0,) * 4
    face[top : top + h, left : left + w] = code


def _paste(rng: np.random.Generator, face: np.ndarray, picture: np.ndarray, share: float) -> None:
    height, width = face.shape[:2]
    w, h = max(4, int(width * share)), max(4, int(height * share * rng.uniform(0.6, 1.0)))
    left, top = int(rng.uniform(0, width - w)), int(rng.uniform(0, height - h))
    scaled = cv2.resize(picture, (w, h))
    if rng.uniform() < 0.5:
        face[top : top + h, left : left + w] = scaled
    else:
        mask = np.zeros((h, w), np.uint8)
        cv2.ellipse(mask, (w // 2, h // 2), (w // 2, h // 2), 0, 0, 360, 1, -1)
        face[top : top + h, left : left + w][mask > 0] = scaled[mask > 0]
