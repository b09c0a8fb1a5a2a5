"""The trainer node: learns from the experience store while the robot works.

In: the store's folder. Out: ~/status (latched), checkpoints. Services: ~/pause, ~/reset, ~/save_checkpoint,
~/load_checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from semantic_grasping.msg import TrainingStatus
from semantic_grasping.srv import LoadCheckpoint, SaveCheckpoint
from std_srvs.srv import SetBool, Trigger

from grasp2vec_ros.core.checkpoint import CheckpointError
from grasp2vec_ros.core.inference import initial_checkpoint
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.trainer import OnlineTrainer, TrainerConfig
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED


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

    def __init__(self) -> None:
        super().__init__("trainer")
        self.config = declare(self, TrainerNodeConfig())
        self.training = declare(self, TrainerConfig())
        self.trainer: OnlineTrainer | None = None
        group = ReentrantCallbackGroup()
        self.create_service(SetBool, "~/pause", self._answer(self._pause), callback_group=group)
        self.create_service(Trigger, "~/reset", self._answer(self._reset), callback_group=group)
        self.create_service(
            SaveCheckpoint, "~/save_checkpoint", self._answer(self._save), callback_group=group
        )
        self.create_service(
            LoadCheckpoint, "~/load_checkpoint", self._answer(self._load), callback_group=group
        )

    def set_up(self) -> None:
        """Opens the store, goes on from the newest checkpoint and starts to learn."""
        initial = initial_checkpoint(self.config.initial_checkpoint)
        self.trainer = OnlineTrainer(
            self.training,
            self.config.store,
            self.config.checkpoints,
            initial,
            self.config.rehearsal_store or None,
        )
        self._publisher = self.create_publisher(TrainingStatus, "~/status", LATCHED)
        self._waiting_since = 0.0
        self.create_timer(1.0, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.trainer.start()
        self.get_logger().info(
            f"learning from {self.config.store} into {self.config.checkpoints}, from step {self.trainer.step}"
        )

    def tear_down(self) -> None:
        """Stops learning and saves what is new."""
        if self.trainer is not None:
            self.trainer.close()
            self.trainer = None

    def report(self) -> dict[str, object]:
        """Step and checkpoint."""
        return {} if self.trainer is None else {"step": self.trainer.step}

    def _publish(self) -> None:
        if self.trainer is None:
            return
        status = self.trainer.status()
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
        if status.waiting:
            self._waiting_since += 1.0
            if self._waiting_since % 30.0 == 5.0:
                self.get_logger().warning(status.message)
        else:
            self._waiting_since = 0.0

    def _answer(self, work: object) -> object:
        def callback(request: object, response: object) -> object:
            try:
                if self.trainer is None:
                    raise CheckpointError(
                        f"trainer is not configured: {self.problem or 'configure and activate it first'}"
                    )
                work(request, response)
                response.success = True
            except CheckpointError as error:
                response.success, response.message = False, str(error)
                self.get_logger().warning(str(error))
            return response

        return callback

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> None:
        if request.data:
            self.trainer.pause()
        else:
            self.trainer.resume()
        response.message = "paused" if request.data else "learning"

    def _reset(self, request: Trigger.Request, response: Trigger.Response) -> None:
        self.trainer.reset()
        response.message = "learning starts again from the beginning; experience and checkpoints are kept"

    def _save(self, request: SaveCheckpoint.Request, response: SaveCheckpoint.Response) -> None:
        checkpoint = self.trainer.save(request.path or None)
        response.version, response.path = checkpoint.version, str(checkpoint.path)

    def _load(self, request: LoadCheckpoint.Request, response: LoadCheckpoint.Response) -> None:
        response.version = self.trainer.load(request.path or self.config.checkpoints)


def main() -> None:
    """Runs the node."""
    run(TrainerNode)


if __name__ == "__main__":
    main()
