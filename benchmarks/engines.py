"""Inference engines for the shipped Grasp2Vec encoders: `python -m benchmarks.engines`.

PyTorch as the perception node runs it (channels last, convolutions packed) is ours; ONNX Runtime and OpenVINO take part where they are
installed (`pip install onnx onnxscript onnxruntime openvino`). An engine whose outputs differ is not timed.
"""

from __future__ import annotations

import copy
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.ratio import median, paired_ratio, take_turns
from benchmarks.report import finish, options
from grasp2vec_ros.core.checkpoint import load_checkpoint
from grasp2vec_ros.core.encoder import Grasp2Vec
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.inference import default_checkpoint
from grasp2vec_ros.core.packed import pack

TOLERANCE = 1e-3  # of the largest output

Runner = Callable[[], np.ndarray]


class Encoder(nn.Module):
    """One of the two encoders as a net with one input.

    Without the probe, whose layers are those of the trunk once more, and without colours, which are no layers:
    compiling them takes minutes.
    """

    def __init__(self, model: Grasp2Vec, scene: bool) -> None:
        super().__init__()
        self.model, self.scene = copy.deepcopy(model), scene
        self.model.probe = self.model.colours = None

    def forward(self, images: Tensor) -> Tensor:
        """Spatial map (B, D, h, w) of scenes, or vectors (B, D) of held images."""
        return self.model.scene_map(images) if self.scene else self.model.embed_held(images)


def eager(net: nn.Module, images: Tensor, threads: int) -> Runner:
    """PyTorch as it is."""

    def run() -> np.ndarray:
        with torch.inference_mode():
            return net(images).numpy()

    return run


def channels_last(net: nn.Module, images: Tensor, threads: int) -> Runner:
    """PyTorch with channels last in memory."""
    other = copy.deepcopy(net).to(memory_format=torch.channels_last)
    return eager(other, images.contiguous(memory_format=torch.channels_last), threads)


def packed(net: nn.Module, images: Tensor, threads: int) -> Runner:
    """PyTorch with channels last and packed convolutions, as the perception node has it."""
    images = images.contiguous(memory_format=torch.channels_last)
    other = copy.deepcopy(net).to(memory_format=torch.channels_last)
    return eager(pack(other, lambda it: [it(images)]), images, threads)


def compiled(net: nn.Module, images: Tensor, threads: int) -> Runner:
    """torch.compile (Inductor), channels last; needs a C++ compiler."""
    other = copy.deepcopy(net).to(memory_format=torch.channels_last)
    # It has seen the same code with another size, and would make it fit for any: that takes minutes.
    made = torch.compile(other, dynamic=False)
    return eager(made, images.contiguous(memory_format=torch.channels_last), threads)


def onnx_runtime(net: nn.Module, images: Tensor, threads: int) -> Runner:
    """ONNX Runtime on the CPU."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "encoder.onnx"
        torch.onnx.export(net, (images,), file, input_names=["images"], dynamo=True, verbose=False)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        # By its path: the exporter puts weights into a file of their own.
        session = onnxruntime.InferenceSession(str(file), settings, providers=["CPUExecutionProvider"])
    array = images.numpy()
    return lambda: session.run(None, {"images": array})[0]


def openvino(net: nn.Module, images: Tensor, threads: int) -> Runner:
    """OpenVINO on the CPU, float32 as the others."""
    import openvino as ov

    core = ov.Core()
    core.set_property("CPU", {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"})
    model = core.compile_model(ov.convert_model(net, example_input=images, input=[list(images.shape)]), "CPU")
    array = images.numpy()
    return lambda: model(array)[0]


ENGINES: dict[str, tuple[Callable[[nn.Module, Tensor, int], Runner], tuple[str, ...]]] = {
    "ours": (packed, ()),
    "eager_channels_last": (channels_last, ()),
    "eager_contiguous": (eager, ()),
    "torch_compile": (compiled, ()),
    "onnx_runtime": (onnx_runtime, ("onnx", "onnxscript", "onnxruntime")),
    "openvino": (openvino, ("openvino",)),
}


def prepared(net: nn.Module, images: Tensor, threads: int) -> tuple[dict[str, Runner], dict[str, str]]:
    """Engines that work here and give the same outputs, and of the others, why not.

    Returns:
        Runners by name, and reasons by name.
    """
    runners, reasons, expected = {}, {}, None
    for name, (make, modules) in ENGINES.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            reasons[name] = f"not installed: {', '.join(missing)}"
            continue
        began_s = time.perf_counter()
        try:
            with torch.inference_mode():
                runner = make(net, images, threads)
                output = runner()
        except Exception as error:  # engines fail in ways of their own; the others are still worth measuring
            reasons[name] = f"failed: {type(error).__name__}: {str(error)[:200]}"
            continue
        expected = output if expected is None else expected
        difference = float(np.abs(output - expected).max() / np.abs(expected).max())
        if difference > TOLERANCE:
            reasons[name] = f"outputs differ by {difference:.1e} of the largest"
            continue
        runners[name] = runner
        reasons[name] = f"ready in {time.perf_counter() - began_s:.1f} s, outputs within {difference:.1e}"
    return runners, reasons


def main() -> None:
    """Times a scene and a held image at the model's sizes, one at a time; ratios are times beside ours."""
    chosen, results = options("engines", main.__doc__, rounds=40, threads=2)
    torch.set_num_threads(chosen.threads)
    model, _ = load_checkpoint(default_checkpoint())
    config, generator = model.config, torch.Generator().manual_seed(chosen.seed)
    width, side = config.scene_width_px, config.held_size_px
    inputs = {
        f"scene_{width}x{width * 3 // 4}": (True, (1, 3, width * 3 // 4, width)),
        f"held_{side}x{side}": (False, (1, 3, side, side)),
    }
    notes = {}
    for split, (scene, shape) in inputs.items():
        net, images = Encoder(model, scene).eval(), torch.rand(shape, generator=generator)
        runners, notes[split] = prepared(net, images, chosen.threads)
        seconds = take_turns(runners, chosen.rounds, warm_up=3)
        for name, values in seconds.items():
            results.add("engine_milliseconds", split, name, median(values * 1e3))
        for name, values in seconds.items():
            if name != "ours":
                # The other way round than elsewhere: how many times as long as ours an engine takes.
                ratio: Measurement = paired_ratio(values, seconds["ours"])
                results.add("engine_ratio", split, f"{name}_to_ours", ratio)
    for split, reasons in notes.items():
        for name, reason in reasons.items():
            print(f"{split}, {name}: {reason}")
    finish(results, chosen.output, engines=notes)


if __name__ == "__main__":
    main()
