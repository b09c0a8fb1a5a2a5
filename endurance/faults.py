"""The faults. Each does its harm, sees whether the nodes bear it, and waits until work goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from semantic_grasping.srv import BeginAttempt, CompleteAttempt, LoadCheckpoint, SaveCheckpoint

from endurance import damage
from endurance.disk import set_writable
from endurance.peer import visit
from endurance.processes import CONTEXT
from endurance.soak import NODES, Soak
from endurance.work import attempt
from grasp2vec_ros.core.checkpoint import newest_checkpoint
from grasp2vec_ros.core.training_state import OPTIMISER_FILE

JUMPS_S = (3600.0, -7200.0, 90.0, -90.0, 0.5, -0.5)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: for people.
        inflict: does it to a run, and returns when work goes on.
        ends_processes: it kills nodes of the run; memory is judged after all of these.
    """

    name: str
    inflict: Callable[[Soak], None]
    ends_processes: bool = False


def kill(soak: Soak, node: str) -> None:
    """Ends a node at a random moment of its work, as the kernel would, and starts it again."""
    time.sleep(float(soak.rng.uniform(0.0, 1.0)))
    soak.processes.kill(node)
    time.sleep(float(soak.rng.uniform(0.0, 0.5)))
    soak.processes.restart(node)
    soak.mended(node)
    soak.recovered(f"kill -9 of {node}")


def full_disk(soak: Soak) -> None:
    """No room for attempts or checkpoints, then room again."""
    pids = [pid for pid in map(soak.processes.pid, ("capture", "trainer")) if pid]
    soak.disk.fill(pids)
    try:
        attempt(soak.operator, soak.world)
        soak.operator.ask(SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request())
        soak.dwell()
        attempt(soak.operator, soak.world)
    finally:
        soak.disk.free(pids)
    soak.recovered("a full disk")


def read_only(soak: Soak) -> None:
    """Capture and trainer come up with folders that they may not write to; later they may."""
    folders = [soak.store, soak.checkpoints]
    for name in ("capture", "trainer"):
        soak.processes.kill(name)
    try:
        for folder in folders:
            set_writable(folder, False)
        for name in ("capture", "trainer"):
            soak.processes.restart(name)
            soak.operator.meet(name)
        attempt(soak.operator, soak.world)
        soak.operator.ask(SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request())
        soak.dwell()
    finally:
        for folder in folders:
            set_writable(folder, True)
    for name in ("capture", "trainer"):
        if not soak.operator.mend(name):
            soak.unrecovered.append(f"{name}: did not become active after its folders were read-only")
    soak.recovered("a read-only store")
    saved = soak.operator.ask(SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request())
    if saved is not None and not saved.success:
        soak.unrecovered.append(f"trainer: saves nothing after a read-only disk: {saved.message}")


def damaged_store(soak: Soak, how: str) -> None:
    """Another capture node and another trainer get a damaged copy of the store."""
    place = soak.disk.folder / "damaged"
    shutil.rmtree(place, ignore_errors=True)
    damage.copy_store(soak.store, place / "store")
    damage.damage_store(place / "store", how, soak.rng)
    soak.stores["capture_of_damaged"] = place / "store"
    names = {"capture_of_damaged": "capture", "trainer_of_damaged": "trainer"}
    for name, kind in names.items():
        parameters = soak.parameters(kind, place / "store", place / "checkpoints")
        soak.processes.start(name, parameters, kind)
    for name in names:
        soak.operator.meet(name)
    attempt(soak.operator, soak.world, "capture_of_damaged")
    soak.dwell()
    for name in names:
        soak.processes.stop(name)
    shutil.rmtree(place, ignore_errors=True)


def damaged_checkpoints_at_start(soak: Soak) -> None:
    """The newest checkpoint and the optimiser's state are damaged while the trainer is away."""
    soak.operator.ask(SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request())
    soak.processes.kill("trainer")
    newest = newest_checkpoint(soak.checkpoints)
    spare = None if newest is None else (newest.read_bytes(), newest)
    if newest is not None:
        damage.damage_checkpoint(newest, "bits in the weights", soak.rng)
        damage.damage_checkpoint(soak.checkpoints / OPTIMISER_FILE, "bits in the weights", soak.rng)
    before = len(soak.operator.trained)
    soak.processes.restart("trainer")
    soak.mended("trainer")
    soak.dwell()
    if spare is not None:
        version = _version_of(spare[1])
        if version in soak.operator.trained[before:]:
            soak.corrupt.append(f"trainer: went on from the damaged {newest}")
        newest.unlink(missing_ok=True)


