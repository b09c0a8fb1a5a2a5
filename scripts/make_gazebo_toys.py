"""Writes toys of the simulated cell as Gazebo models: mesh, texture, boxes and cylinders that collide, mass, inertia.

    python scripts/make_gazebo_toys.py --output worlds/models 5 7 10 24 26 29

makes the toys of the novel split with these numbers, as they ship. The world names the models that lie in its bin.
"""

from __future__ import annotations

import argparse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np
from transforms3d.euler import mat2euler

from grasp_cell.library import FIRST_NOVEL_TOY
from grasp_cell.objects import CellObject
from grasp_cell.scene import OBJECT_FRICTION
from grasp_cell.shapes import Part
from grasp_cell.toys import make_toy

SDF_VERSION = "1.9"


def write_model(toy: CellObject, folder: Path) -> None:
    """Writes model.config, model.sdf, toy.obj and texture.png into a folder.

    Raises:
        ValueError: a part of the toy is neither box nor cylinder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "toy.obj").write_text(_obj(toy))
    cv2.imwrite(str(folder / "texture.png"), toy.texture[..., ::-1])
    _write(_config(toy.name), folder / "model.config")
    _write(_model(toy), folder / "model.sdf")


def inertia(toy: CellObject) -> tuple[np.ndarray, np.ndarray]:
    """Centre of mass (3,) [m] and inertia about it (3, 3) [kg m^2], the mass spread evenly over the parts."""
    volumes = np.array([part.mesh.volume for part in toy.parts])
    masses = toy.mass_kg * volumes / volumes.sum()
    centres = np.array([part.mesh.center_mass for part in toy.parts])
    middle = masses @ centres / toy.mass_kg
    total = np.zeros((3, 3))
    for part, mass, centre in zip(toy.parts, masses, centres, strict=True):
        away = centre - middle
        total += part.mesh.moment_inertia * mass / part.mesh.volume
        total += mass * (away @ away * np.eye(3) - np.outer(away, away))
    return middle, total


def _model(toy: CellObject) -> ElementTree.Element:
    root = ElementTree.Element("sdf", version=SDF_VERSION)
    link = _add(_add(root, "model", name=toy.name), "link", name="toy")
    middle, moments = inertia(toy)
    inertial = _add(link, "inertial")
    _text(inertial, "pose", [*middle, 0, 0, 0])
    _text(inertial, "mass", [toy.mass_kg])
    tensor = _add(inertial, "inertia")
    for name, (row, column) in {
        "ixx": (0, 0), "ixy": (0, 1), "ixz": (0, 2), "iyy": (1, 1), "iyz": (1, 2), "izz": (2, 2),
    }.items():  # fmt: skip
        _text(tensor, name, [moments[row, column]])
    visual = _add(link, "visual", name="seen")
    _add(_add(_add(visual, "geometry"), "mesh"), "uri").text = f"model://{toy.name}/toy.obj"
    material = _add(visual, "material")
    _text(material, "diffuse", [1, 1, 1, 1])
    metal = _add(_add(material, "pbr"), "metal")
    _add(metal, "albedo_map").text = f"model://{toy.name}/texture.png"
    _text(metal, "metalness", [0])
    _text(metal, "roughness", [0.8])
    for i, part in enumerate(toy.parts):
        _collision(link, f"part{i}", part)
    return root


def _collision(link: ElementTree.Element, name: str, part: Part) -> None:
    collision = _add(link, "collision", name=name)
    if part.box is not None:
        size, transform = part.box
        _text(_add(_add(collision, "geometry"), "box"), "size", size)
    elif part.cylinder is not None:
        radius, height, transform = part.cylinder
        cylinder = _add(_add(collision, "geometry"), "cylinder")
        _text(cylinder, "radius", [radius])
        _text(cylinder, "length", [height])
    else:
        raise ValueError(f"{name}: is neither box nor cylinder; take another toy")
    _text(collision, "pose", [*transform[:3, 3], *mat2euler(transform[:3, :3], "sxyz")])
    friction = _add(_add(_add(collision, "surface"), "friction"), "ode")
    for direction in ("mu", "mu2"):
        _text(friction, direction, [OBJECT_FRICTION[0]])


def _obj(toy: CellObject) -> str:
    lines = [f"o {toy.name}"]
    lines += [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in toy.vertices]
    lines += [f"vt {u:.4f} {v:.4f}" for u, v in toy.texture_coordinates]
    corners = toy.vertices[toy.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in normals]
    for i, (a, b, c) in enumerate(toy.faces + 1, start=1):
        lines.append(f"f {a}/{a}/{i} {b}/{b}/{i} {c}/{c}/{i}")
    return "\n".join(lines) + "\n"


def _config(name: str) -> ElementTree.Element:
    root = ElementTree.Element("model")
    _add(root, "name").text = name
    _add(root, "version").text = "1.0"
    _add(root, "sdf", version=SDF_VERSION).text = "model.sdf"
    _add(root, "description").text = "A toy of the simulated cell, made by scripts/make_gazebo_toys.py."
    return root


def _add(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _text(parent: ElementTree.Element, tag: str, numbers: np.ndarray | list[float]) -> None:
    # Rounding errors of zero are written as zero.
    _add(parent, tag).text = " ".join(f"{number if abs(number) > 1e-12 else 0:.6g}" for number in numbers)


def _write(root: ElementTree.Element, path: Path) -> None:
    ElementTree.indent(root)
    path.write_text('<?xml version="1.0"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="+", type=int, help="numbers of toys within the novel split")
    parser.add_argument("--output", type=Path, default=Path("worlds/models"), help="folder of the models")
    parser.add_argument("--regime", default="shared_palette", choices=["varied", "shared_palette"])
    options = parser.parse_args()
    for number in options.numbers:
        toy = make_toy(FIRST_NOVEL_TOY + number, options.regime)
        write_model(toy, options.output / toy.name)


if __name__ == "__main__":
    main()
