import json

import pytest
import torch
from torch.nn import functional

from grasp2vec_ros.core.backbones import TruncatedResNet50
from grasp2vec_ros.core.backbones.efficientnet_lite import (
    STAGES,
    EfficientNetLite,
    SamePaddedConvolution,
    Trunk,
    enlarged,
)
from grasp2vec_ros.core.encoder import EncoderConfig, held_input, make_model, scene_input


def test_the_papers_backbone_has_its_size():
    net = TruncatedResNet50()
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(8.5e6, rel=0.02)
    with torch.no_grad():
        assert net.eval()(torch.zeros(1, 3, 472, 472)).shape == (1, 1024, 30, 30)
        assert net(torch.zeros(1, 3, 224, 224)).shape == (1, 1024, 14, 14)


def test_the_small_net_is_small_and_with_relu_its_map_is_not_negative():
    model = make_model(EncoderConfig(relu=True))
    assert sum(p.numel() for p in model.parameters()) < 1.2e6
    with torch.no_grad():
        maps = model.scene_map(torch.rand(2, 3, 160, 208))
    assert maps.shape == (2, 128, 20, 26) and maps.min() >= 0


def test_a_net_that_is_given_more_blocks_goes_on_from_where_it_was():
    short, long = (make_model(EncoderConfig(blocks=blocks)).eval() for blocks in (2, 5))
    missing, unexpected = long.load_state_dict(short.state_dict(), strict=False)
    assert missing and not unexpected
    with torch.no_grad():
        scene = torch.rand(1, 3, 64, 64)
        assert torch.equal(short.scene_map(scene), long.scene_map(scene))


def test_a_window_of_a_scene_has_the_scenes_map_away_from_its_border():
    """Training looks at windows, the heatmap at whole scenes: no place may depend on what is far away."""
    model = make_model(EncoderConfig()).eval()
    scene = torch.rand(1, 3, 160, 208)
    with torch.no_grad():
        whole = model.scene_map(scene)
        window = model.scene_map(scene[:, :, 24:152, 40:168])
    assert torch.allclose(whole[:, :, 3:19, 5:21][:, :, 6:-6, 6:-6], window[:, :, 6:-6, 6:-6], atol=1e-4)


def test_the_small_net_goes_on_from_where_it_was_when_it_is_given_a_trunk():
    small = make_model(EncoderConfig()).scene.backbone.eval()
    joined = EfficientNetLite(width=24, blocks=4).eval()
    joined.small.load_state_dict(small.state_dict())
    # Sizes that strides of 16 and 32 do not divide, too.
    for height, width in ((240, 320), (112, 112), (72, 136), (33, 47)):
        image = torch.rand(1, 3, height, width)
        with torch.no_grad():
            assert torch.equal(joined(image), small(image))


