"""The codebook, the tokenizer in all its variants, and a training that learns and goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from semgrasp_ros.core.data.dataset import GraspData
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform
from semgrasp_ros.core.objects.encoder import ObjectEncoderConfig
from semgrasp_ros.core.tokens.model import TokenModel, TokenModelConfig
from semgrasp_ros.core.tokens.pose import (
    HandPose,
    finger_numbers,
    fingers_from_numbers,
    wrist_from_numbers,
    wrist_numbers,
)
from semgrasp_ros.core.tokens.quantiser import Quantiser
from semgrasp_ros.core.tokens.search import search_tokens
from semgrasp_ros.core.tokens.tokenizer import VARIANTS, GraspTokenizer, Reconstruction, TokenizerConfig
from semgrasp_ros.core.tokens.training import (
    TokenTrainer,
    TokenTrainingConfig,
    naming_loss,
    validate,
    vertex_error_mm,
)

HAND = load_hand()
TINY = TokenModelConfig(
    ObjectEncoderConfig(width=32, groups=8, neighbours=8, layers=1, heads=2),
    TokenizerConfig(codes=16, width=32, layers=1, heads=2),
)


def poses(count: int, seed: int = 0) -> HandPose:
    generator = torch.Generator().manual_seed(seed)
    turn = matrix_from_vector(torch.randn(count, 3, generator=generator))
    wrist = transform(turn, 0.1 * torch.randn(count, 3, generator=generator))
    return HandPose(
        wrist,
        0.4 * torch.randn(count, 15, 3, generator=generator),
        torch.randn(count, 10, generator=generator),
    )


def clouds(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    normals = torch.nn.functional.normalize(torch.randn(count, 128, 3, generator=generator), dim=-1)
    sides = 0.03 + 0.05 * torch.rand(count, 1, 3, generator=generator)
    return torch.cat([normals * sides, normals, torch.zeros(count, 128, 1)], dim=-1)


def grasp_data(objects: int, each: int) -> GraspData:
    pose = poses(objects * each)
    grasps = [
        Grasp("mug", row // each, pose.wrist[row].numpy(), pose.joint_rotations[row].numpy(), pose.shape[row].numpy(),
              "body", "power", "lift", ("body",) * 6)
        for row in range(len(pose))
    ]  # fmt: skip
    owner = torch.arange(objects).repeat_interleave(each)
    return GraspData(
        [("mug", index) for index in range(objects)],
        grasps,
        owner,
        clouds(objects),
        torch.zeros(objects, 0, 128, 7),
    )


def test_numbers_of_a_pose_come_back() -> None:
    pose = poses(50)
    assert torch.allclose(wrist_from_numbers(wrist_numbers(pose.wrist)), pose.wrist, atol=1e-5)
    back = fingers_from_numbers(finger_numbers(pose.joint_rotations))
    assert torch.allclose(matrix_from_vector(back), matrix_from_vector(pose.joint_rotations), atol=1e-4)


def test_codebook_finds_clusters_and_wakes_idle_codes() -> None:
    torch.manual_seed(0)
    centres = 5 * torch.randn(12, 4)
    quantiser = Quantiser(16, 4).train()
    quantiser.codebook.fill_(1000.0)  # all codes far from everything: none would ever be chosen
    quantiser.begun.fill_(True)
    for _ in range(400):
        vectors = centres[torch.randint(12, (64,))] + 0.1 * torch.randn(64, 4)
        _, _, loss = quantiser(vectors)
    assert float(loss) < 1.5  # of a variance of 25
    assert quantiser.perplexity() > 8


def test_quantising_passes_the_gradient_through() -> None:
    quantiser = Quantiser(8, 4).eval()
    vectors = torch.randn(5, 4, requires_grad=True)
    codes, index, _ = quantiser(vectors)
    codes.sum().backward()
    assert torch.equal(vectors.grad, torch.ones(5, 4))
    assert torch.allclose(codes, quantiser.look_up(index), atol=1e-6)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_decoding_the_tokens_is_the_last_level(variant: str) -> None:
    torch.manual_seed(0)
    model = TokenModel(
        TokenModelConfig(TINY.encoder, TokenizerConfig(VARIANTS[variant], 16, 32, 1, 2)), ("body",)
    ).eval()
    thing = model.see(clouds(3)[..., :3], clouds(3)[..., 3:6])
    with torch.no_grad():
        result = model.tokenizer(poses(6), thing)
        decoded = model.tokenizer.decode(result.tokens, thing)
    assert result.tokens.shape == (6, len(VARIANTS[variant]))
    last = result.poses[-1]
    if variant != "two":
        assert torch.allclose(decoded.wrist, last.wrist, atol=1e-5)
    assert torch.allclose(decoded.joint_rotations, last.joint_rotations, atol=1e-4)


def test_orientation_decides_the_wrist_and_manner_the_fingers() -> None:
    torch.manual_seed(0)
    model = TokenModel(TINY, ("body",)).eval()
    model.tokenizer.decoders[2].out[1].weight.data.zero_()  # nothing refined
    model.tokenizer.decoders[2].out[1].bias.data.zero_()
    thing = model.see(clouds(1)[..., :3], clouds(1)[..., 3:6])
    one, other = (model.tokenizer.decode(torch.tensor([[3, m, 5]]), thing) for m in (1, 2))
    assert torch.allclose(one.wrist, other.wrist)
    assert not torch.allclose(one.joint_rotations, other.joint_rotations)


def test_many_grasps_of_one_object_are_as_one_by_one() -> None:
    torch.manual_seed(0)
    model = TokenModel(TINY, ("body",)).eval()
    thing = model.see(clouds(2)[..., :3], clouds(2)[..., 3:6])
    tokens = torch.randint(16, (6, 3))
    together = model.tokenizer.decode(tokens, thing)
    apart = model.tokenizer.decode(tokens, thing.repeat(torch.tensor([0, 0, 0, 1, 1, 1])))
    assert torch.allclose(together.wrist, apart.wrist, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_searched_tokens_tell_grasps_better(variant: str) -> None:
    torch.manual_seed(2)
    config = TokenizerConfig(VARIANTS[variant], codes=16, width=32, layers=1, heads=2)
    tokenizer = TokenModel(TokenModelConfig(TINY.encoder, config), ("body",)).eval().tokenizer
    things = TokenModel(TINY, ("body",)).eval().see(*clouds(2)[..., :6].split(3, dim=-1))
    pose, owner = poses(6, 3), torch.tensor([0, 0, 0, 1, 1, 1])
    greedy = tokenizer.encode(pose, things)
    found = search_tokens(tokenizer, HAND, pose, things.repeat(owner))
    far, near = (vertex_error_mm(HAND, pose, tokenizer.decode(tokens, things)) for tokens in (greedy, found))
    assert near.mean() < far.mean()
    alone = search_tokens(tokenizer, HAND, pose, things.repeat(owner), (1,) * tokenizer.levels)
    assert torch.equal(alone, greedy)
    # One at a time, or all: the same.
    single = search_tokens(tokenizer, HAND, pose.select(torch.tensor([4])), things.repeat(owner[4:5]))
    assert torch.equal(single, found[4:5])


def test_search_tells_widths_that_do_not_fit() -> None:
    tokenizer = TokenModel(TINY, ("body",)).eval().tokenizer
    thing = TokenModel(TINY, ("body",)).eval().see(*clouds(1)[..., :6].split(3, dim=-1))
    for widths in ((4, 4), (4, 0, 4), (4, 4, 17)):
        with pytest.raises(ValueError, match="widths"):
            search_tokens(tokenizer, HAND, poses(1), thing, widths)


def test_wrong_tokens_are_refused() -> None:
    tokenizer = GraspTokenizer(TINY.tokenizer)
    thing = TokenModel(TINY, ("body",)).see(clouds(1)[..., :3], clouds(1)[..., 3:6])
    with pytest.raises(ValueError, match="tokens: shape"):
        tokenizer.decode(torch.zeros(1, 2, dtype=torch.long), thing)
    with pytest.raises(ValueError, match="use 0 to 15"):
        tokenizer.decode(torch.full((1, 3), 16), thing)
    with pytest.raises(ValueError, match="roles"):
        GraspTokenizer(TokenizerConfig(roles=("thumb",)))


def test_encoder_does_not_care_about_the_order_of_points() -> None:
    torch.manual_seed(0)
    model = TokenModel(TINY, ("body",)).eval()
    cloud = clouds(1)
    mixed = cloud[:, torch.randperm(128)]
    one, other = (model.see(one[..., :3], one[..., 3:6]) for one in (cloud, mixed))
    assert torch.allclose(one.tokens, other.tokens, atol=1e-4)


def test_too_few_points_are_named() -> None:
    model = TokenModel(TINY, ("body",))
    with pytest.raises(ValueError, match="points: 4 are too few"):
        model.see(torch.zeros(1, 4, 3), torch.zeros(1, 4, 3))
    with pytest.raises(ValueError, match="normals"):
        model.see(torch.zeros(1, 40, 3), torch.zeros(1, 4, 3))


def trainer(folder: Path, steps: int, data: GraspData) -> TokenTrainer:
    torch.manual_seed(0)
    config = TokenTrainingConfig(
        steps=steps, objects=4, grasps=4, points=96, rate=3e-3, warm_up=10, turn_rad=0.0, tilt_rad=0.0, shift_m=0.0,
        noise_m=0.0, check_every=20,
    )  # fmt: skip
    return TokenTrainer(TokenModel(TINY, ("body",)), HAND, data, data, config, folder)


@pytest.mark.slow
def test_training_learns_and_a_saved_model_is_the_same(tmp_path: Path) -> None:
    data = grasp_data(4, 4)
    before = validate(TokenModel(TINY, ("body",)).eval(), HAND, data, 96)
    after = trainer(tmp_path, 150, data).run()
    assert after["mm3"] < 0.5 * before["mm3"]
    again = validate(TokenModel.load(tmp_path), HAND, data, 96)
    assert again["mm3"] == pytest.approx(after["mm3"], rel=1e-3)


def test_training_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    data = grasp_data(4, 4)
    trainer(tmp_path, 20, data).run()
    longer = trainer(tmp_path, 40, data)
    longer.run()
    assert longer.step == 40
    other = TokenModelConfig(TINY.encoder, TokenizerConfig(VARIANTS["one"], 16, 32, 1, 2))
    with pytest.raises(ValueError, match="another configuration"):
        TokenTrainer(TokenModel(other, ("body",)), HAND, data, data, longer.config, tmp_path).run()


def test_codes_learn_to_name_part_and_manner() -> None:
    torch.manual_seed(0)
    model = TokenModel(TINY, ("body", "handle"))
    codes = [torch.zeros(6, 32), torch.zeros(6, 32), torch.zeros(6, 32)]
    words = torch.tensor([[0, 0], [1, 1], [0, 2], [1, 3], [0, 4], [1, 0]])
    for row, (part, manner) in enumerate(words.tolist()):
        codes[0][row, part], codes[1][row, manner] = 30.0, 30.0
    with torch.no_grad():
        model.held_head.weight.copy_(torch.eye(32)[:2])
        model.manner_head.weight.copy_(torch.eye(32)[:5])
        right = naming_loss(model, Reconstruction([], torch.zeros(6, 3), codes, torch.zeros(())), words)
        wrong = naming_loss(
            model, Reconstruction([], torch.zeros(6, 3), codes, torch.zeros(())), words.flip(0)
        )
    assert float(right) < 1e-3 < 5 < float(wrong)


def test_vertex_error_of_a_shift_is_the_shift() -> None:
    pose = poses(3)
    moved = pose.wrist.clone()
    moved[:, 0, 3] += 0.01
    error = vertex_error_mm(HAND, pose, HandPose(moved, pose.joint_rotations, pose.shape))
    assert np.allclose(error, 10.0, atol=1e-2)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="model.safetensors"):
        TokenModel.load(tmp_path)
