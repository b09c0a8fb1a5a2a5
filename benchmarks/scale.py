"""Stores of three sizes, shards of one, and training by one and by two processes: `python -m benchmarks.scale`."""

from __future__ import annotations

import multiprocessing
import os
import queue
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.ratio import median, paired_ratio, ratio_of_medians, take_turns
from benchmarks.report import FOLDER, finish, options
from benchmarks.rounds import note_load
from benchmarks.scale_fleet import add_fleet
from benchmarks.scale_page import publish
from benchmarks.scale_store import fill
from benchmarks.scenes import fill_store
from grasp2vec_ros.core.augmentation import AugmentationConfig
from grasp2vec_ros.core.checkpoint import load_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.inference import default_checkpoint
from grasp2vec_ros.core.merge import MergeReport, merge, readable_records
from grasp2vec_ros.core.results import Results
from grasp2vec_ros.core.shard_export import export_shards
from grasp2vec_ros.core.shard_trainer import ShardTrainer
from grasp2vec_ros.core.shards import Shards
from grasp2vec_ros.core.store import FILE_NAME, ExperienceStore
from grasp2vec_ros.core.trainer import OnlineTrainer, TrainerConfig

BATCH = 32
FIRST_BATCHES = 30
LANES = 4
SHARDS = 16  # about so many
READ_AHEAD_BYTES = 2**24
REAL = 48  # attempts with images of a real camera's size
REAL_SPLIT = "640x480_three_views"
PAPER = {"backbone": "resnet50", "embedding_size": 1024, "pooling": "mean", "relu": True, "centre": False, "share_trunk": False}  # fmt: skip


def small_config() -> TrainerConfig:
    """Nets that fit the generated images; the least memory for images, so that it fills up soon."""
    return TrainerConfig(
        batch_size=BATCH,
        device="cpu",
        cache_mb=16,
        encoder=EncoderConfig(width=8, embedding_size=32, scene_width_px=64, held_size_px=32, held_crop=1.0),
        augmentation=AugmentationConfig(window_px=32, jitter_px=4),
    )


def learned_encoder() -> EncoderConfig:
    """What learns of the model that ships: the networks that a fleet's experience is for."""
    return replace(load_checkpoint(default_checkpoint())[0].config, probe_size=0, colour_size=0)


def forget(file: Path) -> None:
    """Takes a file out of the operating system's memory, as after a start of the machine."""
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def remember(file: Path) -> None:
    """Brings a file into the operating system's memory, as far as there is room, as after an epoch of training."""
    with file.open("rb") as opened:
        while opened.read(READ_AHEAD_BYTES):
            pass


def open_store(folder: Path) -> None:
    """What a trainer does before its first step: opens, counts, and draws an attempt."""
    with ExperienceStore(folder) as store:
        store.counts()
        store.get(store.sample(1, np.random.default_rng(0))[0])


def measure_stores(results: Results, folders: dict[int, Path], rounds: int, warm_up: int) -> None:
    """Opening, drawing a batch and reading it, from disk and from memory."""
    for metric, seconds in {
        "store_open_from_disk": _opened_from_disk(folders),
        "store_open": take_turns({size: lambda f=f: open_store(f) for size, f in folders.items()}, 5),
        **_batches_from_disk(folders, results.seed),
        **_batches_from_memory(folders, rounds, warm_up, results.seed),
    }.items():
        for size, values in seconds.items():
            results.add(f"{metric}_milliseconds", f"{size}_experiences", "ours", median(values * 1e3))
        if metric.startswith("store_sample"):
            for size in list(folders)[1:]:
                ratio = paired_ratio(seconds[size], seconds[min(folders)])
                results.add(f"{metric}_ratio", f"{size}_experiences", f"to_{min(folders)}_experiences", ratio)


def _opened_from_disk(folders: dict[int, Path]) -> dict[int, np.ndarray]:
    seconds: dict[int, list[float]] = {size: [] for size in folders}
    for size, folder in folders.items():
        for _ in range(3):
            forget(folder / FILE_NAME)
            began = time.perf_counter()
            open_store(folder)
            seconds[size].append(time.perf_counter() - began)
    return {size: np.array(values) for size, values in seconds.items()}