def test_a_coarse_map_is_enlarged_to_the_places_that_convolutions_looked_at():
    """With TensorFlow's padding place i of stride s looks at s i + s - 1/2; the trunk's maps must agree on it."""
    places = {stride: stride * torch.arange(608 // stride) + stride - 0.5 for stride in (8, 16, 32)}
    for fine, coarse in ((8, 16), (16, 32)):
        maps = {stride: places[stride][None, None, :, None].expand(1, 1, -1, 5) for stride in (fine, coarse)}
        result = enlarged(maps[coarse].float(), maps[fine])[0, 0, :, 0]
        assert torch.equal(result[1:], places[fine][1:])
    # And a convolution of the trunk does look there.
    looks = SamePaddedConvolution(1, 1, 5, stride=2)
    torch.nn.init.constant_(looks.weight, 1 / 25)
    torch.nn.init.zeros_(looks.bias)
    with torch.no_grad():
        seen = looks((torch.arange(64.0) + 0.5)[None, None, :, None].expand(1, 1, 64, 64))[0, 0, :, 16]
    assert torch.allclose(seen[2:-2], (2 * torch.arange(32) + 1.5)[2:-2], atol=1e-3)


def test_batch_norms_are_folded_into_the_trunk():
    """Of made-up weights of the classifier: the stem answers what convolution and batch norm did."""
    trunk, weights = Trunk(), {}
    generator = torch.Generator().manual_seed(0)

    def classifier(convolution, name, norm):
        for key, shape in (("weight", convolution.weight.shape), ("bias", convolution.bias.shape)):
            weights[f"{norm}.{key}"] = torch.rand(shape[0], generator=generator) + 0.5
            weights.setdefault(f"{name}.{key}", torch.randn(shape, generator=generator))
        weights[f"{norm}.running_mean"] = torch.randn(len(convolution.bias), generator=generator)
        weights[f"{norm}.running_var"] = torch.rand(len(convolution.bias), generator=generator) + 0.1

    classifier(trunk.stem, "_conv_stem", "_bn0")
    blocks = [block for stage in trunk.stages for block in stage]
    assert len(blocks) == sum(stage[-1] for stage in STAGES)
    for i, block in enumerate(blocks):
        if block.expand is not None:
            classifier(block.expand, f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")
        classifier(block.depthwise, f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1")
        classifier(block.project, f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")
    trunk.load_imagenet(weights)
    image = torch.rand(1, 3, 32, 48, generator=generator)
    with torch.no_grad():
        # TensorFlow's "SAME" with stride 2: one pixel more to the right and below, none before.
        convolved = functional.conv2d(
            functional.pad(image, (0, 1, 0, 1)), weights["_conv_stem.weight"], stride=2
        )
        norm = [weights[f"_bn0.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        expected = functional.batch_norm(convolved, *norm, eps=1e-3)
        assert torch.allclose(trunk.stem(image), expected, atol=1e-4)
    with pytest.raises(KeyError):
        trunk.load_imagenet({})


def test_held_objects_are_counted_from_their_mean():
    """What all held images share, the gripper and the wall, must not make all objects alike."""
    images = torch.full((16, 3, 96, 96), 0.6)
    images[:, :, 40:56, 40:56] = torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    cosines = {}
    for centre in (False, True):
        model = make_model(EncoderConfig(centre=centre)).train()
        with torch.no_grad():
            for _ in range(300):
                held = model.embed_held(images)
            held = torch.nn.functional.normalize(model.eval().embed_held(images), dim=1)
        cosines[centre] = float((held @ held.T).fill_diagonal_(0).sum() / (16 * 15))
    assert cosines[False] > 0.95 and abs(cosines[True]) < 0.15


def test_weights_depend_on_the_seed_alone():
    a, b, c = (make_model(EncoderConfig(), seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


def test_the_encoders_are_separate_unless_shared():
    separate, shared = (make_model(EncoderConfig(share_trunk=share)) for share in (False, True))
    assert separate.scene.backbone is not separate.held.backbone
    assert shared.scene.backbone is shared.held.backbone and shared.scene.head is not shared.held.head


def test_inputs_are_brought_to_scale():
    config = EncoderConfig()
    scene = torch.randint(0, 256, (1, 240, 320, 3), dtype=torch.uint8)
    assert scene_input(scene, config).shape == (1, 3, 240, 320)
    held = torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
    held[:, 16:112, 16:112] = 255
    white = held_input(held, config)
    assert white.shape == (1, 3, 96, 96) and white.min() > 0.95


def test_a_vision_model_of_transformers_by_local_path(tmp_path):
    from transformers import ViTConfig, ViTModel

    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
    )
    ViTModel(config).save_pretrained(tmp_path)
    model = make_model(EncoderConfig(backbone="transformers", model_path=str(tmp_path), embedding_size=12))
    with torch.no_grad():
        assert model.scene_map(torch.rand(2, 3, 32, 32)).shape == (2, 12, 4, 4)


def test_a_path_without_a_model_is_named(tmp_path):
    with pytest.raises(ValueError, match="model_path"):
        make_model(EncoderConfig(backbone="transformers", model_path=str(tmp_path)))


def test_code_in_a_model_folder_is_not_run(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "x", "auto_map": {"AutoModel": "evil.Model", "AutoConfig": "evil.C"}})
    )
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ValueError):
        make_model(EncoderConfig(backbone="transformers", model_path=str(tmp_path)))
    assert not (tmp_path / "ran").exists()