def damaged_checkpoints(soak: Soak) -> None:
    """Damaged checkpoints appear as the newest; then nodes are told to load them."""
    spare = soak.disk.folder / "spare"
    shutil.rmtree(spare, ignore_errors=True)
    saved = soak.operator.ask(
        SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request(path=str(spare))
    )
    good = newest_checkpoint(spare)
    if saved is None or not saved.success or good is None:
        return
    version = _version_of(good)
    for number, how in enumerate(damage.CHECKPOINT_DAMAGES):
        # Under a name of its own: the trainer may well save this very checkpoint where it belongs.
        bad = soak.checkpoints / f"{good.stem[:-8]}{number:08x}.safetensors"
        shutil.copyfile(good, spare / "damaged")
        damage.damage_checkpoint(spare / "damaged", how, soak.rng)
        before = len(soak.operator.models)
        (spare / "damaged").replace(bad)
        time.sleep(min(1.5, soak.dwell_s))
        if version in soak.operator.models[before:] and not (soak.checkpoints / good.name).exists():
            soak.corrupt.append(f"perception: took over a checkpoint with {how}")
        for node in ("perception", "trainer"):
            request = LoadCheckpoint.Request(path=str(bad))
            answer = soak.operator.ask(LoadCheckpoint, f"{node}/load_checkpoint", request)
            if answer is not None and answer.success:
                soak.corrupt.append(f"{node}: loaded a checkpoint with {how}")
        bad.unlink(missing_ok=True)


def spoilt_images(soak: Soak, how: str) -> None:
    """All cameras send images without content, with depth and calibration to match."""
    soak.world.spoilt = how
    attempt(soak.operator, soak.world)
    soak.dwell()
    attempt(soak.operator, soak.world)
    soak.world.spoilt = ""
    soak.recovered(f"{how} images")


def cameras_away(soak: Soak) -> None:
    """Cameras stop during an attempt, come back with another size, stop again and are as before."""
    begun = soak.operator.ask(BeginAttempt, "capture/begin_attempt", BeginAttempt.Request(episode="soak"))
    soak.world.silent = True
    attempt(soak.operator, soak.world)
    soak.dwell()
    soak.world.scale, soak.world.silent = 1.5, False
    if begun is not None and begun.success:
        request = CompleteAttempt.Request(attempt_id=begun.attempt_id)
        soak.operator.ask(CompleteAttempt, "capture/complete_attempt", request)
    soak.recovered("cameras with another size")
    soak.dwell()
    soak.world.silent = True
    time.sleep(min(1.0, soak.dwell_s))
    soak.world.scale, soak.world.silent = 1.0, False
    soak.recovered("cameras that were away")


def clock_jumps(soak: Soak) -> None:
    """The clock that all nodes follow jumps forth and back, by hours and by half a second."""
    for jump_s in JUMPS_S:
        soak.world.ahead_s += jump_s
        attempt(soak.operator, soak.world)
        time.sleep(soak.dwell_s / len(JUMPS_S))
    soak.world.ahead_s = 0.0
    soak.recovered("jumps of the clock")


def malformed(soak: Soak, count: int) -> None:
    """Fuzzed fields to every service, action and topic."""
    soak.malformed.send(count, list(NODES))
    soak.recovered("malformed requests")


def two_trainers(soak: Soak) -> None:
    """A second trainer on the same store and the same checkpoints."""
    soak.processes.start("second_trainer", soak.parameters("trainer"), "trainer")
    soak.operator.meet("second_trainer")
    for name in ("trainer", "second_trainer"):
        soak.operator.ask(SaveCheckpoint, f"{name}/save_checkpoint", SaveCheckpoint.Request())
    soak.dwell()
    soak.processes.stop("second_trainer")
    soak.recovered("two trainers")


def peers(soak: Soak) -> None:
    """Three other participants join; two leave, one vanishes."""
    visits = [
        CONTEXT.Process(target=visit, args=(soak.dwell_s * share, number == 1), daemon=True)
        for number, share in enumerate((0.4, 0.6, 1.0))
    ]
    for process in visits:
        process.start()
        time.sleep(0.1)
    for process in visits:
        process.join(soak.dwell_s + 20.0)
        if process.is_alive():
            process.kill()
    soak.recovered("peers joining and leaving")


def _version_of(file: Path) -> str:
    _, step, digest = file.stem.split("-")
    return f"{int(step)}-{digest}"


def all_faults(requests_each: int) -> list[Fault]:
    """Every fault; malformed requests come so many at a time."""
    return [
        *(Fault(f"kill -9 of {node}", partial(kill, node=node), True) for node in NODES),
        Fault("read-only disk", read_only, True),
        Fault("damaged checkpoint at the start", damaged_checkpoints_at_start, True),
        Fault("store truncated", partial(damaged_store, how="truncated")),
        Fault("store with flipped bits", partial(damaged_store, how="flipped")),
        Fault("damaged checkpoints", damaged_checkpoints),
        Fault("full disk", full_disk),
        Fault("black images", partial(spoilt_images, how="black")),
        Fault("NaN images", partial(spoilt_images, how="nan")),
        Fault("infinite images", partial(spoilt_images, how="huge")),
        Fault("cameras away", cameras_away),
        Fault("clock jumps", clock_jumps),
        Fault("malformed requests", partial(malformed, count=requests_each)),
        Fault("two trainers", two_trainers),
        Fault("peers joining and leaving", peers),
    ]