def _batches_from_disk(folders: dict[int, Path], seed: int) -> dict[str, dict[int, np.ndarray]]:
    """The first batches after the operating system has forgotten the file."""
    rng, seconds = np.random.default_rng(seed), {}
    for size, folder in folders.items():
        forget(folder / FILE_NAME)
        with ExperienceStore(folder) as store:
            timed = take_turns({size: lambda s=store: _read(s, s.sample(BATCH, rng))}, FIRST_BATCHES, 0)
        seconds |= timed
    return {f"store_sample_and_read_{BATCH}_from_disk": seconds}


def _batches_from_memory(
    folders: dict[int, Path], rounds: int, warm_up: int, seed: int
) -> dict[str, dict[int, np.ndarray]]:
    """Once the operating system has the files, and SQLite as many of their pages as it may keep."""
    rng = np.random.default_rng(seed)
    for folder in folders.values():
        remember(folder / FILE_NAME)
    stores = {size: ExperienceStore(folder) for size, folder in folders.items()}
    drawing = {size: lambda s=s: s.sample(BATCH, rng) for size, s in stores.items()}
    reading = {size: lambda s=s: _read(s, s.sample(BATCH, rng)) for size, s in stores.items()}
    timed = {
        f"store_sample_{BATCH}": take_turns(drawing, rounds, warm_up),
        f"store_sample_and_read_{BATCH}": take_turns(reading, rounds, warm_up),
    }
    for store in stores.values():
        store.close()
    return timed


def _read(store: ExperienceStore, ids: list[str]) -> None:
    for experience_id in ids:
        store.get(experience_id)


def resident_mb() -> float:
    """Memory of this process that is not swapped out [MiB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def train_and_watch(store: str, checkpoints: str, steps: int, found: multiprocessing.Queue) -> None:
    """Memory of a process of its own [MiB] after each step of the online trainer, and how long each took [s]."""
    torch.set_num_threads(1)
    trainer, memory, seconds = OnlineTrainer(small_config(), store, checkpoints), [], []
    for _ in range(steps):
        began = time.perf_counter()
        trainer.train_step()
        seconds.append(time.perf_counter() - began)
        trainer.status()
        memory.append(resident_mb())
    trainer.evaluate()
    memory.append(resident_mb())
    found.put((memory, seconds))


def in_processes(work: Callable, *calls: tuple) -> list:
    """What each process puts into the queue that is its last argument.

    Raises:
        RuntimeError: one of them failed; its error has been printed.
    """
    context = multiprocessing.get_context("spawn")
    found, told = context.Queue(), []
    processes = [context.Process(target=work, args=(*arguments, found)) for arguments in calls]
    for process in processes:
        process.start()
    while len(told) < len(processes):
        try:
            told.append(found.get(timeout=1.0))
        except queue.Empty:
            if any(process.exitcode for process in processes):
                for process in processes:
                    process.terminate()
                raise RuntimeError(f"{work.__name__}: a process failed") from None
    for process in processes:
        process.join()
    return told


def measure_trainer(results: Results, folders: dict[int, Path], steps: int, place: Path) -> None:
    """Memory of the trainer, how far it grows after the cache of images is full, and steps from a store on disk."""
    rates = {}
    for size, folder in folders.items():
        forget(folder / FILE_NAME)
        checkpoints = str(place / f"checkpoints-{size}")
        told, seconds = in_processes(train_and_watch, (str(folder), checkpoints, steps))[0]
        memory, rates[size] = np.array(told), 1 / np.array(seconds[1:])
        half, split = len(memory) // 2, f"{size}_experiences"
        for metric, value in (
            ("trainer_memory_mb", memory[-1]),
            ("trainer_memory_growth_mb_in_second_half", memory[half:].max() - memory[half]),
        ):
            results.add(metric, split, "ours", Measurement(value, len(memory), value, value))
        results.add("trainer_steps_per_second_from_disk", split, "ours", median(rates[size]))
    small, large = folders
    results.add(
        "trainer_steps_per_second_from_disk_ratio",
        f"{large}_experiences",
        f"to_{small}_experiences",
        ratio_of_medians(rates[large], rates[small]),
    )


def learn(rank: int, count: int, port: int, url: str, steps: int, found: multiprocessing.Queue) -> None:
    """One of the processes that learn together; the first says how long each step took."""
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": str(count),
    }
    torch.set_num_threads(1)
    with Shards([url]) as shards:
        config = TrainerConfig(batch_size=BATCH, device="cpu", encoder=learned_encoder())
        trainer = ShardTrainer(config, shards, "/nonexistent", lanes=LANES)
        trainer.train_step()
        began, used = time.perf_counter(), time.process_time()
        for _ in range(steps):
            trainer.train_step()
        seconds, used = time.perf_counter() - began, time.process_time() - used
        found.put((seconds / steps, used / steps))
        trainer.close()


def run_workers(count: int, url: str, steps: int) -> tuple[float, float]:
    """Seconds of a step, and seconds of processor time of a step and a process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = in_processes(learn, *((rank, count, port, url, steps) for rank in range(count)))
    return float(np.mean([seconds for seconds, _ in told])), float(np.mean([used for _, used in told]))


