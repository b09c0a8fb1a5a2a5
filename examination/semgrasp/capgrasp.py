"""Reconstruction on CapGrasp's own test split, where the user has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import trimesh
from tqdm import tqdm

from examination.semgrasp.models import View, look
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.data.capgrasp import CapGrasp
from semgrasp_ros.core.data.dataset import CLOUD_POINTS
from semgrasp_ros.core.data.oakink import OakInkGrasp
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.metrics.intervals import mean_by_object
from semgrasp_ros.core.metrics.penetration import intersection_volume_cm3, penetration_depth_cm
from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.metrics.vertex_error import mpvpe_mm
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.model import TokenModel
from semgrasp_ros.core.tokens.pose import HandPose
from semgrasp_ros.core.tokens.search import search_tokens

SPLIT = "capgrasp_test"


def add_capgrasp(root: Path, model: TokenModel, hand: HandModel, limit: int, results: Results) -> dict:
    """Adds rows of MPVPE, PD and SIV on the test split of CapGrasp.

    Args:
        root: the folder that holds `shape/`.
        model: tokens; trained on the same hand, or the numbers say little.
        hand: MANO.
        limit: most grasps.
        results: gets the rows.

    Returns:
        How many grasps were left out for which reason.

    Raises:
        OakInkError: the tree is not there.
        ValueError: no grasp could be measured.
    """
    columns: dict[tuple[str, str], list[float]] = {}
    objects: list[str] = []
    left_out = {"no_mesh": 0, "open_mesh_no_penetration": 0}
    measured_objects: list[str] = []
    reader = CapGrasp(root, split="test")
    paths = list(reader.paths())[:limit]
    for path in tqdm(paths, desc="CapGrasp", unit="grasp", mininterval=2.0):
        grasp = reader.read(path)
        if grasp.mesh_path is None:
            left_out["no_mesh"] += 1
            continue
        mesh = _mesh(grasp)
        true, told = _both(model, hand, grasp, mesh)
        objects.append(grasp.object_id)
        columns.setdefault(("mpvpe_mm", "ours"), []).append(float(mpvpe_mm(told, true)))
        try:
            solid = Solid.of(mesh, "object")
        except ValueError:
            # Scans with holes have no inside.
            left_out["open_mesh_no_penetration"] += 1
            continue
        measured_objects.append(grasp.object_id)
        for method, vertices in (("ground_truth", true), ("ours", told)):
            depth = penetration_depth_cm(vertices, solid)
            volume = intersection_volume_cm3((vertices, hand.faces.numpy()), solid)
            columns.setdefault(("pd_cm", method), []).append(depth)
            columns.setdefault(("siv_cm3", method), []).append(volume)
    if not objects:
        raise ValueError(f"--capgrasp: {root} has no grasp of the test split with a caption and a mesh")
    for (metric, method), values in columns.items():
        owners = objects if metric == "mpvpe_mm" else measured_objects
        results.add(metric, SPLIT, method, mean_by_object(np.array(values), owners))
    for metric, value in (("mpvpe_mm", 14.97), ("pd_cm", 0.46), ("siv_cm3", 2.72)):
        results.add(metric, SPLIT, "paper", Measurement(value, 0, value, value))
    return left_out


def _mesh(grasp: OakInkGrasp) -> trimesh.Trimesh:
    mesh = trimesh.load(grasp.mesh_path, force="mesh", process=True)
    mesh.apply_translation(-mesh.bounds.mean(axis=0))
    return mesh


def _both(
    model: TokenModel, hand: HandModel, grasp: OakInkGrasp, mesh: trimesh.Trimesh
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) of the true hand and of what its tokens tell."""
    points, faces = trimesh.sample.sample_surface(mesh, CLOUD_POINTS, seed=0)
    view = View(points.astype(np.float32), mesh.face_normals[faces].astype(np.float32))
    true = HandPose(
        *(torch.from_numpy(np.asarray(a))[None] for a in (grasp.wrist, grasp.joint_rotations, grasp.shape))
    )
    thing: ObjectTokens = look(model, view, centred=False)
    with torch.no_grad():
        told = model.tokenizer.decode(search_tokens(model.tokenizer, hand, true, thing), thing)
        return tuple(
            hand(pose.wrist, pose.joint_rotations, pose.shape).vertices[0].numpy() for pose in (true, told)
        )
