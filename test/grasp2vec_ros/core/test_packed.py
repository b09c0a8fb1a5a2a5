"""Packed convolutions give what the others give, and stand back where they cannot."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, make_model
from grasp2vec_ros.core.packed import MOST_SIZES, PackedConvolution, pack

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this PyTorch is without oneDNN"
)


def trained_looking(backbone: str, probe_size: int = 0) -> Grasp2Vec:
    model = make_model(
        EncoderConfig(backbone=backbone, width=8, blocks=1, embedding_size=16, probe_size=probe_size)
    )
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            # Nothing may be left at the zeros that some parts begin with: they would hide what is wrong.
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def outputs(model: Grasp2Vec, images: Tensor) -> list[Tensor]:
    with torch.inference_mode():
        probed = [] if model.probe is None else model.probe.maps(images)
        return [model.scene_map(images), model.held(images), *probed]


def packed(model: Grasp2Vec) -> Grasp2Vec:
    example = torch.rand(1, 3, 32, 40)
    with torch.inference_mode():
        return pack(copy.deepcopy(model), lambda it: outputs(it, example))


def count(model: nn.Module) -> int:
    return sum(isinstance(module, PackedConvolution) for module in model.modules())


@needs_onednn
@pytest.mark.parametrize(("backbone", "probe_size"), [("efficientnet_lite0", 8), ("small", 0)])
def test_every_convolution_is_packed_and_gives_the_same(backbone: str, probe_size: int) -> None:
    model = trained_looking(backbone, probe_size)
    other = packed(model)
    assert count(model) == 0
    assert count(other) == sum(isinstance(module, nn.Conv2d) for module in model.modules())
    # More sizes than are kept, odd ones, and several images at once.
    sizes = [(1, 32, 40), (3, 32, 40), (2, 48, 33), *((1, 30 + 2 * i, 31 + i) for i in range(MOST_SIZES + 1))]
    for batch, height, width in sizes:
        images = torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(height))
        for own, expected in zip(outputs(other, images), outputs(model, images), strict=True):
            torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@needs_onednn
def test_relu6_is_computed_along_for_kept_sizes_and_others() -> None:
    convolution = nn.Conv2d(3, 4, 3, padding=1)
    with torch.no_grad():
        convolution.weight.mul_(100.0)
        other = PackedConvolution(convolution, bounded=True)
        for side in range(8, 8 + MOST_SIZES + 2):
            images = torch.randn(2, 3, side, side)
            expected = nn.functional.relu6(convolution(images))
            assert expected.min() == 0.0 and expected.max() == 6.0
            torch.testing.assert_close(other(images), expected, rtol=1e-4, atol=1e-4)


@needs_onednn
@pytest.mark.parametrize("fault", ["other numbers", "no such operation", "refused"])
def test_a_model_stays_as_it_was_where_packing_fails(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = PackedConvolution.forward

    def broken(self: PackedConvolution, x: Tensor) -> Tensor:
        if fault == "other numbers":
            return forward(self, x) * 1.01
        raise {"no such operation": AttributeError, "refused": RuntimeError}[fault](fault)

    monkeypatch.setattr(PackedConvolution, "forward", broken)
    model = trained_looking("efficientnet_lite0", 8)
    other = packed(model)
    assert count(other) == 0
    images = torch.rand(1, 3, 32, 40)
    for own, expected in zip(outputs(other, images), outputs(model, images), strict=True):
        assert torch.equal(own, expected)