def measure_workers(results: Results, url: Path, steps: int, rounds: int) -> None:
    """The same batches of the nets that ship by one process and by two, in turns."""
    told: dict[int, list] = {1: [], 2: []}
    for number in range(rounds):
        for count in (1, 2) if number % 2 == 0 else (2, 1):
            told[count].append(run_workers(count, str(url), steps))
    seconds = {count: np.array([found[0] for found in values]) for count, values in told.items()}
    used = {count: np.array([found[1] for found in values]) for count, values in told.items()}
    for count in told:
        split = f"{count}_workers"
        results.add("shard_training_attempts_per_second", split, "ours", median(BATCH / seconds[count]))
        each = median(used[count] * count / BATCH * 1e3)
        results.add("shard_training_processor_milliseconds_per_attempt", split, "ours", each)
    results.add(
        "shard_training_speed_ratio", "2_workers", "to_1_worker", paired_ratio(seconds[1], seconds[2])
    )
    # What two would reach with a core each: the elapsed time is worth little on a machine that does other work.
    results.add("shard_training_work_ratio", "2_workers", "to_1_worker", paired_ratio(used[1], used[2]))


def measure_shards(results: Results, folder: Path, url: Path, size: int) -> None:
    """Exporting a store, opening the shards, and reading attempts in random order."""
    shutil.rmtree(url, ignore_errors=True)
    with ExperienceStore(folder) as store:
        began = time.perf_counter()
        export_shards(store, url, 2 * _bytes(folder) / 2**20 / SHARDS)
        exported = size / (time.perf_counter() - began)
    began = time.perf_counter()
    with Shards([url]) as shards:
        opened = (time.perf_counter() - began) * 1e3
        rng = np.random.default_rng(results.seed)
        list(shards.problems())  # each shard is compared with its digest once
        began, reads = time.perf_counter(), 300
        for row in rng.integers(len(shards), size=reads):
            shards.record(int(row))
        read = reads / (time.perf_counter() - began)
    for metric, value in (
        ("shards_export_attempts_per_second", exported),
        ("shards_open_milliseconds", opened),
        ("shards_read_attempts_per_second", read),
        ("shards_size_ratio_to_store", _bytes(url) / _bytes(folder)),
    ):
        results.add(metric, f"{size}_experiences", "ours", Measurement(value, 1, value, value))


def measure_merge(results: Results, folder: Path, into: Path, count: int) -> None:
    """A robot's attempts into an empty store, then once more: all are known; then under other ids: all are copies."""
    shutil.rmtree(into, ignore_errors=True)
    with ExperienceStore(folder, read_only=True) as robot, ExperienceStore(into) as fleet:
        ids = robot.ids()[:count]
        for metric, renamed, field in (
            ("merge_new", "", "added"),
            ("merge_known", "", "known"),
            ("merge_copies", "again-", "copies"),
        ):
            records = readable_records(robot, ids, [])
            report = MergeReport()
            began = time.perf_counter()
            merge((replace(r, experience_id=renamed + r.experience_id) for r in records), fleet, report)
            rate = getattr(report, field) / (time.perf_counter() - began)
            split = f"{len(ids)}_experiences"
            results.add(
                f"{metric}_attempts_per_second", split, "ours", Measurement(rate, len(ids), rate, rate)
            )


