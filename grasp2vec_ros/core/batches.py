"""Batches for the online trainer: drawn from a store that grows, and varied, the next one while the last is learned from."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from grasp2vec_ros.core.augmentation import (
    AugmentationConfig,
    Batch,
    PreparedExperience,
    make_batch,
    prepare,
)
from grasp2vec_ros.core.encoder import EncoderConfig
from grasp2vec_ros.core.store import ExperienceStore, StoreError

if TYPE_CHECKING:
    from grasp2vec_ros.core.trainer import TrainerConfig

logger = logging.getLogger(__name__)


class ExperienceCache:
    """Decoded attempts in memory, the least recently used leave first; safe to use from several threads."""

    def __init__(
        self,
        store: ExperienceStore,
        encoder: EncoderConfig,
        augmentation: AugmentationConfig,
        limit_bytes: int,
    ) -> None:
        self._store, self._encoder, self._augmentation = store, encoder, augmentation
        self._limit, self._lock = limit_bytes, threading.Lock()
        self._items: OrderedDict[str, PreparedExperience] = OrderedDict()
        self._size = 0
        self._unreadable: set[str] = set()

    def get(self, experience_id: str) -> PreparedExperience | None:
        """An attempt at the encoder's scale; None when it cannot be read, which is logged once."""
        with self._lock:
            return self._get(experience_id)

    def _get(self, experience_id: str) -> PreparedExperience | None:
        if experience_id in self._items:
            self._items.move_to_end(experience_id)
            return self._items[experience_id]
        if experience_id in self._unreadable:
            return None
        try:
            item = prepare(self._store.get(experience_id), self._encoder, self._augmentation)
        except (StoreError, ValueError) as error:
            logger.error("left out of training: %s", error)
            self._unreadable.add(experience_id)
            return None
        self._items[experience_id] = item
        self._size += item.bytes
        while self._size > self._limit and len(self._items) > 1:
            self._size -= self._items.popitem(last=False)[1].bytes
        return item


@dataclass(frozen=True)
class Drawn:
    """What a step learns from.

    Attributes:
        attempts: that lifted something and were drawn.
        batch: of them; None where they are too few.
        failed: pre and post of attempts that lifted nothing; None and None without.
        state: of the source of chance before all this was drawn.
    """

    attempts: int
    batch: Batch | None
    failed: tuple[Tensor, Tensor] | tuple[None, None]
    state: dict


class BatchMaker:
    """Draws batches and varies them in a thread of its own.

    Args:
        config: of the trainer.
        store: with the robot's experience.
        rehearsal: a store of what must not be forgotten; half of each batch is from it.

    Attributes:
        cache: of the store's attempts.
    """

    def __init__(
        self, config: TrainerConfig, store: ExperienceStore, rehearsal: ExperienceStore | None = None
    ) -> None:
        self.config = config
        self._store, self._rehearsal = store, rehearsal
        self.cache = self._cache_of(store)
        self._rehearsal_cache = None if rehearsal is None else self._cache_of(rehearsal)
        self._rng = np.random.default_rng(config.seed)
        self._generator = torch.Generator().manual_seed(config.seed)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._ahead: Future[Drawn] | None = None

    def next(self) -> Drawn:
        """The next batch; the one after it is begun, unless there is too little experience."""
        coming, self._ahead = self._ahead or self._thread.submit(self._make), None
        drawn = coming.result()
        if drawn.batch is not None:
            self._ahead = self._thread.submit(self._make)
        return drawn

    def state(self) -> str:
        """The source of chance as it was before the next batch, as JSON."""
        if self._ahead is not None and self._ahead.exception() is None:
            return json.dumps(self._ahead.result().state)
        return json.dumps(self._rng.bit_generator.state)

    def go_on_from(self, state: str) -> None:
        """Draws as if from where `state` was asked."""
        if self._ahead is not None:
            self._ahead.exception()  # over, whatever came of it
            self._ahead = None
        self._rng.bit_generator.state = json.loads(state)

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _cache_of(self, store: ExperienceStore) -> ExperienceCache:
        config = self.config
        return ExperienceCache(store, config.encoder, config.augmentation, config.cache_mb * 2**20)

    def _make(self) -> Drawn:
        if self.config.threads:
            torch.set_num_threads(self.config.threads)
        state = self._rng.bit_generator.state
        items = self._draw()
        if len(items) < self.config.smallest_batch:
            return Drawn(len(items), None, (None, None), state)
        batch = make_batch(items, self.config.augmentation, self._generator)
        return Drawn(len(items), batch, self._draw_failures(), state)

    def _draw(self) -> list[PreparedExperience]:
        size = self.config.batch_size
        if self._rehearsal is None:
            return self._draw_from(self._store, self.cache, size)
        new = self._draw_from(self._store, self.cache, size // 2)
        if len(new) < self.config.smallest_batch:
            return new
        return new + self._draw_from(self._rehearsal, self._rehearsal_cache, size - len(new))

    def _draw_from(
        self, store: ExperienceStore, cache: ExperienceCache, size: int
    ) -> list[PreparedExperience]:
        group = self.config.scene_group
        ids = store.sample(2 * size // group + 1, self._rng, lifted=True, split="train")
        if group > 1:
            # Without them, what tells attempts apart most easily is the light and the table, not the object.
            ids = [near for i in dict.fromkeys(ids) for near in store.neighbours(i, group - 1)[:group]]
        items = (cache.get(experience_id) for experience_id in list(dict.fromkeys(ids))[:size])
        return [item for item in items if item is not None]

    def _draw_failures(self) -> tuple[Tensor, Tensor] | tuple[None, None]:
        if self.config.objective.failure == "none":
            return None, None
        ids = self._store.sample(self.config.batch_size // 4, self._rng, lifted=False, split="train")
        items = [item for item in (self.cache.get(i) for i in dict.fromkeys(ids)) if item is not None]
        if not items:
            return None, None
        # A failed attempt has no held views; its scenes stand in for them and are not looked at.
        size = self.config.encoder.held_size_px
        blank = torch.zeros(1, size, size, 3, dtype=torch.uint8)
        scenes = make_batch(
            [PreparedExperience(i.pre, i.post, blank, i.change) for i in items],
            self.config.augmentation,
            self._generator,
        )
        return scenes.pre, scenes.post
