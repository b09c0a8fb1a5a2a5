"""The trainer node: learns from the experience store while the robot works.

In: the store's folder. Out: ~/status (latched), checkpoints. Services: ~/pause, ~/reset, ~/save_checkpoint,
~/load_checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from semantic_grasping.msg import TrainingStatus
from semantic_grasping.srv import LoadCheckpoint, SaveCheckpoint
from std_srvs.srv import SetBool, Trigger

from grasp2vec_ros.core.checkpoint import CheckpointError
from grasp2vec_ros.core.inference import initial_checkpoint
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.trainer import OnlineTrainer, TrainerConfig, TrainerStatus
from grasp_node_kit.limits import check_texts
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED

# What the trainer looks at anew for every step, checkpoint or measurement.
LIVE = (
    "batch_size",
    "scene_group",
    "smallest_batch",
    "checkpoint_every_s",
    "keep_checkpoints",
    "evaluate_every_s",
    "evaluate_on",
)


@dataclass
class TrainerNodeConfig:
    """Where experience comes from and checkpoints go."""

    store: str = option("out/store", "folder of the experience store", read_only=True)
    checkpoints: str = option("out/checkpoints", "folder of the checkpoints", read_only=True)
    initial_checkpoint: str = option(
        "shipped",
        "what learning begins with as long as the folder has no checkpoint: 'shipped', 'none', or a file",
        read_only=True,
    )
    rehearsal_store: str = option(
        "",
        "folder of a store of what must not be forgotten, as simulated removals; half of each batch is from it",
        read_only=True,
    )


class TrainerNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("trainer", **options)
        self.config = declare(self, TrainerNodeConfig())
        self.training = declare(self, TrainerConfig(), live=LIVE)
        self.trainer: OnlineTrainer | None = None
        group = ReentrantCallbackGroup()
        refusals = (ValueError, CheckpointError)
        self.offer(SetBool, "~/pause", self._pause, group, refusals)
        self.offer(Trigger, "~/reset", self._reset, group, refusals)
        self.offer(SaveCheckpoint, "~/save_checkpoint", self._save, group, refusals)
        self.offer(LoadCheckpoint, "~/load_checkpoint", self._load, group, refusals)

    def set_up(self) -> None:
        """Opens the store and goes on from the newest checkpoint."""
        initial = initial_checkpoint(self.config.initial_checkpoint)
        self.trainer = OnlineTrainer(
            self.training,
            self.config.store,
            self.config.checkpoints,
            initial,
            self.config.rehearsal_store or None,
        )
        self._publisher = self.create_publisher(TrainingStatus, "~/status", LATCHED)
        self._status: TrainerStatus | None = None
        self._paused_by_operator = False
        self.create_timer(1.0, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def activate(self) -> None:
        """Learns, unless an operator paused it."""
        if not self._paused_by_operator:
            self.trainer.resume()
        self.trainer.start()
        self.get_logger().info(
            f"learning from {self.config.store} into {self.config.checkpoints}, from step {self.trainer.step}"
        )

    def deactivate(self) -> None:
        """Pauses."""
        self.trainer.pause()

    def tear_down(self) -> None:
        """Stops learning and saves what is new."""
        if self.trainer is not None:
            self.trainer.close()
            self.trainer = None

    def report(self) -> dict[str, object]:
        """State of the training, as it was last published."""
        status = self._status if self.ready else None
        return {} if status is None else _values_of(status)

    def waiting_for(self) -> str:
        """Experience, mostly."""
        status = self._status
        return status.message if status is not None and status.waiting else ""

    def _publish(self) -> None:
        trainer = self.trainer
        if trainer is None or not self.active:
            return
        status = self._status = trainer.status()
        message = TrainingStatus(
            paused=status.paused,
            waiting=status.waiting,
            step=status.step,
            loss=float(status.loss),
            steps_per_second=float(status.steps_per_second),
            heldout_retrieval=float(status.heldout_retrieval),
            heldout_gallery=status.heldout_gallery,
            experiences=status.experiences,
            experiences_lifted=status.experiences_lifted,
            skipped_batches=status.skipped_batches,
            checkpoint_version=status.checkpoint_version,
            message=status.message,
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> None:
        self._paused_by_operator = request.data
        if request.data:
            self.trainer.pause()
        else:
            self.trainer.resume()
        response.message = "paused" if request.data else "learning"

    def _reset(self, request: Trigger.Request, response: Trigger.Response) -> None:
        self.trainer.reset()
        response.message = "learning starts again from the beginning; experience and checkpoints are kept"

    def _save(self, request: SaveCheckpoint.Request, response: SaveCheckpoint.Response) -> None:
        check_texts(request, "path")
        checkpoint = self.trainer.save(request.path or None)
        response.version, response.path = checkpoint.version, str(checkpoint.path)

    def _load(self, request: LoadCheckpoint.Request, response: LoadCheckpoint.Response) -> None:
        check_texts(request, "path")
        response.version = self.trainer.load(request.path or self.config.checkpoints)


def _values_of(status: TrainerStatus) -> dict[str, object]:
    state = "paused" if status.paused else "waiting for experience" if status.waiting else "learning"
    return {
        "training": state,
        "step": status.step,
        "steps per second": f"{status.steps_per_second:.2f}",
        "loss": f"{status.loss:.4f}",
        "held-out retrieval": f"{status.heldout_retrieval:.3f}",
        "experiences": status.experiences,
        "skipped batches": status.skipped_batches,
        "model": status.checkpoint_version,
        "message": status.message,
    }


def main() -> None:
    """Runs the node."""
    run(TrainerNode)


if __name__ == "__main__":
    main()