def measure_attempt(results: Results, place: Path) -> None:
    """What an attempt of 640 x 480 pixels and three held views costs: bytes, merging, exporting, learning from it once."""
    shutil.rmtree(place, ignore_errors=True)
    fill_store(place / "store", REAL, results.seed)
    with ExperienceStore(place / "store") as store, ExperienceStore(place / "fleet") as fleet:
        began = time.perf_counter()
        merge(readable_records(store, store.ids(), []), fleet, MergeReport())
        merged = time.perf_counter()
        export_shards(store, place / "shards")
        exported = time.perf_counter()
    for metric, value in (
        ("attempt_stored_bytes", _bytes(place / "store") / REAL),
        ("attempt_shard_bytes", _bytes(place / "shards") / REAL),
        ("merge_new_attempts_per_second", REAL / (merged - began)),
        ("shards_export_attempts_per_second", REAL / (exported - merged)),
        ("attempt_training_gigaflop", arithmetic_of(learned_encoder(), (240, 320), 96)),
    ):
        results.add(metric, REAL_SPLIT, "ours", Measurement(value, REAL, value, value))
    # The paper's networks and size; those that ship are made for a CPU.
    paper = arithmetic_of(EncoderConfig(**PAPER), (472, 472), 472)
    results.add("attempt_training_gigaflop", "paper_472x472", "ours", Measurement(paper, 1, paper, paper))


def arithmetic_of(encoder: EncoderConfig, scene_px: tuple[int, int], held_px: int) -> float:
    """Arithmetic of learning once from an attempt [10^9]: two scenes and a held image, counted, not run.

    Gradients by inputs and by weights take as much as the forward pass each. It alone is counted: PyTorch counts the
    backward pass of a depthwise convolution as if it were a full one.
    """
    with torch.device("meta"), torch.no_grad():
        model = make_model(encoder).eval()
        with FlopCounterMode(display=False) as counter:
            model.embed_scene(torch.empty(2, 3, *scene_px))
            model.embed_held(torch.empty(1, 3, held_px, held_px))
    return 3 * counter.get_total_flops() / 1e9


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    """Measures what should not depend on how much experience there is; makes stores of generated attempts and keeps them."""
    chosen, results = options(
        "scale",
        main.__doc__,
        "docs/scale.md",
        experiences=100_000,
        merged=10_000,
        rounds=60,
        warm_up=2000,
        steps=500,
        worker_steps=6,
        worker_rounds=2,
    )
    before, place = os.getloadavg()[0], FOLDER / "scale"
    folders = {}
    for size in (chosen.experiences // 100, chosen.experiences // 10, chosen.experiences):
        folders[size] = place / f"store-{size}"
        fill(folders[size], size, chosen.seed)
    measure_stores(results, folders, chosen.rounds, chosen.warm_up)
    small, middle, large = folders
    url = place / f"shards-{middle}"
    measure_merge(results, folders[middle], place / "fleet", min(chosen.merged, middle))
    measure_shards(results, folders[middle], url, middle)
    shutil.rmtree(place / "checkpoints", ignore_errors=True)
    measure_trainer(
        results,
        {small: folders[small], large: folders[large]},
        chosen.steps,
        place / "checkpoints",
    )
    measure_workers(results, url, chosen.worker_steps, chosen.worker_rounds)
    measure_attempt(results, place / "real")
    assumptions = add_fleet(results)
    bytes_per_attempt = {str(size): round(_bytes(folder) / size) for size, folder in folders.items()}
    finish(results, chosen.output, store_bytes_per_attempt=bytes_per_attempt, assumptions=assumptions)
    note_load(chosen.output, before)
    if chosen.table is not None:
        publish(chosen.output, chosen.table)


if __name__ == "__main__":
    main()
