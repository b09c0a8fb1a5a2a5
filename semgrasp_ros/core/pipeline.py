"""From words and points to a hand on the object: tokens, hands, refinement, ranking.

grasps = SemGrasp.load().generate(points, normals, "hand me the mug by its handle")
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from semgrasp_ros.core.cloud.upright import out_of
from semgrasp_ros.core.contact.field import ObjectField, field_of_points
from semgrasp_ros.core.contact.refine import RefineConfig, refine
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.drawing import DrawingConfig, Drawn, draw_hands
from semgrasp_ros.core.grounding import Grounding, believed
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.language import GraspLanguageModel, Sides, load_model
from semgrasp_ros.core.objects.clouds import estimate_normals
from semgrasp_ros.core.objects.frame import HeadingEstimator, canonical_pose
from semgrasp_ros.core.part_belief import PartBelief
from semgrasp_ros.core.ranking import RankingConfig, disagreement, rank
from semgrasp_ros.core.tokens.model import TokenModel
from semgrasp_ros.core.tokens.pose import HandPose
from semgrasp_ros.core.touching import TouchedParts

SHIPPED_MODEL = "semgrasp"
FEWEST_POINTS = 128
LONGEST_TEXT = 500
# People's hands are in front of the object, not inside a room: a cloud larger than this is not one object.
LARGEST_M = 1.0

Turns = Sequence[tuple[str, str]]


def shipped_folder() -> Path:
    """The models that ship with the package, from the source tree or an installation.

    Raises:
        FileNotFoundError: none are there.
    """
    for folder in Path(__file__).resolve().parents:
        for models in (folder / "models", folder / "share" / "semantic_grasping" / "models"):
            if (models / SHIPPED_MODEL / "tokens").is_dir():
                return models / SHIPPED_MODEL
    raise FileNotFoundError(f"models/{SHIPPED_MODEL}: is not there; give the folder of models of your own")


class SemGraspError(ValueError):
    """What was asked for cannot be done; the text says which value and what to do."""


class CloudError(SemGraspError):
    """The points are no object."""


class InstructionError(SemGraspError):
    """The words are missing or too many."""


class PartError(SemGraspError):
    """The object has no such part."""


class MannerError(SemGraspError):
    """There is no such manner."""


@dataclass
class PipelineConfig:
    """What happens after decoding."""

    temperature: float = field(default=0.8, metadata={"help": "of the draws", "minimum": 0.0})
    top_p: float = field(
        default=0.9, metadata={"help": "only the likeliest tokens of this probability are drawn"}
    )
    draws: int = field(
        default=8, metadata={"help": "tokens drawn for each candidate; the best are refined", "minimum": 1}
    )
    turned_draws: int = field(
        default=5,
        metadata={
            "help": "drawn besides for each candidate under each of three other headings of the object",
            "minimum": 0,
        },
    )
    turned_prior: float = field(
        default=-3.0,
        metadata={"help": "natural logarithm of how likely each other heading is beside the object's own"},
    )
    absent: float = field(default=0.02, metadata={"help": "a part seen on less of the object is not on it"})
    unseen: float = field(
        default=0.2,
        metadata={"help": "how much a part that words name, but nothing seen is, counts beside one in sight"},
    )
    refine: RefineConfig = field(default_factory=RefineConfig)
    ranking: RankingConfig = field(default_factory=RankingConfig)


@dataclass(frozen=True)
class Candidate:
    """A hand on the object; metres and radians, in the frame of the points.

    Attributes:
        tokens: (3,) orientation, manner and refinement.
        wrist: (4, 4).
        joint_rotations: (15, 3), MANO's order.
        shape: (10,).
        keypoints: (21, 3), MediaPipe's order.
        vertices: (V, 3).
        touches: six, in the order of FINGERS: the part that each seems to touch, "" for none.
        decoded_vertices: (V, 3) before refinement.
        scores: what the ranking is made of, and its total.
        why: for people.
        part: where the part is that was meant.
    """

    tokens: tuple[int, int, int]
    wrist: np.ndarray
    joint_rotations: np.ndarray
    shape: np.ndarray
    keypoints: np.ndarray
    vertices: np.ndarray
    touches: tuple[str, ...]
    decoded_vertices: np.ndarray
    scores: dict[str, float]
    why: str
    part: PartBelief


class SemGrasp:
    """The trained networks and what follows them."""

    def __init__(
        self,
        token_model: TokenModel,
        language_model: GraspLanguageModel,
        grounding: Grounding,
        hand: HandModel,
        config: PipelineConfig | None = None,
        version: str = "",
        heading: HeadingEstimator | None = None,
    ) -> None:
        if token_model.part_names != grounding.part_names:
            raise ValueError(
                "models: tokens and grounding were trained with other part names; train both with this version, or"
                " give the folders of one export"
            )
        self.token_model = token_model.eval()
        self.language_model = language_model.eval()
        self.grounding = grounding.eval()
        self.hand = hand
        self.config = config or PipelineConfig()
        self.version = version
        self.heading = heading

    @classmethod
    def load(
        cls, folder: str | Path = "shipped", hand: str = "open", config: PipelineConfig | None = None
    ) -> SemGrasp:
        """Loads `tokens`, `language` and `grounding` of a folder, and `frame` where it has one.

        Raises:
            FileNotFoundError: they are not there.
        """
        path = shipped_folder() if str(folder) == "shipped" else Path(folder)
        language = load_model(path / "language")
        weights = sorted(path.glob("*/*.safetensors"))
        version = hashlib.sha256(b"".join(file.read_bytes() for file in weights)).hexdigest()[:8]
        heading = HeadingEstimator.load(path / "frame") if (path / "frame").is_dir() else None
        tokens = TokenModel.load(path / "tokens")
        grounding = Grounding.load(path / "grounding")
        return cls(tokens, language, grounding, load_hand(hand), config, f"{path.name}-{version}", heading)

    def generate(
        self,
        points: np.ndarray,
        normals: np.ndarray | None,
        turns: str | Turns,
        candidates: int = 8,
        keep: int = 1,
        part: str | None = None,
        manner: str | None = None,
        seed: int | None = None,
    ) -> list[Candidate]:
        """Hands for a request, best first.

        Args:
            points: (N, 3) of the object alone, metres, z up.
            normals: (N, 3) outward; estimated when None, as seen from above.
            turns: what is asked, or a conversation of ("human" or "assistant", text) that ends with the request.
            candidates: how many are drawn.
            keep: how many are returned.
            part: must be held, whatever the words say.
            manner: must be used, whatever the words say.
            seed: of the draws; by chance when None.

        Raises:
            SemGraspError: says what is wrong with the request.
        """
        conversation = self._conversation(turns, part, manner)
        points, normals, pose = self._object(points, normals)
        seen = self.grounding.parts_of_points(points, normals)
        self._check_part(part, seen.argmax(dim=1).numpy())
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        drawn = draw_hands(
            self.token_model, self.language_model, points, normals, conversation,
            self._sides(seen, conversation, part, manner), self._drawing(candidates), generator,
        )  # fmt: skip
        meant_part, meant_manner = drawn.words
        part, manner = self.grounding.part_names[meant_part], list(MANNERS)[meant_manner]
        seen = self.grounding.parts_of_points(points, normals, meant_part)
        parts = believed(seen, meant_part).numpy()
        touched = TouchedParts(self.hand.regions.numpy(), points, parts, self.grounding.part_names, part)
        belief = PartBelief.sampled(points, parts[:, meant_part]).moved(pose)
        drawn = drawn.select(self._promising(drawn, touched, manner)[:candidates])
        tokens, likely, decoded = drawn.tokens, drawn.log_probability, drawn.pose
        space = field_of_points(points, normals, _on(parts[:, meant_part]))
        refined = refine(self.hand, space, decoded, self.config.refine, manner)
        return self._ranked(
            points, touched, space, tokens, decoded, refined, likely, part, manner, pose, belief
        )[:keep]

    def _drawing(self, candidates: int) -> DrawingConfig:
        # A single candidate is the likeliest; others are chosen among many.
        many = candidates if candidates > 1 else 0
        return DrawingConfig(
            max(1, many * self.config.draws),
            many * self.config.turned_draws,
            self.config.turned_prior,
            self.config.temperature,
            self.config.top_p,
        )

    def _sides(
        self, seen: torch.Tensor, turns: Turns, part: str | None, manner: str | None
    ) -> tuple[Sides, Sides]:
        """What orientation codes say of the part, and manner codes of the manner, with what words and eyes tell."""
        model, reading = self.token_model, self.grounding.read(turns)
        names, core = self.grounding.part_names, max(1, round(self.config.absent * len(seen)))
        in_sight = seen.topk(core, dim=0).values.mean(dim=0)
        likely_part = reading.part * (in_sight + self.config.unseen)
        likely_manner = reading.manner
        if part is not None:
            likely_part = torch.tensor([float(name == part) for name in names])
        if manner is not None:
            likely_manner = torch.tensor([float(name == manner) for name in MANNERS])
        with torch.no_grad():
            held = model.held_head(model.tokenizer.quantisers[0].codebook).softmax(dim=1)
            used = model.manner_head(model.tokenizer.quantisers[1].codebook).softmax(dim=1)
        return Sides(held, likely_part), Sides(used, likely_manner)

    def _promising(self, drawn: Drawn, touched: TouchedParts, manner: str) -> np.ndarray:
        """Indices of decoded hands, those that seem to do what is meant and are likely first."""
        with torch.no_grad():
            hands = self.hand(drawn.pose.wrist, drawn.pose.joint_rotations, drawn.pose.shape)
        touches = touched.of(hands.vertices.numpy())
        cost = [disagreement(one, manner, self.config.ranking) for one in touches]
        return np.argsort(np.array(cost) - self.config.ranking.likely * drawn.log_probability, kind="stable")

    def _parts_here(self, parts: np.ndarray) -> list[str]:
        """Names of the parts that points (N,) show, those with most points first."""
        names = self.grounding.part_names
        share = np.bincount(parts, minlength=len(names)) / len(parts)
        return [names[index] for index in np.argsort(-share) if share[index] >= self.config.absent]

    def _ranked(
        self,
        points: np.ndarray,
        touched: TouchedParts,
        space: ObjectField,
        tokens: torch.Tensor,
        decoded: HandPose,
        refined: HandPose,
        likely: np.ndarray,
        part: str,
        manner: str,
        pose: np.ndarray,
        belief: PartBelief,
    ) -> list[Candidate]:
        with torch.no_grad():
            before = self.hand(decoded.wrist, decoded.joint_rotations, decoded.shape)
            after = self.hand(refined.wrist, refined.joint_rotations, refined.shape)
        touches = touched.of(after.vertices.numpy())
        ranking = rank(
            self.hand,
            space,
            points,
            refined,
            after.vertices,
            touches,
            likely,
            manner,
            self.config.ranking,
        )
        moved = (after.vertices - before.vertices).norm(dim=-1).mean(dim=1)
        result = []
        for index in np.argsort([-scores["total"] for scores in ranking]):
            wrist = (pose @ refined.wrist[index].numpy()).astype(np.float32)
            scores = ranking[index] | {"moved_mm": float(moved[index]) * 1000}
            result.append(
                Candidate(
                    tuple(tokens[index].tolist()),
                    wrist,
                    refined.joint_rotations[index].numpy(),
                    refined.shape[index].numpy(),
                    out_of(pose, after.keypoints[index].numpy()).astype(np.float32),
                    out_of(pose, after.vertices[index].numpy()).astype(np.float32),
                    touches[index].parts,
                    out_of(pose, before.vertices[index].numpy()).astype(np.float32),
                    scores,
                    _why(part, manner, touches[index].parts, scores),
                    belief,
                )
            )
        return result

    def _object(
        self, points: np.ndarray, normals: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points and normals as the networks want them, canonical, and the pose of that frame in the points' own."""
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise CloudError(f"points: shape {points.shape} is no cloud; use (N, 3) in metres")
        finite = np.isfinite(points).all(axis=1)
        points = points[finite]
        if len(points) < FEWEST_POINTS:
            raise CloudError(f"points: {len(points)} are too few; at least {FEWEST_POINTS} are needed")
        extent = float(np.ptp(points, axis=0).max())
        if extent > LARGEST_M:
            raise CloudError(
                f"points: span {extent:.2f} m, which is no object for a hand; give only the object, in metres"
            )
        centre = (points.min(axis=0) + points.max(axis=0)) / 2
        if normals is None:
            normals = estimate_normals(points - centre, np.array([0.0, 0.0, 2.0]))
        else:
            normals = np.asarray(normals)[finite]
        pose = canonical_pose(points - centre, normals, self.heading)
        # Turned first about the cloud's own middle: far from the frame's origin that keeps digits.
        pose[:3, 3] += centre
        local = ((points - pose[:3, 3]) @ pose[:3, :3]).astype(np.float32)
        return local, (normals @ pose[:3, :3]).astype(np.float32), pose

    def _conversation(
        self, turns: str | Turns, part: str | None, manner: str | None
    ) -> list[tuple[str, str]]:
        conversation = [("human", turns)] if isinstance(turns, str) else [tuple(turn) for turn in turns]
        if not conversation or not conversation[-1][1].strip():
            raise InstructionError(
                "instruction: is empty; say what to grasp, as 'hand me the mug by its handle'"
            )
        for _, text in conversation:
            if len(text) > LONGEST_TEXT:
                raise InstructionError(
                    f"instruction: {len(text)} characters are too many; use at most {LONGEST_TEXT}"
                )
        if manner and manner not in MANNERS:
            raise MannerError(f"manner: {manner!r} is unknown; use one of {', '.join(MANNERS)}")
        # What is demanded besides is said in words too: the model knows no other way.
        speaker, text = conversation[-1]
        if part:
            text = f"{text.rstrip(' .!')}, by the {part.replace('_', ' ')}"
        if manner:
            text = f"{text.rstrip(' .!')}, with a {manner} grasp"
        return [*conversation[:-1], (speaker, text)]

    def _check_part(self, part: str | None, parts: np.ndarray) -> None:
        if not part:
            return
        names, there = self.grounding.part_names, self._parts_here(parts)
        if part not in there:
            known = "" if part in names else " (and is no part that the model knows)"
            raise PartError(
                f"part: {part!r} is not on this object{known}; it seems to have {', '.join(there)}"
            )


def _on(likely: np.ndarray) -> np.ndarray:
    """Which points (N,) are on a part, of which they are with these probabilities; never none."""
    return likely >= min(0.5, likely.max())


def _why(part: str, manner: str, touches: tuple[str, ...], scores: dict[str, float]) -> str:
    held = sorted({part for part in touches if part}, key=lambda part: -touches.count(part))
    parts = " and ".join(part.replace("_", " ") for part in held) or "nothing"
    return (
        f"meant {part.replace('_', ' ')}, {manner}; touches {parts}; {scores['penetration_cm'] * 10:.1f} mm deep, "
        f"probability {np.exp(scores['log_probability']):.2f}, refined by {scores['moved_mm']:.0f} mm"
    )
