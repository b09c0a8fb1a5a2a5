"""Objects from a folder of meshes: scanned objects with texture and convex parts, or single mesh files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import trimesh

from grasp_cell.objects import CellObject, box_projection
from grasp_cell.shapes import Part
from grasp_cell.textures import make_texture

MESH_ENDINGS = (".obj", ".stl", ".ply")
DENSITY_KG_M3 = 250.0
LIGHTEST_KG, HEAVIEST_KG = 0.02, 0.30


def find_meshes(folder: Path) -> dict[str, Path]:
    """Objects below a folder: a sub-folder with a mesh, or a mesh file directly in it.

    Returns:
        Path by name.

    Raises:
        ValueError: the folder is missing or has no mesh.
    """
    if not folder.is_dir():
        raise ValueError(f"objects_dir: {folder} is not a folder")
    found = {}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and _visual_mesh(entry) is not None:
            found[entry.name] = entry
        elif entry.suffix.lower() in MESH_ENDINGS:
            found[entry.stem] = entry
    if not found:
        raise ValueError(
            f"objects_dir: {folder} has no meshes; expected files or sub-folders with files ending in {', '.join(MESH_ENDINGS)}"
        )
    return found


def _visual_mesh(folder: Path) -> Path | None:
    candidates = [
        p for p in sorted(folder.iterdir()) if p.suffix.lower() in MESH_ENDINGS and "collision" not in p.name
    ]
    return candidates[0] if candidates else None


def load_mesh_object(name: str, path: Path) -> CellObject:
    """Reads an object [m].

    Beside the visible mesh, `*collision*` files are taken as convex parts (the mesh's hull otherwise) and
    `texture.png` as its texture (a plain pattern otherwise).

    Raises:
        ValueError: the mesh has no faces or is not between 5 mm and 40 cm long.
    """
    file = _visual_mesh(path) if path.is_dir() else path
    mesh = trimesh.load(file, force="mesh", process=False)
    if len(mesh.faces) == 0:
        raise ValueError(f"{file}: the mesh has no faces")
    longest = float(mesh.extents.max())
    if not 0.005 <= longest <= 0.4:
        raise ValueError(
            f"{file}: the longest side is {longest:.4g} m; meshes are read in metres and must be 0.005 to 0.4 m long"
        )
    collision = sorted(path.glob("*collision*")) if path.is_dir() else []
    hulls = [
        trimesh.load(p, force="mesh").convex_hull for p in collision if p.suffix.lower() in MESH_ENDINGS
    ] or [mesh.convex_hull]
    centre = mesh.bounds.mean(axis=0)
    for part in hulls:
        part.apply_translation(-centre)
    texture_file = path / "texture.png" if path.is_dir() else Path()
    coordinates = getattr(mesh.visual, "uv", None)
    if coordinates is not None and texture_file.is_file():
        vertices, faces, texture = (
            mesh.vertices - centre,
            mesh.faces,
            cv2.imread(str(texture_file))[:, :, ::-1],
        )
    else:
        mesh.apply_translation(-centre)
        vertices, faces, coordinates = box_projection(mesh, tile_m=0.05)
        texture = make_texture(np.random.default_rng(list(name.encode())), shared_palette=False)
    volume = sum(part.volume for part in hulls)
    return CellObject(
        name=name,
        vertices=np.asarray(vertices),
        faces=np.asarray(faces),
        texture_coordinates=np.asarray(coordinates),
        texture=np.ascontiguousarray(texture),
        parts=[Part(part) for part in hulls],
        mass_kg=float(np.clip(volume * DENSITY_KG_M3, LIGHTEST_KG, HEAVIEST_KG)),
    )
