"""What learning goes on from besides the checkpoint: the weights of now, the optimiser's moments, the random state."""

from __future__ import annotations

import logging
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from grasp2vec_ros.core.checkpoint import Checkpoint, digest_of, write_atomically
from grasp2vec_ros.core.learner import Learner

logger = logging.getLogger(__name__)

OPTIMISER_FILE = "optimiser.safetensors"
_WEIGHT = "weight_now"


def save_training_state(folder: Path, learner: Learner, checkpoint: Checkpoint, random_state: str) -> None:
    """Writes the state that belongs to a checkpoint; nothing before the first step.

    Raises:
        CheckpointError: it could not be written; what was there before is untouched.
    """
    names = {id(p): name for name, p in learner.model.named_parameters()}
    tensors: dict[str, Tensor] = {}
    for parameter, state in learner.optimiser.state.items():
        for key, value in state.items():
            tensors[f"{names[id(parameter)]}/{key}"] = value.detach().cpu().contiguous()
    if not tensors:
        return
    for name, parameter in learner.model.named_parameters():
        # The checkpoint has the averaged weights; these are the ones that learning goes on from.
        tensors[f"{name}/{_WEIGHT}"] = parameter.detach().cpu().clone(memory_format=torch.contiguous_format)
    words = {"checkpoint": checkpoint.version, "random": random_state}
    write_atomically(folder / OPTIMISER_FILE, tensors, {**words, "digest": digest_of(tensors, words)})


def load_training_state(folder: Path, learner: Learner, version: str) -> str | None:
    """Brings a learner with the weights of a checkpoint to the state that was saved with it.

    Args:
        folder: of the checkpoint.
        learner: is changed.
        version: of the checkpoint.

    Returns:
        The random state; None when there is no state of this checkpoint, and nothing was changed.
    """
    file = folder / OPTIMISER_FILE
    if not file.is_file():
        return None
    try:
        with safetensors.safe_open(str(file), framework="pt") as opened:
            metadata = opened.metadata() or {}
        if metadata.get("checkpoint") != version:
            return None  # of another checkpoint: moments of other weights would mislead
        tensors, random_state = safetensors.torch.load_file(file), metadata["random"]
        if digest_of(tensors, metadata) != metadata["digest"]:
            raise ValueError("its content does not match its digest")
    except (OSError, safetensors.SafetensorError, KeyError, ValueError) as error:
        logger.warning("optimiser state %s cannot be read (%s); it starts anew", file, error)
        return None
    parameters = dict(learner.model.named_parameters())
    for key, value in tensors.items():
        name, _, entry = key.rpartition("/")
        parameter = parameters.get(name)
        if parameter is not None and entry == _WEIGHT:
            parameter.data.copy_(value)
        elif parameter is not None:
            state = learner.optimiser.state[parameter]
            state[entry] = value if entry == "step" else value.to(parameter.device)
    return random_state
