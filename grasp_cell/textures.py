"""Procedural textures: tileable patterns cut into areas of colour."""

from __future__ import annotations

import colorsys

import numpy as np

# The palette that all objects share in the `shared_palette` regime: a quarter of the area each.
SHARED_PALETTE = np.array([[226, 82, 61], [246, 201, 84], [58, 124, 165], [240, 240, 232]], dtype=np.uint8)
TEXTURE_SIZE = 96  # side of a tile in texels


def _noise(rng: np.random.Generator, u: np.ndarray, v: np.ndarray, waves: int, highest: int) -> np.ndarray:
    """Smooth noise that repeats in both directions: a sum of whole-numbered waves."""
    field = np.zeros_like(u)
    for _ in range(waves):
        k = rng.integers(-highest, highest + 1, size=2)
        field += rng.normal() * np.sin(2 * np.pi * (k[0] * u + k[1] * v) + rng.uniform(0, 2 * np.pi))
    return field


def _pattern_field(rng: np.random.Generator, size: int) -> np.ndarray:
    """A scalar field over a tile, shape (size, size); its level sets are the pattern."""
    u, v = np.meshgrid(np.arange(size) / size, np.arange(size) / size)
    kind = rng.choice(["stripes", "checks", "dots", "noise", "rings", "zigzag", "patches", "weave", "marks"])
    a, b = rng.integers(1, 4, size=2)
    if kind == "stripes":
        across = rng.integers(0, 3)
        return np.mod(a * u + across * v, 1.0)
    if kind == "checks":
        return np.sin(2 * np.pi * a * u) * np.sin(2 * np.pi * b * v) + 0.2 * _noise(rng, u, v, 2, 1)
    if kind == "dots":
        x, y = np.mod(a * u, 1) - 0.5, np.mod(a * v + 0.5 * (np.floor(a * u) % 2), 1) - 0.5
        return np.hypot(x, y)
    if kind == "rings":
        return np.mod(
            (1 + a) * np.hypot(np.mod(u + rng.uniform(), 1) - 0.5, np.mod(v + rng.uniform(), 1) - 0.5), 1.0
        )
    if kind == "zigzag":
        return np.mod(a * v + 0.25 * np.abs(np.mod(2 * b * u, 2) - 1), 1.0)
    if kind == "patches":
        seeds = rng.uniform(size=(int(rng.integers(5, 12)), 2))
        difference = np.abs(np.stack([u, v], -1)[:, :, None] - seeds)
        nearest = (np.minimum(difference, 1 - difference) ** 2).sum(-1).argmin(-1)
        return rng.permutation(len(seeds))[nearest] + 0.01 * _noise(rng, u, v, 3, 2)
    if kind == "weave":
        return np.maximum(np.sin(2 * np.pi * a * (u + v)), np.sin(2 * np.pi * b * (u - v)))
    if kind == "marks":
        field = _noise(rng, u, v, 2, 1) * 0.2
        for _ in range(int(rng.integers(3, 8))):
            x, y, w, h = rng.uniform(0, 1, 2).tolist() + rng.uniform(0.06, 0.35, 2).tolist()
            field += rng.choice([-2, 2]) * ((np.mod(u - x, 1) < w) & (np.mod(v - y, 1) < h))
        return field
    return _noise(rng, u, v, 6, 3)


def _random_palette(rng: np.random.Generator) -> np.ndarray:
    hues = rng.uniform(size=rng.integers(2, 5))
    colours = [colorsys.hsv_to_rgb(h, rng.uniform(0.15, 0.95), rng.uniform(0.35, 1.0)) for h in hues]
    return (np.array(colours) * 255).astype(np.uint8)


def make_texture(
    rng: np.random.Generator,
    shared_palette: bool,
    size: int = TEXTURE_SIZE,
    texel_areas: np.ndarray | None = None,
) -> np.ndarray:
    """Draws a tileable texture.

    Args:
        rng: source of all choices.
        shared_palette: use SHARED_PALETTE with equal areas, so that the average colour says nothing.
        size: side of the tile in pixels.
        texel_areas: (size, size) share of the object's surface that shows each texel; colours then take their
            shares of the surface. None: of the tile.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    field = _pattern_field(rng, size)
    # Ranks instead of values: each colour covers exactly the area it is meant to. Ties are broken at random.
    order = np.lexsort((rng.uniform(size=field.size), field.ravel()))
    areas = np.full(field.size, 1 / field.size) if texel_areas is None else texel_areas.ravel()
    rank = np.empty(field.size)
    rank[order] = np.cumsum(areas[order]) - areas[order]
    if shared_palette:
        palette, shares = (
            SHARED_PALETTE[rng.permutation(len(SHARED_PALETTE))],
            np.full(len(SHARED_PALETTE), 0.25),
        )
    else:
        palette = _random_palette(rng)
        shares = rng.dirichlet(np.full(len(palette), 3.0))
    area = np.searchsorted(np.cumsum(shares)[:-1], rank, side="right")
    return palette[area].reshape(size, size, 3)
