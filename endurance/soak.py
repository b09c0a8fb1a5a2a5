"""Everything that one run has: world, nodes, operator, work, and what is measured."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from endurance.disk import Disk
from endurance.fuzz import Fuzzer
from endurance.ledger import Ledger
from endurance.malformed import Malformed
from endurance.operator import Operator
from endurance.processes import Processes
from endurance.samples import Sampler
from endurance.work import Work, attempt
from endurance.world import CAMERA, FLOOR, World

# Above this, DDS's ports reach into those that Linux gives out at random.
HIGHEST_DOMAIN = 100
# Where readers are killed, Fast DDS's shared memory ends up without room for images: see the file.
TRANSPORT = Path(__file__).resolve().parent.parent / "config" / "fastdds_udp.xml"
NODES = ("capture", "trainer", "perception", "grasping")
RECOVER_S = 60.0
# Small and quick: how long a node lasts does not depend on the size of its networks.
SMALL = {"encoder.width": 4, "encoder.scene_width_px": 64, "encoder.held_size_px": 32}


class Soak:
    """One run.

    Args:
        folder: logs, parameter files and the disk.
        seed: of everything random.
        dwell_s: how long a fault lasts, where it lasts.

    Attributes:
        folder, dwell_s: as given.
        rng: of the faults.
        unrecovered: faults after which work did not go on, in words.
        corrupt: damaged checkpoints that were taken for good, in words.
    """

    def __init__(self, folder: Path, seed: int, dwell_s: float) -> None:
        self.folder, self.dwell_s, self.rng = folder.resolve(), dwell_s, np.random.default_rng(seed)
        shutil.rmtree(self.folder / "nodes", ignore_errors=True)
        self.disk = Disk(self.folder / "disk")
        self.store, self.checkpoints = self.disk.folder / "store", self.disk.folder / "checkpoints"
        self.unrecovered: list[str] = []
        self.corrupt: list[str] = []
        self.began_s = time.monotonic()
        # Never the caller's domain: there may be a robot on it. Before any process is forked.
        os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % HIGHEST_DOMAIN)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "SUBNET"  # the file keeps to this machine
        for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
            os.environ[name] = str(TRANSPORT)
        self.processes = Processes(self.folder / "nodes")
        for name in NODES:
            self.processes.start(name, self.parameters(name))
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        self.ledger = Ledger()
        self.stores = {"capture": self.store}
        self.world = World(seed)
        self.operator = Operator(self.processes, self.ledger, self.stores)
        self._executor = MultiThreadedExecutor(num_threads=4)
        for node in (self.world, self.operator):
            self._executor.add_node(node)
        self._spinning = threading.Thread(target=self._spin, name="executor", daemon=True)
        self._spinning.start()
        known = ["wanted", "soak", "robot", "base"]
        self.malformed = Malformed(self.operator, Fuzzer(seed, known))
        self.work = Work(self.operator, self.world, self.ledger, self.store)
        self.sampler = Sampler(self._pids, self.began_s, min(1.0, max(0.2, dwell_s / 4)))
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def parameters(self, kind: str, store: Path | None = None, checkpoints: Path | None = None) -> dict:
        """A node's parameters."""
        store, checkpoints = str(store or self.store), str(checkpoints or self.checkpoints)
        own = {
            "capture": {"store": store, "frame_timeout_s": 2.0},
            "trainer": {
                "store": store, "checkpoints": checkpoints, "initial_checkpoint": "none",
                # The least: they are full before memory is watched.
                "cache_mb": 16, "page_cache_mb": 4, "batch_size": 8, "smallest_batch": 4, "checkpoint_every_s": max(2.0, self.dwell_s),
                "evaluate_every_s": 5.0, **SMALL,
            },
            "perception": {
                "store": store, "checkpoints": checkpoints, "initial_checkpoint": "none", "reload_every_s": 0.5,
                **CAMERA,
            },
            "grasping": {"input_timeout_s": 5.0, "held_views": 2, **CAMERA, **FLOOR},
        }  # fmt: skip
        return {"use_sim_time": True, **own[kind]}

    def begin(self) -> bool:
        """Waits for the nodes and starts work and measurements; whether a first attempt was stored."""
        for name in NODES:
            self.operator.meet(name)
        self._keeper.start()
        self.sampler.start()
        good = self.recovered("the start")
        self.work.start()
        return good

    def recovered(self, from_what: str) -> bool:
        """Waits until an attempt is acknowledged; notes a fault after which none is."""
        until_s = time.monotonic() + RECOVER_S
        while time.monotonic() < until_s:
            if attempt(self.operator, self.world):
                return True
            time.sleep(0.2)
        self.unrecovered.append(f"{from_what}: no attempt was stored within {RECOVER_S:.0f} s after it")
        return False

    def mended(self, name: str) -> None:
        """Waits until a node that was restarted answers and is active."""
        if self.operator.meet(name) and not self.operator.mend(name):
            self.unrecovered.append(f"{name}: did not become active again")

    def dwell(self) -> None:
        """As long as a fault lasts."""
        time.sleep(self.dwell_s)

    def end(self) -> None:
        """Stops work, then the nodes, as Ctrl-C does."""
        if self.work.is_alive():
            self.work.stop()
        self._ended.set()
        if self._keeper.is_alive():
            self._keeper.join()
        if self.sampler.is_alive():
            self.sampler.stop()
        self.processes.stop_all()
        self.world.close()
        self._executor.shutdown(timeout_sec=2.0)
        self._spinning.join(5.0)
        rclpy.try_shutdown()

    def _pids(self) -> dict[str, int]:
        pids = {name: self.processes.pid(name) for name in NODES}
        return {name: pid for name, pid in pids.items() if pid is not None}

    def _keep(self) -> None:
        """Brings back nodes that died by themselves."""
        while not self._ended.wait(0.3):
            for name in self.processes.check():
                self.operator.meet(name)

    def _spin(self) -> None:
        while rclpy.ok():
            try:
                self._executor.spin()
            except ExternalShutdownException:
                return
            except Exception as error:
                if rclpy.ok():
                    print(f"the harness's own callback failed: {error!r}")
