"""A robot hand's body as spheres, from the collision shapes of its URDF."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.robot_file import Robot, RobotError
from semgrasp_ros.core.retarget.robot_model import find_urdf, urdf_text

# A cross section up to this much wider than thick is filled by one row of spheres.
ROUND_RATIO = 1.5
SPACING = 1.2  # of centres, in radii
NEGLIGIBLE = 0.3  # what may stick out of a row, in radii


@dataclass(frozen=True)
class LinkSpheres:
    """Spheres that fill one link.

    Attributes:
        link: name in the URDF.
        centres_m: (n, 3) in the link's frame.
        radii_m: (n,).
    """

    link: str
    centres_m: np.ndarray
    radii_m: np.ndarray


def link_spheres(robot: Robot) -> list[LinkSpheres]:
    """Spheres of every link of the URDF that carries the hand.

    Raises:
        RobotError: a collision shape is neither a box, a sphere nor a cylinder.
    """
    urdf, without = (robot.attach.urdf, ()) if robot.attach else (robot.arm.urdf, robot.arm.without)
    root = ElementTree.fromstring(urdf_text(find_urdf(urdf, robot.file), without))
    found = []
    for link in root.findall("link"):
        name = link.get("name")
        shapes = [_shape(name, collision) for collision in link.findall("collision")]
        if shapes:
            centres, radii = (np.concatenate(parts) for parts in zip(*shapes, strict=True))
            found.append(LinkSpheres(name, centres, radii))
    return found


def _shape(link: str, collision: ElementTree.Element) -> tuple[np.ndarray, np.ndarray]:
    import pinocchio

    shape = collision.find("geometry")[0]
    if shape.tag == "sphere":
        centres, radius = np.zeros((1, 3)), float(shape.get("radius"))
    elif shape.tag == "box":
        centres, radius = fill_box(_numbers(shape.get("size")))
    elif shape.tag == "cylinder":
        width = 2 * float(shape.get("radius"))
        centres, radius = fill_box(np.array([width, width, float(shape.get("length"))]))
    else:
        raise RobotError(
            f"gripper: the collision shape of {link!r} is a {shape.tag}; give boxes, spheres or cylinders in the URDF"
        )
    origin = collision.find("origin")
    if origin is not None:
        rotation = pinocchio.rpy.rpyToMatrix(_numbers(origin.get("rpy", "0 0 0")))
        centres = centres @ rotation.T + _numbers(origin.get("xyz", "0 0 0"))
    return centres, np.full(len(centres), radius)


def fill_box(size_m: np.ndarray) -> tuple[np.ndarray, float]:
    """Centres (n, 3) and radius of equal spheres that fill a box about its middle.

    A bar of nearly square section gets one row of spheres as wide as both sides on average.
    """
    thin, middle = np.sort(size_m)[:2]
    ratio = middle / thin
    radius = thin / 2 * (np.sqrt(ratio) if ratio < ROUND_RATIO else 1.0)
    return np.array(list(_grid(size_m, radius))), float(radius)


def _grid(size_m: np.ndarray, radius: float) -> Iterator[np.ndarray]:
    reach = np.maximum(size_m / 2 - radius, 0)
    gaps = np.ceil(2 * reach / (SPACING * radius) - 1e-9).astype(int)
    counts = np.where(reach < NEGLIGIBLE * radius, 1, gaps + 1)
    axes = [np.linspace(-r, r, n) if n > 1 else np.zeros(1) for r, n in zip(reach, counts, strict=True)]
    for index in np.ndindex(*map(len, axes)):
        yield np.array([axis[i] for axis, i in zip(axes, index, strict=True)])


def _numbers(text: str) -> np.ndarray:
    return np.array([float(word) for word in text.split()])
