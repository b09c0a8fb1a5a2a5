"""From words and points to hands, with small untrained networks: what holds whatever they have learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from semgrasp_ros.core.contact.refine import RefineConfig
from semgrasp_ros.core.contact.search import SearchConfig
from semgrasp_ros.core.data.dataset import object_cloud, object_view, part_vocabulary
from semgrasp_ros.core.data.manners import FINGERS, MANNERS
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.language import GraspLanguageModel, LanguageConfig, train_vocabulary
from semgrasp_ros.core.objects.encoder import ObjectEncoderConfig
from semgrasp_ros.core.pipeline import (
    CloudError,
    InstructionError,
    MannerError,
    PartError,
    PipelineConfig,
    SemGrasp,
    SemGraspError,
)
from semgrasp_ros.core.ranking import RankingConfig, disagreement, rank, shell_pieces
from semgrasp_ros.core.tokens.model import TokenModel, TokenModelConfig
from semgrasp_ros.core.tokens.tokenizer import TokenizerConfig
from semgrasp_ros.core.touching import TouchedParts, Touches
from test.semgrasp_ros.core.tiny_grounding import tiny_grounding

WORDS = "hand me the mug by its handle"


@pytest.fixture(scope="module")
def pipeline() -> SemGrasp:
    torch.manual_seed(0)
    tokens = TokenModel(
        TokenModelConfig(
            ObjectEncoderConfig(width=32, groups=8, neighbours=8, layers=1, heads=2),
            TokenizerConfig(width=32, layers=1, heads=2),
        ),
        part_vocabulary(),
    )
    small = LanguageConfig(width=32, layers=1, heads=2, inner=32, vocabulary=300, object_slots=4)
    language = GraspLanguageModel.make(small, train_vocabulary([WORDS, "lift the pan"], 300), object_width=32)
    quick = PipelineConfig(refine=replace(RefineConfig(), search=SearchConfig(steps=3)))
    return SemGrasp(tokens, language, tiny_grounding(), load_hand(), quick, version="untrained")


@pytest.fixture(scope="module")
def mug():
    return object_cloud("mug", 0)


def test_hands_come_best_first_in_the_frame_of_the_points(pipeline: SemGrasp, mug) -> None:
    there = np.array([0.5, -0.2, 0.3])
    hands = pipeline.generate(mug.points + there, mug.normals, WORDS, candidates=4, keep=4, seed=1)
    assert 1 <= len(hands) <= 4
    totals = [hand.scores["total"] for hand in hands]
    assert totals == sorted(totals, reverse=True)
    here = pipeline.generate(mug.points, mug.normals, WORDS, candidates=4, keep=4, seed=1)
    for one, other in zip(hands, here, strict=True):
        assert one.tokens == other.tokens
        assert np.allclose(one.wrist[:3, 3] - there, other.wrist[:3, 3], atol=1e-3)
        assert np.allclose(one.vertices - there, other.vertices, atol=1e-3)
        assert np.allclose(one.part.points - there, other.part.points, atol=1e-3)
        gap = np.linalg.norm(one.part.points[:, None] - (mug.points + there)[None], axis=-1).min(axis=1)
        assert gap.max() < 1e-3 and one.part.probability.max() > 0.4, "the part that is meant is somewhere"


def test_a_hand_is_complete_and_consistent(pipeline: SemGrasp, mug) -> None:
    (hand,) = pipeline.generate(mug.points, mug.normals, WORDS, candidates=2, seed=0)
    assert all(0 <= token < 512 for token in hand.tokens)
    assert np.allclose(hand.wrist[:3, :3] @ hand.wrist[:3, :3].T, np.eye(3), atol=1e-4)
    again = load_hand()(
        *(torch.from_numpy(array)[None] for array in (hand.wrist, hand.joint_rotations, hand.shape))
    )
    assert np.allclose(again.vertices[0], hand.vertices, atol=1e-4)
    assert np.allclose(again.keypoints[0], hand.keypoints, atol=1e-4)
    assert len(hand.touches) == len(FINGERS)
    assert {"log_probability", "penetration_cm", "contact", "stability", "agreement", "total"} <= set(
        hand.scores
    )
    assert hand.why


def test_the_same_seed_gives_the_same_hands(pipeline: SemGrasp, mug) -> None:
    one, other = (
        pipeline.generate(mug.points, mug.normals, WORDS, candidates=3, seed=5)[0] for _ in range(2)
    )
    assert one.tokens == other.tokens


def test_normals_are_not_needed_nor_a_whole_object(pipeline: SemGrasp) -> None:
    seen = object_view("mug", 0, 0)
    assert pipeline.generate(seen.points, None, WORDS, candidates=2, seed=0)


def test_models_of_other_part_names_are_refused(pipeline: SemGrasp) -> None:
    other = tiny_grounding()
    other.part_names = other.part_names[::-1]
    with pytest.raises(ValueError, match="other part names"):
        SemGrasp(pipeline.token_model, pipeline.language_model, other, pipeline.hand)


def test_a_conversation_is_a_request_too(pipeline: SemGrasp, mug) -> None:
    turns = [("human", "take the mug"), ("assistant", "By the body?"), ("human", "no, by its handle")]
    assert pipeline.generate(mug.points, mug.normals, turns, candidates=2, seed=0)


@pytest.mark.parametrize(
    ("error", "change", "text"),
    [
        (InstructionError, {"turns": "   "}, "instruction: is empty"),
        (InstructionError, {"turns": "a" * 501}, "501 characters are too many"),
        (MannerError, {"manner": "grab"}, "manner: 'grab' is unknown; use one of power"),
        (PartError, {"part": "propeller"}, "'propeller' is not on this object"),
        (CloudError, {"points": np.zeros((20, 3)), "normals": None}, "points: 20 are too few"),
        (CloudError, {"points": np.zeros((200, 2)), "normals": None}, "is no cloud"),
        (
            CloudError,
            {"points": np.random.default_rng(0).normal(size=(300, 3)), "normals": None},
            "is no object",
        ),
        (CloudError, {"points": np.full((300, 3), np.nan), "normals": None}, "0 are too few"),
    ],
)
def test_what_cannot_be_done_is_said(pipeline: SemGrasp, mug, error, change, text: str) -> None:
    request = {"points": mug.points, "normals": mug.normals, "turns": WORDS} | change
    with pytest.raises(error, match=text):
        pipeline.generate(**request, candidates=2)
    assert issubclass(error, SemGraspError)


def test_what_is_demanded_is_what_codes_are_drawn_for(pipeline: SemGrasp, mug, monkeypatch) -> None:
    model = pipeline.token_model
    # As after training: a code stands for one manner.
    monkeypatch.setattr(model.manner_head.weight, "data", model.manner_head.weight.data * 1000)
    with torch.no_grad():
        manner = model.manner_head(model.tokenizer.quantisers[1].codebook).argmax(dim=1)
    asked = list(MANNERS)[int(manner.mode().values)]
    found = pipeline.generate(mug.points, mug.normals, WORDS, 4, 4, manner=asked, seed=0)
    assert {list(MANNERS)[int(manner[one.tokens[1]])] for one in found} == {asked}
    assert f", {asked}; touches" in found[0].why


def test_touched_parts_are_those_near_each_finger() -> None:
    points = np.array([[0.0, 0, 0], [0.1, 0, 0]])
    vertices = np.concatenate(
        [np.zeros((4, 3)) + [0, 0.002, 0], np.zeros((4, 3)) + [0.1, 0.003, 0], np.ones((4, 3))]
    )
    regions = np.repeat([0, 1, 2], 4)
    guessed = np.array([[0.9, 0.1], [0.4, 0.6]])
    reader = TouchedParts(regions, points, guessed, ("body", "handle"), "handle")
    here, shifted = reader.of(np.stack([vertices, vertices + [0.1, 0, 0]]))
    assert here.parts == ("body", "handle", "", "", "", "")
    np.testing.assert_allclose(here.wanted, [0.1, 0.6, 0, 0, 0, 0])
    assert shifted.parts == ("handle", "", "", "", "", "")


def test_surer_touches_disagree_less() -> None:
    config = RankingConfig()

    def one(wanted: float) -> Touches:
        return Touches(("handle", "handle", "", "", "", ""), np.array([wanted, wanted, 0, 0, 0, 0]))

    assert disagreement(one(0.9), "power", config) < disagreement(one(0.6), "power", config)
    nothing = Touches(("",) * 6, np.zeros(6))
    assert disagreement(one(0.0), "power", config) < disagreement(nothing, "power", config)


def test_ranking_prefers_the_asked_part_and_less_depth(mug) -> None:
    from semgrasp_ros.core.contact.field import field_of_points
    from semgrasp_ros.core.tokens.pose import HandPose

    hand = load_hand()
    wrist = torch.eye(4).repeat(2, 1, 1)
    wrist[0, 0, 3], wrist[1, 0, 3] = -0.30, -0.10  # in front of the mug, and through it
    pose = HandPose(wrist, torch.zeros(2, 15, 3), torch.zeros(2, 10))
    vertices = hand(pose.wrist, pose.joint_rotations, pose.shape).vertices
    space = field_of_points(mug.points, mug.normals)

    def ranked(wanted: float) -> list[dict[str, float]]:
        touches = [Touches(("handle",) * 6, np.full(6, wanted))] * 2
        return rank(hand, space, mug.points, pose, vertices, touches, np.zeros(2), "power", RankingConfig())

    scores = ranked(1.0)
    assert scores[1]["penetration_cm"] > scores[0]["penetration_cm"]
    assert ranked(0.0)[0]["total"] < scores[0]["total"]


def test_shell_pieces_follow_the_surface(mug) -> None:
    pieces = shell_pieces(mug.points)
    assert len(pieces) > 10
    assert all(piece.is_watertight for piece in pieces)
    low, high = mug.points.min(axis=0) - 0.01, mug.points.max(axis=0) + 0.01
    assert all((piece.bounds[0] > low).all() and (piece.bounds[1] < high).all() for piece in pieces)
