"""The online trainer: learns in a thread of its own from a store that grows meanwhile."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from grasp2vec_ros.core.augmentation import AugmentationConfig, PreparedExperience
from grasp2vec_ros.core.batches import BatchMaker
from grasp2vec_ros.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    checkpoints,
    delete_old_checkpoints,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, make_model
from grasp2vec_ros.core.evaluation import own_retrieval
from grasp2vec_ros.core.inference import choose_device
from grasp2vec_ros.core.learner import Learner, LearnerConfig, NotFiniteError
from grasp2vec_ros.core.objective import ObjectiveConfig
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.peers import Alone
from grasp2vec_ros.core.store import ExperienceStore, StoreError
from grasp2vec_ros.core.training_state import load_training_state, save_training_state
from grasp2vec_ros.core.whitening_learner import WhiteningLearner

logger = logging.getLogger(__name__)

# After so many bad batches in a row the weights themselves are suspected and the last good ones are taken back.
BAD_BATCHES_IN_A_ROW = 20
IDLE_S = 0.2
# In a checkpoint's details: the attempt up to which whitening has taken in the store's.
TAKEN_IN = "taken_in"


@dataclass
class FineTuningConfig:
    """What differs when learning goes on from a trained model: a few new objects must not cost the old ones."""

    how: str = option(
        "auto",
        "whitening: the weights stay, and each grasp says which differences between what was taken and what is then held"
        " are none of the object's; gradient: by steps of the optimiser; auto: whitening, where the model has it",
        choices=["auto", "whitening", "gradient"],
        read_only=True,
    )
    learning_rate: float = option(3e-5, "of AdamW", minimum=1e-7, maximum=1.0)
    frozen_stages: int = option(
        7,
        "first stages of an efficientnet_lite0 trunk that stay as they are; 7: all of it",
        minimum=0,
        maximum=7,
    )
    same_object_cosine: float = option(
        0.7,
        "two held objects of a batch that are more alike than this are not pushed apart: with few objects, most"
        " batches hold the same one several times. 1: all are",
        minimum=0.0,
        maximum=1.0,
    )


@dataclass
class TrainerConfig:
    """How the online trainer works; the parts have configurations of their own."""

    batch_size: int = option(32, "attempts per step", minimum=2, maximum=4096)
    scene_group: int = option(
        1,
        "attempts of one scene that go into a batch together: they look alike in all but the object. Use it where the"
        " attempts of a scene take different objects, as simulated removals do",
        minimum=1,
        maximum=64,
    )
    smallest_batch: int = option(
        8, "attempts that must be there before learning starts", minimum=2, maximum=4096
    )
    checkpoint_every_s: float = option(20.0, "time between checkpoints", minimum=0.5, maximum=86400.0)
    keep_checkpoints: int = option(3, "older ones are deleted", minimum=1, maximum=100000)
    evaluate_every_s: float = option(
        20.0, "time between measurements on held-out experience", minimum=0.5, maximum=86400.0
    )
    evaluate_on: int = option(200, "held-out attempts that are compared", minimum=2, maximum=100000)
    cache_mb: int = option(1024, "memory for decoded images [MiB]", minimum=16, maximum=1048576)
    page_cache_mb: int = option(
        64,
        "memory for pages of the store's file [MiB]; it fills as the store grows",
        minimum=1,
        maximum=65536,
        read_only=True,
    )
    threads: int = option(
        1, "CPU threads of a step; 0: as torch likes", minimum=0, maximum=256, read_only=True
    )
    device: str = option(
        "auto",
        "where to learn; auto: a GPU when there is one",
        choices=["auto", "cpu", "cuda"],
        read_only=True,
    )
    seed: int = option(0, "seed of weights and batches", minimum=0, maximum=2**31 - 1, read_only=True)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    fine_tuning: FineTuningConfig = field(default_factory=FineTuningConfig)


@dataclass(frozen=True)
class TrainerStatus:
    """State of the trainer; the fields of TrainingStatus.msg."""

    paused: bool
    waiting: bool
    step: int
    loss: float
    steps_per_second: float
    heldout_retrieval: float
    heldout_gallery: int
    experiences: int
    experiences_lifted: int
    skipped_batches: int
    checkpoint_version: str
    message: str


def encoder_to_go_on_with(config: EncoderConfig, folder: Path, initial: Path | None) -> EncoderConfig:
    """The encoder of the trained model that learning goes on from.

    What was configured counts for random weights. One that was chosen (that differs from the default) stays as it is,
    so that a trained model with another encoder is refused.

    Args:
        config: what was configured.
        folder: of the trainer's own checkpoints, which come first.
        initial: the trained model to begin with, or None.
    """
    if config != EncoderConfig():
        return config
    for path in [*sorted(checkpoints(folder), key=lambda p: -p.stat().st_mtime_ns), initial]:
        try:
            if path is not None:
                return load_checkpoint(path)[0].config
        except CheckpointError as error:
            logger.warning("%s", error)
    return config


def make_learner(
    config: TrainerConfig,
    initial: Path | None,
    device: torch.device,
    peers: Alone | None = None,
    trained: tuple[Grasp2Vec, Path] | None = None,
) -> Learner:
    """A learner of a configuration.

    Args:
        config: see there.
        initial: the trained model that learning began with, or None for random weights.
        device: where to learn.
        peers: processes that learn together; None: this one alone.
        trained: a model to go on from, and its file; None: `initial`.

    Raises:
        CheckpointError: a model cannot be read, or its encoder is another than the configured one.
    """
    if trained is None and initial is not None:
        trained = (load_checkpoint(initial)[0], initial)
    model = make_model(config.encoder, config.seed) if trained is None else trained[0]
    if model.config != config.encoder:
        raise CheckpointError(
            f"checkpoint: {trained[1]} has encoder {model.config}, this trainer works with {config.encoder}; name a"
            " folder of checkpoints, an initial model and encoder.* parameters that fit together"
        )
    learner, objective, tuning = config.learner, config.objective, config.fine_tuning
    if initial is not None:
        # A few objects have another mean than all objects have.
        learner = replace(
            learner,
            learning_rate=tuning.learning_rate,
            frozen_stages=tuning.frozen_stages,
            decay_steps=0,
            frozen_centre=True,
        )
        objective = replace(objective, same_object_cosine=tuning.same_object_cosine)
    return Learner(model, learner, objective, device, peers)


def embed_removal(
    model: Grasp2Vec, item: PreparedExperience, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """phi_s(pre) - phi_s(post) and phi_o(first held view) of an attempt, (D,) each."""
    scenes = torch.stack([item.pre, item.post]).permute(0, 3, 1, 2).float().to(device) / 255
    held = item.held[:1].permute(0, 3, 1, 2).float().to(device) / 255
    pre, post = model.embed_scene(scenes).cpu().numpy()
    return pre - post, model.embed_held(held)[0].cpu().numpy()


class OnlineTrainer:
    """Samples the store, learns, measures itself on held-out attempts, and writes checkpoints.

    It goes on from the newest checkpoint of its folder; without one from `initial`, else from random weights. All
    public calls are safe from any thread.

    Args:
        config: see there; its encoder becomes that of the model that learning goes on from.
        store_folder: the experience store; made when missing.
        checkpoint_folder: where checkpoints and the optimiser's state go.
        initial: a trained model to begin with, as the one that ships.
        rehearsal_folder: a store of what must not be forgotten, as simulated removals; half of each batch is from it.

    Raises:
        StoreError: the store cannot be opened.
        CheckpointError: `initial` cannot be used.
    """

    def __init__(
        self,
        config: TrainerConfig,
        store_folder: str | Path,
        checkpoint_folder: str | Path,
        initial: str | Path | None = None,
        rehearsal_folder: str | Path | None = None,
    ) -> None:
        self.folder = Path(checkpoint_folder)
        self._initial = None if initial is None else Path(initial)
        # In place: the node changes parameters of the same object later.
        config.encoder = encoder_to_go_on_with(config.encoder, self.folder, self._initial)
        self.config = config
        self.store = ExperienceStore(store_folder, page_cache_mb=config.page_cache_mb)
        self._device = choose_device(config.device)
        self._rehearsal = (
            None if rehearsal_folder is None else ExperienceStore(rehearsal_folder, read_only=True)
        )
        self._batches = BatchMaker(config, self.store, self._rehearsal)
        # Held while weights change or are read: a step, a measurement, a checkpoint, a reset.
        self._working = threading.RLock()
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._thread: threading.Thread | None = None
        self._losses: list[float] = []
        self._rate_mark = (time.monotonic(), 0)
        self._last_loss, self._rate = math.nan, 0.0
        self._heldout, self._heldout_gallery = math.nan, 0
        self._skipped, self._bad_in_a_row = 0, 0
        self._waiting, self._message = True, ""
        self._version = ""
        self._learner = self._fresh_learner()
        self._resume()

    def _fresh_learner(self, trained: tuple[Grasp2Vec, Path] | None = None) -> Learner | WhiteningLearner:
        learner = make_learner(self.config, self._initial, self._device, trained=trained)
        if self._initial is None or self.config.fine_tuning.how == "gradient":
            return learner
        if learner.averaged.whitening is not None:
            return WhiteningLearner(learner.averaged, self.config.device)
        if self.config.fine_tuning.how == "auto":
            return learner
        raise CheckpointError(
            f"fine_tuning.how: 'whitening' needs a model that is whitened, and {self._initial} is not; use"
            " `python -m grasp2vec_ros whiten`, or 'gradient'"
        )

    def _resume(self) -> None:
        """Goes on from the newest checkpoint that can be used, older ones after that."""
        for path in sorted(checkpoints(self.folder), key=lambda p: -p.stat().st_mtime_ns):
            try:
                self.load(path)
                return
            except CheckpointError as error:
                logger.error("%s; trying an older one", error)
                self._message = str(error)

    @property
    def step(self) -> int:
        """Optimiser steps since the last reset."""
        return self._learner.step_count

    def start(self) -> None:
        """Begins to learn in the background."""
        if self._thread is None or not self._thread.is_alive():
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="trainer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stops learning, and writes a checkpoint when there is anything new."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self.step and not self._version.startswith(f"{self.step}-"):
            self._try_to_save()

    def close(self) -> None:
        """Stops and closes the store."""
        self.stop()
        self._batches.close()
        self.store.close()
        if self._rehearsal is not None:
            self._rehearsal.close()

    def pause(self) -> None:
        """Stops learning after the step that is running; returns when it is over."""
        self._paused.set()
        with self._working:
            pass

    def resume(self) -> None:
        """Learns on."""
        self._paused.clear()

    def reset(self) -> None:
        """Starts again from the initial model or from random weights; experience and checkpoints on disk stay."""
        with self._working:
            self._learner = self._fresh_learner()
            self._losses, self._last_loss = [], math.nan
            self._heldout, self._heldout_gallery = math.nan, 0

    def save(self, folder: str | Path | None = None) -> Checkpoint:
        """Writes a checkpoint now.

        Raises:
            CheckpointError: it could not be written; the last good one is untouched.
        """
        with self._working:
            learner = self._learner
            details = {
                "heldout_retrieval": None if math.isnan(self._heldout) else self._heldout,
                "experiences": len(self.store),
            }
            if isinstance(learner, WhiteningLearner):
                details[TAKEN_IN] = learner.taken_in
            checkpoint = save_checkpoint(folder or self.folder, learner.averaged, self.step, details)
            if folder is None or Path(folder) == self.folder:
                if isinstance(learner, Learner):
                    save_training_state(self.folder, learner, checkpoint, self._batches.state())
                self._version = checkpoint.version
                delete_old_checkpoints(self.folder, self.config.keep_checkpoints)
        return checkpoint

    def load(self, path: str | Path) -> str:
        """Goes on from a checkpoint; the optimiser's state too when it belongs to it.

        Raises:
            CheckpointError: it cannot be used; the model in use stays.
        """
        path = Path(path)
        if path.is_dir():
            path = newest_checkpoint(path) or path
        model, metadata = load_checkpoint(path)
        with self._working:
            learner = self._fresh_learner(trained=(model, path))
            learner.step_count = int(metadata["step"])
            if isinstance(learner, WhiteningLearner):
                taken_in = json.loads(metadata["details"]).get(TAKEN_IN)
                learner.taken_in = taken_in if isinstance(taken_in, str) else None
            else:
                state = load_training_state(path.parent, learner, metadata["version"])
                if state is not None:
                    self._batches.go_on_from(state)
            self._learner, self._version = learner, metadata["version"]
        return metadata["version"]

    def _try_to_save(self) -> None:
        try:
            self.save()
        except CheckpointError as error:
            logger.error("%s", error)
            self._message = str(error)

    def train_step(self) -> float | None:
        """One step: of the optimiser on a random batch, or a grasp that is taken in, see `FineTuningConfig.how`.

        Returns:
            Its loss; None when there is too little experience, or it was left out.
        """
        with self._working:
            learner = self._learner
            loss = (
                self._take_in(learner) if isinstance(learner, WhiteningLearner) else self._optimise(learner)
            )
            if loss is not None:
                self._message = ""
                self._losses.append(loss)
            return loss

    @property
    def caught_up(self) -> bool:
        """All that the store has is taken in, and more steps would need more grasps; never so with an optimiser."""
        return (
            isinstance(self._learner, WhiteningLearner)
            and self.step > 0
            and not self.store.following(self._learner.taken_in, 1)
        )

    def _optimise(self, learner: Learner) -> float | None:
        drawn = self._batches.next()
        self._waiting = drawn.batch is None
        if drawn.batch is None:
            self._message = f"waiting for experience: {drawn.attempts} of {self.config.smallest_batch} attempts that lifted something"
            return None
        try:
            loss = learner.step(drawn.batch, *drawn.failed)
        except NotFiniteError as error:
            self._leave_out(error)
            return None
        self._bad_in_a_row = 0
        return loss

    def _take_in(self, learner: WhiteningLearner) -> float | None:
        coming = self.store.following(learner.taken_in, 1)
        self._waiting = not coming
        if not coming:
            self._message = f"waiting for experience: {self.step} attempts that lifted something are taken in"
            return None
        learner.taken_in = coming[0]
        try:
            loss, problem = learner.step(self.store.get(coming[0])), "what it lifted is not to be seen"
        except (StoreError, NotFiniteError, ValueError) as error:
            loss, problem = None, str(error)
        if loss is None:
            self._skipped += 1
            self._message = f"left out attempt {coming[0]}: {problem}"
            logger.warning("%s", self._message)
        return loss

    def _leave_out(self, error: NotFiniteError) -> None:
        self._skipped += 1
        self._bad_in_a_row += 1
        self._message = f"left out a batch: {error}"
        logger.warning("%s", self._message)
        if self._bad_in_a_row >= BAD_BATCHES_IN_A_ROW:
            self._bad_in_a_row = 0
            logger.error(
                "%d bad batches in a row: going back to the last good checkpoint", BAD_BATCHES_IN_A_ROW
            )
            self._learner = self._fresh_learner()
            self._resume()

    def evaluate(self) -> tuple[float, int]:
        """Retrieval of the own held image on held-out attempts, and how many were compared."""
        ids = self.store.ids(lifted=True, split="heldout", newest=self.config.evaluate_on)
        if isinstance(self._learner, WhiteningLearner):
            return self._learner.retrieval(ids, self.store.get)
        items = [item for item in map(self._batches.cache.get, ids) if item is not None and len(item.held)]
        if len(items) < 2:
            return math.nan, len(items)
        with self._working, torch.inference_mode():
            found = [embed_removal(self._learner.averaged, item, self._device) for item in items]
        queries, held = zip(*found, strict=True)
        return own_retrieval(np.stack(queries), np.stack(held)), len(items)

    def status(self) -> TrainerStatus:
        """How it stands; the loss is the mean since the last call."""
        losses, self._losses = self._losses, []
        if losses:
            self._last_loss = float(np.mean(losses))
        now, (before, step) = time.monotonic(), self._rate_mark
        if now - before > 0.5:
            self._rate, self._rate_mark = max(0, self.step - step) / (now - before), (now, self.step)
        try:
            attempts, lifted = self.store.counts()
        except StoreError as error:
            attempts, lifted, self._message = 0, 0, str(error)
        return TrainerStatus(
            paused=self._paused.is_set(),
            waiting=self._waiting,
            step=self.step,
            loss=self._last_loss,
            steps_per_second=self._rate,
            heldout_retrieval=self._heldout,
            heldout_gallery=self._heldout_gallery,
            experiences=attempts,
            experiences_lifted=lifted,
            skipped_batches=self._skipped,
            checkpoint_version=self._version,
            message=self._message,
        )

    def _run(self) -> None:
        if self.config.threads:
            torch.set_num_threads(self.config.threads)
        saved = evaluated = time.monotonic()
        while not self._stop.is_set():
            if self._paused.is_set():
                self._stop.wait(IDLE_S)
                continue
            try:
                learned = self.train_step() is not None
                now = time.monotonic()
                if learned and now - evaluated > self.config.evaluate_every_s:
                    self._heldout, self._heldout_gallery = self.evaluate()
                    evaluated = time.monotonic()
                if learned and now - saved > self.config.checkpoint_every_s:
                    self._try_to_save()
                    saved = time.monotonic()
            except (
                Exception
            ) as error:  # whatever happens, the trainer goes on: experience is safe in the store
                logger.exception("training step failed")
                self._skipped += 1
                self._message = f"{type(error).__name__}: {error}"
                learned = False
            if not learned:
                self._stop.wait(IDLE_S)
