"""Training over shards, in one process or in several that `accelerate launch` starts."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from grasp2vec_ros.core.augmentation import Batch, PreparedExperience, make_batch
from grasp2vec_ros.core.batches import ExperienceCache
from grasp2vec_ros.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    checkpoints,
    delete_old_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from grasp2vec_ros.core.evaluation import own_retrieval
from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.learner import Learner, NotFiniteError
from grasp2vec_ros.core.peers import Alone, join_peers
from grasp2vec_ros.core.record import decode_record
from grasp2vec_ros.core.shard_format import ShardError
from grasp2vec_ros.core.shard_sampler import ShardSampler
from grasp2vec_ros.core.shards import Shards
from grasp2vec_ros.core.trainer import (
    BAD_BATCHES_IN_A_ROW,
    TrainerConfig,
    embed_removal,
    encoder_to_go_on_with,
    make_learner,
)
from grasp2vec_ros.core.training_state import load_training_state, save_training_state

logger = logging.getLogger(__name__)

LANES = 8


class _ByRow:
    """Attempts of shards by their number, as the cache asks for them."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    def get(self, row: str) -> Experience:
        return decode_record(self._shards.record(int(row)), "a shard")


class ShardTrainer:
    """Learns from shards; goes on from the newest checkpoint of its folder as if it had not been interrupted.

    What a step learns from follows from the seed and the number of the step, in whatever number of processes: one and
    several give the same model, up to the order in which floating-point numbers are added. All processes make the same
    calls; the first one writes.

    Args:
        config: see there; `batch_size` is that of all processes together.
        shards: what to learn from; stays open.
        checkpoint_folder: where checkpoints and the optimiser's state go; all processes must see it.
        initial: a trained model to begin with; its encoder must be the configured one.
        lanes: see `ShardSampler`; a multiple of the number of processes, and a divisor of the batch size.
        peers: the processes and the device of this one; None: what the environment says.

    Raises:
        ValueError: lanes, batch size, shards and processes do not fit together.
        CheckpointError: `initial` cannot be used.
    """

    def __init__(
        self,
        config: TrainerConfig,
        shards: Shards,
        checkpoint_folder: str | Path,
        initial: str | Path | None = None,
        lanes: int = LANES,
        peers: tuple[Alone, torch.device] | None = None,
    ) -> None:
        self.folder, self.shards = Path(checkpoint_folder), shards
        self._initial = None if initial is None else Path(initial)
        config.encoder = encoder_to_go_on_with(config.encoder, self.folder, self._initial)
        self.config = config
        self.peers, self._device = peers or join_peers(config.device)
        _check_lanes(lanes, config.batch_size, self.peers.count)
        own = lanes // self.peers.count
        self._lanes = range(self.peers.index * own, (self.peers.index + 1) * own)
        train = ~shards.heldout
        self._sampler = ShardSampler(
            shards, train & shards.lifted, lanes, config.batch_size // lanes, config.scene_group, config.seed
        )
        self._failures = self._failure_sampler(train & ~shards.lifted, lanes)
        self._cache = ExperienceCache(
            _ByRow(shards), config.encoder, config.augmentation, config.cache_mb * 2**20
        )
        self._learner = self._fresh_learner()
        self._saved_step = -1
        self._skipped, self._bad_in_a_row = 0, 0
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next: tuple[int, Future] | None = None
        self._resume()
        self._check_same_start()

    def _check_same_start(self) -> None:
        """The loss is common, so it would not show that processes have different weights."""
        weights = sum(float(p.detach().double().abs().sum()) for p in self._learner.model.parameters())
        own = torch.tensor([[self.step, self._skipped, weights]], dtype=torch.float64, device=self._device)
        starts = self.peers.gather(own).cpu()
        if not torch.allclose(starts, starts[:1].expand_as(starts), rtol=1e-9):
            raise CheckpointError(
                f"checkpoints: processes begin at steps {starts[:, 0].int().tolist()} with different weights; all must"
                f" see the same folder {self.folder} and the same initial model"
            )

    def _failure_sampler(self, rows: np.ndarray, lanes: int) -> ShardSampler | None:
        if self.config.objective.failure == "none":
            return None
        per_lane = max(1, self.config.batch_size // 4 // lanes)
        return ShardSampler(self.shards, rows, lanes, per_lane, seed=self.config.seed + 1)

    def _fresh_learner(self) -> Learner:
        return make_learner(self.config, self._initial, self._device, self.peers)

    def _resume(self) -> None:
        """Goes on from the newest checkpoint that can be used, older ones after that."""
        for path in sorted(checkpoints(self.folder), key=lambda p: -p.stat().st_mtime_ns):
            try:
                model, metadata = load_checkpoint(path)
                learner = make_learner(self.config, self._initial, self._device, self.peers, (model, path))
            except CheckpointError as error:
                logger.error("%s; trying an older one", error)
                continue
            learner.step_count = self._saved_step = int(metadata["step"])
            state = load_training_state(path.parent, learner, metadata["version"])
            self._skipped = max(self._skipped, int(json.loads(state)["skipped"]) if state else 0)
            self._learner = learner
            return

    @property
    def step(self) -> int:
        """Optimiser steps so far."""
        return self._learner.step_count

    @property
    def skipped_batches(self) -> int:
        """Batches that were left out because a number was not finite."""
        return self._skipped

    def train_step(self) -> float | None:
        """One optimiser step of all processes.

        Returns:
            The loss of the whole batch; None when the batch was left out.

        Raises:
            ShardError: a shard cannot be read.
        """
        # Left-out batches count, else the same batch would come again.
        number = self.step + self._skipped
        if self._next is None or self._next[0] != number:
            self._next = (number, self._ahead.submit(self._batch, number))
        batch, failed = self._next[1].result()
        self._next = (number + 1, self._ahead.submit(self._batch, number + 1))
        try:
            loss = self._learner.step(batch, *failed)
        except NotFiniteError as error:
            self._leave_out(error)
            return None
        self._bad_in_a_row = 0
        return loss

    def _leave_out(self, error: NotFiniteError) -> None:
        self._skipped += 1
        self._bad_in_a_row += 1
        logger.warning("left out a batch: %s", error)
        if self._bad_in_a_row >= BAD_BATCHES_IN_A_ROW:
            self._bad_in_a_row = 0
            logger.error(
                "%d bad batches in a row: going back to the last good checkpoint", BAD_BATCHES_IN_A_ROW
            )
            self._learner = self._fresh_learner()
            self._resume()

    def _batch(self, number: int) -> tuple[Batch, tuple[Tensor | None, Tensor | None]]:
        """This process's part of a batch, and of the failed attempts beside it."""
        parts = [self._part(self._items(self._sampler, number, lane), number, lane) for lane in self._lanes]
        return _joined(parts), self._failed(number)

    def _part(self, items: list[PreparedExperience], number: int, lane: int) -> Batch:
        # Each lane draws for itself: what it draws does not depend on who has the other lanes.
        seed = self.config.seed
        return make_batch(
            items,
            self.config.augmentation,
            _generator(seed, number, lane + 1),
            _generator(seed, number, 0),
        )

    def _failed(self, number: int) -> tuple[Tensor | None, Tensor | None]:
        if self._failures is None:
            return None, None
        size = self.config.encoder.held_size_px
        blank = torch.zeros(1, size, size, 3, dtype=torch.uint8)
        parts = []
        for lane in self._lanes:
            items = self._items(self._failures, number, lane)
            scenes = [PreparedExperience(i.pre, i.post, blank, i.change) for i in items]
            parts.append(self._part(scenes, number, lane))
        batch = _joined(parts)
        return batch.pre, batch.post

    def _items(self, sampler: ShardSampler, number: int, lane: int) -> list[PreparedExperience]:
        return [self._item(int(row)) for row in sampler.draw(number, lane)]

    def _item(self, row: int) -> PreparedExperience:
        shard = self.shards.shards[self.shards.shard[row]]
        self.shards.files.get(shard)  # the cache takes an attempt for damaged when its shard is not there
        item = self._cache.get(str(row))
        if item is None:
            raise ShardError(
                f"shards: an attempt of {shard} cannot be read (see the log); export the shard again"
            )
        return item

    def save(self) -> Checkpoint | None:
        """Writes a checkpoint when there is anything new; the first process only.

        Raises:
            CheckpointError: it could not be written; the last good one is untouched.
        """
        if self.peers.index or self.step == self._saved_step or self.step == 0:
            return None
        details = {"experiences": len(self.shards), "processes": self.peers.count}
        checkpoint = save_checkpoint(self.folder, self._learner.averaged, self.step, details)
        save_training_state(self.folder, self._learner, checkpoint, json.dumps({"skipped": self._skipped}))
        self._saved_step = self.step
        delete_old_checkpoints(self.folder, self.config.keep_checkpoints)
        return checkpoint

    def evaluate(self) -> tuple[float, int]:
        """Retrieval of the own held image on held-out attempts, and how many were compared; in the calling process."""
        rows = np.flatnonzero(self.shards.heldout & self.shards.lifted)
        # Spread over all shards, always the same ones.
        rows = np.random.default_rng(self.config.seed).permutation(rows)[: self.config.evaluate_on]
        if len(rows) < 2:
            return math.nan, len(rows)
        with torch.inference_mode():
            found = [
                embed_removal(self._learner.averaged, self._item(int(row)), self._device) for row in rows
            ]
        queries, held = zip(*found, strict=True)
        return own_retrieval(np.stack(queries), np.stack(held)), len(rows)

    def close(self) -> None:
        """Ends the thread that prepares batches, and leaves the group."""
        self._ahead.shutdown(cancel_futures=True)
        self.peers.close()


def _check_lanes(lanes: int, batch_size: int, processes: int) -> None:
    if lanes < 1 or lanes % processes:
        raise ValueError(
            f"lanes: {lanes} is not a multiple of the {processes} processes; use {LANES * processes}"
        )
    if batch_size % lanes:
        raise ValueError(
            f"batch_size: {batch_size} is not a multiple of the {lanes} lanes; use {max(1, batch_size // lanes) * lanes}"
        )


def _generator(*seeds: int) -> torch.Generator:
    state = np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def _joined(parts: Sequence[Batch]) -> Batch:
    names = ("pre", "post", "held", "held_again")
    return Batch(*(torch.cat([getattr(part, name) for part in parts]) for name in names))
