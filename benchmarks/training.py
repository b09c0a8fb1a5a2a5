"""Steps of the online trainer, beside the bare step on a batch in memory: `python -m benchmarks.training`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.ratio import median, take_turns
from benchmarks.report import finish, options
from benchmarks.scenes import fill_store
from grasp2vec_ros.core.arithmetic import pool
from grasp2vec_ros.core.augmentation import Batch, make_batch
from grasp2vec_ros.core.batches import ExperienceCache
from grasp2vec_ros.core.checkpoint import load_checkpoint
from grasp2vec_ros.core.inference import default_checkpoint
from grasp2vec_ros.core.learner import choose_precision
from grasp2vec_ros.core.objective import Embeddings, objective
from grasp2vec_ros.core.trainer import FineTuningConfig, OnlineTrainer, TrainerConfig
from grasp_node_kit.memory import keep_memory


def bare_step(config: TrainerConfig, batch: Batch) -> Callable[[], None]:
    """Forward, loss, backward and AdamW of what learns, in the same precision, and nothing else."""
    model = load_checkpoint(default_checkpoint())[0].to(memory_format=torch.channels_last).train()
    model.freeze_trunk(config.fine_tuning.frozen_stages, config.learner.frozen_depthwise)
    model.centre.eval()
    optimiser = torch.optim.AdamW(model.parameters(), lr=config.fine_tuning.learning_rate)
    precision = choose_precision(config.learner.precision, torch.device("cpu"))
    rows = len(batch.pre)
    scenes, held = (
        torch.cat(pair).to(memory_format=torch.channels_last)
        for pair in ((batch.pre, batch.post), (batch.held, batch.held_again))
    )
    none = torch.empty(0, config.encoder.embedding_size)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            maps = model.scene_map(scenes).float()
            pooled, views = (pool(of.float(), model.config.pooling) for of in (maps, model.held(held)))
        views = model.centre(views)
        seen = Embeddings(
            maps[:rows], maps[rows:], pooled[:rows], pooled[rows:], views[:rows], views[rows:], none, none,
            model.log_temperature,
        )  # fmt: skip
        objective(seen, config.objective).backward()
        optimiser.step()

    return step


def main() -> None:
    """Goes on from the model that ships with attempts of 640 x 480; default batch, one thread and memory kept, as in the node."""
    chosen, results = options("training", main.__doc__, rounds=25, attempts=80)
    config = TrainerConfig(device="cpu", seed=chosen.seed, fine_tuning=FineTuningConfig(how="gradient"))
    torch.set_num_threads(config.threads or torch.get_num_threads())
    keep_memory()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fill_store(folder / "store", chosen.attempts, chosen.seed)
        trainer = OnlineTrainer(config, folder / "store", folder / "checkpoints", default_checkpoint())
        cache = ExperienceCache(trainer.store, config.encoder, config.augmentation, 2**30)
        ids = trainer.store.ids(lifted=True, split="train")
        items = [cache.get(i) for i in ids[: config.batch_size]]
        generator = torch.Generator().manual_seed(chosen.seed)
        steps = {
            "ours": trainer.train_step,
            "bare_step": bare_step(config, make_batch(items, config.augmentation, generator)),
        }
        if trainer.train_step() is None:
            raise RuntimeError(f"--attempts: {chosen.attempts} are too few for a batch; use more")
        seconds = take_turns(steps, chosen.rounds, warm_up=3)
        trainer.close()
    for method, values in seconds.items():
        results.add("training_step_milliseconds", f"batch_{len(items)}", method, median(values * 1e3))
    ratio = median(seconds["bare_step"] / seconds["ours"])
    results.add("training_steps_per_second_ratio", f"batch_{len(items)}", "ours_to_bare_step", ratio)
    finish(results, chosen.output)


if __name__ == "__main__":
    main()
