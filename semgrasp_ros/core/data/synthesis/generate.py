"""Fills a folder with grasps, object by object; goes on where it was interrupted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import numpy as np
from tqdm import tqdm

from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import FAMILIES
from semgrasp_ros.core.data.synthesis.grasps import SynthesisConfig


def generate(
    folder: Path, families: Sequence[str], instances: range, config: SynthesisConfig, seed: int, workers: int
) -> Counter:
    """Makes the grasps of `instances` of each family that are not there yet.

    Args:
        folder: of the grasps.
        families: keys of FAMILIES; all when empty.
        instances: numbers of the instances.
        config: of the search.
        seed: of the first guesses; the same seed gives the same grasps.
        workers: processes.

    Returns:
        How many grasps were kept, and how many dropped for which reason.

    Raises:
        ValueError: unknown family.
    """
    unknown = sorted(set(families) - set(FAMILIES))
    if unknown:
        raise ValueError(f"families: {unknown} are unknown; use some of {', '.join(FAMILIES)}")
    store = GraspFolder(folder)
    # One instance of every family after the other, so that a part of the work is a fair sample of it.
    wanted = [(family, instance) for instance in instances for family in (families or FAMILIES)]
    missing = [(str(folder), *pair, config, seed) for pair in wanted if not store.has(*pair)]
    counts: Counter = Counter()
    progress = tqdm(_run(missing, workers), total=len(missing), unit="object", desc="grasps", smoothing=0.05)
    for result in progress:
        counts += result
        progress.set_postfix(grasps=counts["kept"])
    return counts


def _run(missing: list[tuple], workers: int) -> Iterator[Counter]:
    if workers == 1:
        yield from map(_one_object, missing)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_one_object, missing)


def _one_thread() -> None:
    import torch

    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def _one_object(job: tuple[str, str, int, SynthesisConfig, int]) -> Counter:
    from semgrasp_ros.core.data.household import make_object
    from semgrasp_ros.core.data.synthesis.grasps import synthesise
    from semgrasp_ros.core.hand import load_hand

    folder, family, instance, config, seed = job
    rng = np.random.default_rng([seed, crc32(family.encode()), instance])
    grasps, dropped = synthesise(load_hand(), make_object(family, instance), config, rng)
    GraspFolder(Path(folder)).write(family, instance, grasps)
    dropped["kept"] += len(grasps)
    return dropped
