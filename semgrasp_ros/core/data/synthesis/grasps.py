"""All grasps of one object: seeds, contact optimisation, and what is kept of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import torch
import trimesh

from semgrasp_ros.core.contact.field import ObjectField, field_of_mesh
from semgrasp_ros.core.contact.hold import HoldingTest
from semgrasp_ros.core.contact.objective import contact_loss, inner_overlap, self_contact, targets_of
from semgrasp_ros.core.contact.preshape import preshape
from semgrasp_ros.core.contact.search import Found, SearchConfig, search
from semgrasp_ros.core.contact.seeds import seed_wrists
from semgrasp_ros.core.contact.skin import skin_of
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.household import FAMILIES, HouseholdObject
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.data.synthesis.person import hand_shapes
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.metrics.agreement import agreement
from semgrasp_ros.core.metrics.penetration import intersection_volume_cm3
from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.metrics.touches import finger_touches

# Weight, per metre, of first guesses that reach through the table.
UNDER_TABLE = 2.0


@dataclass
class SynthesisConfig:
    """How grasps are looked for and which are kept."""

    pairs: int = field(
        default=8, metadata={"help": "pairs of a part and a manner tried on an object", "minimum": 1}
    )
    guesses: int = field(default=160, metadata={"help": "first guesses for each pair", "minimum": 1})
    tries: int = field(default=10, metadata={"help": "of them, how many are optimised", "minimum": 1})
    keep: int = field(default=10, metadata={"help": "most grasps kept of each pair", "minimum": 1})
    # Things are taken from a table: nobody reaches through it.
    under_m: float = field(
        default=0.008, metadata={"help": "the hand may be this far below the object's lowest point"}
    )
    volume_cm3: float = field(default=2.0, metadata={"help": "most that hand and object may have in common"})
    wall_m: float = field(default=0.003, metadata={"help": "a wall may be this far inside the hand"})
    deepest_m: float = field(default=0.003, metadata={"help": "skin may lie this deep in the object"})
    farthest_m: float = field(default=0.02, metadata={"help": "the held object may move this far in 0.25 s"})
    crossed_m: float = field(default=0.004, metadata={"help": "fingers may overlap this much in all"})
    search: SearchConfig = field(default_factory=SearchConfig)


def part_surfaces(thing: HouseholdObject) -> list[trimesh.Trimesh]:
    """What of each part is on the object's outside, in the order of its parts."""
    owner = thing.face_parts
    return [
        thing.mesh.submesh([np.flatnonzero(owner == part)], append=True) for part in range(len(thing.parts))
    ]


def synthesise(
    hand: HandModel, thing: HouseholdObject, config: SynthesisConfig, rng: np.random.Generator
) -> tuple[list[Grasp], Counter]:
    """Finds grasps of an object.

    Args:
        hand: the hand.
        thing: the object.
        config: how many to try and to keep.
        rng: source of chance.

    Returns:
        The grasps, and how many were dropped for which reason.
    """
    surfaces = part_surfaces(thing)
    pairs = _pairs(thing, surfaces, config.pairs, rng)
    if not pairs:
        return [], Counter()
    space = field_of_mesh(thing.mesh, surfaces)
    floor = float(thing.mesh.bounds[0, 2])
    people = hand_shapes()
    wrists, angles, manners, parts = [], [], [], []
    for part, manner in pairs:
        wrist, angle = _guesses(hand, space, surfaces[part], part, manner, floor, config, rng)
        wrists.append(wrist)
        angles.append(angle)
        manners += [manner] * len(wrist)
        parts += [part] * len(wrist)
    shape = torch.from_numpy(people[rng.integers(len(people), size=len(parts))])
    skin = skin_of(hand)
    targets = targets_of(skin, manners, parts)
    searched = replace(
        config.search, weights=replace(config.search.weights, floor_m=floor - config.under_m / 2)
    )
    found = search(hand, skin, space, targets, torch.cat(wrists), torch.cat(angles), shape, searched)
    return _keep(hand, thing, space, found, manners, parts, config, rng)


def _pairs(
    thing: HouseholdObject, surfaces: list[trimesh.Trimesh], most: int, rng: np.random.Generator
) -> list[tuple[int, str]]:
    names = [part.name for part in thing.parts]
    pairs = [
        (names.index(hold.part), manner)
        for hold in FAMILIES[thing.family].holds
        if hold.part in names and len(surfaces[names.index(hold.part)].faces)
        for manner in hold.manners
    ]
    order = rng.permutation(len(pairs))[:most]
    return [pairs[index] for index in sorted(order)]


