"""The Gazebo files as the tests read them."""

import ctypes.util
import importlib.util
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
WORLD = ROOT / "worlds/cell.sdf"
MODELS = ROOT / "worlds/models"
CONTROLLERS = ROOT / "config/controllers.yaml"
CAMERAS = ("scene", "held", "overview", "wrist")

# Newest first; libsdformat's own entry points of `gz sdf`, for machines that have the library and not the tool.
LIBRARIES = ("libsdformat16.so.16", "libsdformat15.so.15", "libsdformat14.so.14", "libsdformat12.so.12")
CALL = "import ctypes, sys; getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])(sys.argv[3].encode())"


@cache
def script(name: str) -> ModuleType:
    """A file of scripts/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def urdf(**arguments: str) -> str:
    """The robot's description for Gazebo with all cameras, unless the arguments say otherwise."""
    chosen = {"use_gazebo": "true", "wrist_camera": "true", "controllers_file": str(CONTROLLERS), **arguments}
    return script("render_gazebo_files").expand(**chosen)


def robot(**arguments: str) -> ElementTree.Element:
    return ElementTree.fromstring(urdf(**arguments))


def sensors(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {sensor.get("name"): sensor for sensor in root.iter("sensor")}


def controllers() -> dict[str, dict]:
    """Parameters by node."""
    content = yaml.safe_load(CONTROLLERS.read_text())
    return {name.removeprefix("/**/"): node["ros__parameters"] for name, node in content.items()}


def bridge() -> list[dict]:
    return yaml.safe_load((ROOT / "config/gz_bridge.yaml").read_text())


def tensor(inertia: ElementTree.Element) -> np.ndarray:
    """(3, 3) of a URDF's attributes or an SDF's children."""
    parts = {name: float(inertia.get(name) or inertia.findtext(name) or 0) for name in
             ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")}  # fmt: skip
    return np.array(
        [
            [parts["ixx"], parts["ixy"], parts["ixz"]],
            [parts["ixy"], parts["iyy"], parts["iyz"]],
            [parts["ixz"], parts["iyz"], parts["izz"]],
        ]
    )


def is_of_a_body(inertia: np.ndarray) -> bool:
    """Whether some distribution of mass has this inertia: moments above 0, none above the sum of the others."""
    moments = np.linalg.eigvalsh(inertia)
    return moments[0] > 0 and moments[0] + moments[1] >= moments[2]


def sdformat(command: str, file: Path) -> str:
    """What Gazebo's own parser says: `check` or `print` (as SDF). Skips the test where no such parser is."""
    if shutil.which("gz"):
        call = ["gz", "sdf", {"check": "-k", "print": "-p"}[command], str(file)]
    else:
        library = next((name for name in LIBRARIES if _loads(name)), None)
        if library is None:
            pytest.skip("no SDF parser: neither `gz` nor libsdformat is installed (docs/gazebo.md)")
        entry = {"check": "cmdCheck", "print": "cmdPrint"}[command]
        call = [sys.executable, "-c", CALL, library, entry, str(file)]
    environment = {"SDF_PATH": str(MODELS), "GZ_SIM_RESOURCE_PATH": str(MODELS), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=60)
    assert "Error" not in done.stdout + done.stderr, done.stdout + done.stderr
    return done.stdout


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