def _guesses(
    hand: HandModel,
    space: ObjectField,
    surface: trimesh.Trimesh,
    part: int,
    manner: str,
    floor_m: float,
    config: SynthesisConfig,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The best of many first guesses: wrists (tries, 4, 4) and angles (tries, 15, 3)."""
    opened = preshape(hand, manner)
    wrists = seed_wrists(surface, opened, config.guesses, rng)
    skin = skin_of(hand)
    targets = targets_of(skin, [manner] * len(wrists), [part] * len(wrists))
    angles = opened.angles.expand(len(wrists), 15, 3)
    with torch.no_grad():
        shape = torch.zeros(len(wrists), 10)
        loss = contact_loss(hand, skin, space, targets, wrists, angles, shape, config.search.weights)
        points = hand.some_vertices(wrists, hand.rotations_from_angles(angles), shape, skin.vertices)
        loss = loss + UNDER_TABLE * (floor_m - config.under_m - points[..., 2]).clamp_min(0).sum(dim=1)
    # Among the better half by chance: the very best all look alike.
    best = loss.argsort()[: max(config.tries, len(loss) // 6)].numpy()
    chosen = np.concatenate([best[: config.tries // 2], rng.permutation(best[config.tries // 2 :])])[
        : config.tries
    ]
    noise = torch.from_numpy(rng.normal(scale=0.08, size=(len(chosen), 15, 3)).astype(np.float32))
    movable = (hand.limits[..., 1] - hand.limits[..., 0] > 0.5).float()
    return wrists[chosen], angles[chosen] + noise * movable


def _keep(
    hand: HandModel,
    thing: HouseholdObject,
    space: ObjectField,
    found: Found,
    manners: list[str],
    parts: list[int],
    config: SynthesisConfig,
    rng: np.random.Generator,
) -> tuple[list[Grasp], Counter]:
    dropped: Counter = Counter()
    rotations = hand.rotations_from_angles(found.angles)
    with torch.no_grad():
        surface = hand(found.wrist, rotations, found.shape)
        distance = space.sample(surface.vertices).distance
        depth = -distance.amin(dim=1)
        volume = ((-distance).clamp_min(0) * _skin_areas(hand)).sum(dim=1) * 1e6
        lowest = surface.vertices[..., 2].amin(dim=1)
        skin = skin_of(hand)
        crossed = self_contact(skin, surface.vertices[:, skin.vertices])
        walls = inner_overlap(skin, space, surface.vertices[:, skin.vertices], 0.0).amax(dim=1)
    solid = Solid.of(thing.mesh)
    solids = [piece for part in thing.parts for piece in part.solids]
    holding: HoldingTest | None = None
    names = [part.name for part in thing.parts]
    kept: Counter = Counter()
    grasps = []
    for index in found.loss.argsort().tolist():
        pair = (parts[index], manners[index])
        manner = MANNERS[manners[index]]
        if kept[pair] >= config.keep:
            continue
        if lowest[index] < float(thing.mesh.bounds[0, 2]) - config.under_m:
            dropped["through the table"] += 1
            continue
        if volume[index] > config.volume_cm3:
            dropped["too much inside"] += 1
            continue
        if walls[index] > config.wall_m:
            dropped["wall in the hand"] += 1
            continue
        if depth[index] > config.deepest_m:
            dropped["too deep"] += 1
            continue
        if crossed[index] > config.crossed_m:
            dropped["fingers cross"] += 1
            continue
        touches = finger_touches(
            surface.vertices[index].numpy(), hand.regions.numpy(), solid, thing.part_of, names
        )
        if not agreement(touches, names[parts[index]], manner.required, manner.forbidden).agrees:
            dropped["touches otherwise"] += 1
            continue
        holding = holding or HoldingTest(hand, solids, np.asarray(thing.mesh.center_mass))
        one = slice(index, index + 1)
        moved = holding.displacement_m(found.wrist[one], rotations[one], found.shape[one])[0]
        if moved > config.farthest_m:
            dropped["does not hold"] += 1
            continue
        # The quick estimate above misses thin walls between vertices.
        if (
            intersection_volume_cm3((surface.vertices[index].numpy(), hand.faces.numpy()), solid)
            > config.volume_cm3
        ):
            dropped["too much inside"] += 1
            continue
        kept[pair] += 1
        grasps.append(_grasp(thing, found, rotations, index, names[parts[index]], manner.name, touches, rng))
    return grasps, dropped


@cache
def _skin_areas(hand: HandModel) -> torch.Tensor:
    """Area (V,) that each vertex of the resting hand stands for, m2."""
    corners = hand.template[hand.faces]
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1) / 2
    return torch.zeros(len(hand.template)).index_add_(0, hand.faces.flatten(), area.repeat_interleave(3) / 3)


def _grasp(
    thing: HouseholdObject,
    found: Found,
    rotations: torch.Tensor,
    index: int,
    part: str,
    manner: str,
    touches: tuple[str, ...],
    rng: np.random.Generator,
) -> Grasp:
    intents = sorted(
        {
            intent
            for hold in FAMILIES[thing.family].holds
            if hold.part == part and manner in hold.manners
            for intent in hold.intents
        }
    )
    return Grasp(
        thing.family,
        thing.instance,
        found.wrist[index].numpy(),
        rotations[index].numpy(),
        found.shape[index].numpy(),
        part,
        manner,
        str(rng.choice(intents)),
        tuple(touches),
    )
