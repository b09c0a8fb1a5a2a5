"""The semgrasp node: words and points in, a human grasp out.

In: ~/instruction, and the object from object/points, or from scene/depth and scene/camera_info with object/mask or
perception/heatmap_info. Service: ~/generate_grasp. Out, for the service and the topic alike: ~/hand_grasp (the best),
~/hand_grasps (all, or why there are none), ~/object_points (the cloud they are for), ~/markers (latched), ~/model
(latched).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from semantic_grasping.msg import HandGrasp, HandGraspArray
from semantic_grasping.srv import GenerateGrasp
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header, String
from visualization_msgs.msg import MarkerArray

from grasp2vec_ros.core.options import option
from grasp_node_kit.monitors import Stopwatch
from grasp_node_kit.node import InactiveError, KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED, RESULT
from semgrasp_ros.core.cloud.contacts import near_contacts
from semgrasp_ros.core.cloud.upright import into, out_of, upright_pose
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.nodes.markers import hand_markers
from semgrasp_ros.nodes.messages import arrays_to_cloud, hand_grasp_message
from semgrasp_ros.nodes.sources import Found, Sources
from semgrasp_ros.nodes.work_queue import BusyError, Job, WorkQueue

if TYPE_CHECKING:
    from semgrasp_ros.core.hand.model import HandModel
    from semgrasp_ros.core.pipeline import Candidate

LONGEST_TEXT = 500
LONGEST_NAME = 64
MOST_TURNS = 16
MOST_CANDIDATES = 64


@dataclass
class SemGraspNodeConfig:
    """Which model answers, and how."""

    model: str = option(
        "shipped", "folder of the model, or 'shipped' for the one that comes with the package", read_only=True
    )
    hand: str = option("open", "'open', or the path of your own MANO_RIGHT.pkl", read_only=True)
    candidates: int = option(
        8,
        "hands that are sampled and ranked when the request does not say",
        minimum=1,
        maximum=MOST_CANDIDATES,
    )
    most_waiting: int = option(
        3,
        "requests that run or wait at a time; further ones are refused",
        minimum=1,
        maximum=4,
        read_only=True,
    )
    contact_m: float = option(
        0.006, "the hand's skin this near to a point is marked as contact", minimum=0.0005, maximum=0.05
    )


class Pipeline(Protocol):
    """What the node needs of `semgrasp_ros.core.pipeline.SemGrasp`."""

    hand: HandModel
    version: str

    def generate(
        self,
        points: np.ndarray,
        normals: np.ndarray | None,
        turns: str | tuple[tuple[str, str], ...],
        candidates: int,
        keep: int,
        part: str | None,
        manner: str | None,
        seed: int | None,
    ) -> Sequence[Candidate]:
        """Hands for a cloud (N, 3) float32, best first, in its frame; ValueError says what is wrong in the request."""
        ...


def load_pipeline(config: SemGraspNodeConfig) -> Pipeline:
    """The pipeline with its checkpoint, as the parameters say."""
    from semgrasp_ros.core.pipeline import SemGrasp

    return SemGrasp.load(config.model, hand=config.hand)


@dataclass(frozen=True)
class Wish:
    """A request that has been checked."""

    instruction: str
    turns: str | tuple[tuple[str, str], ...]
    candidates: int
    keep: int
    part: str
    manner: str
    seed: int | None
    cloud: PointCloud2 | None = None
    mask: Image | None = None


class SemGraspNode(KitNode):
    """See the module's text.

    Args:
        pipeline: makes the pipeline when the node is configured.
        **options: of rclpy.node.Node.
    """

    def __init__(
        self, pipeline: Callable[[SemGraspNodeConfig], Pipeline] = load_pipeline, **options: Any
    ) -> None:
        super().__init__("semgrasp", **options)
        self.config = declare(self, SemGraspNodeConfig())
        self._make_pipeline = pipeline
        self._pipeline: Pipeline | None = None
        self._queue: WorkQueue | None = None
        self._last = ""
        self._sources = Sources(self)
        self._stopwatch = Stopwatch("generation")
        self.monitors = [self._stopwatch, *self._sources.monitors]
        self._best_publisher = self.create_publisher(HandGrasp, "~/hand_grasp", RESULT)
        self._all_publisher = self.create_publisher(HandGraspArray, "~/hand_grasps", RESULT)
        self._object_publisher = self.create_publisher(PointCloud2, "~/object_points", RESULT)
        self._marker_publisher = self.create_publisher(MarkerArray, "~/markers", LATCHED)
        self._model_publisher = self.create_publisher(String, "~/model", LATCHED)
        group = ReentrantCallbackGroup()
        self.create_service(GenerateGrasp, "~/generate_grasp", self._serve, callback_group=group)
        self.create_subscription(String, "~/instruction", self._listen, RESULT, callback_group=group)

    def set_up(self) -> None:
        """Loads the model."""
        self._pipeline = self._make_pipeline(self.config)

    def activate(self) -> None:
        """Says which model is in use, and takes requests."""
        self._queue = WorkQueue(self.config.most_waiting)
        self._model_publisher.publish(String(data=self._pipeline.version))
        self.get_logger().info(f"model {self._pipeline.version}, hand {self._pipeline.hand.source}")

    def deactivate(self) -> None:
        """Ends the worker; whoever waits is told."""
        self._queue.close(5.0)
        self._queue = None

    def tear_down(self) -> None:
        """Lets the model go."""
        self._pipeline = None

    def slots(self) -> list:
        """The inputs in use."""
        return self._sources.slots()

    def needs(self) -> list:
        """None by itself: one complete source is enough."""
        return []

    def waiting_for(self) -> str:
        """A cloud, or what one can be made of."""
        return self._sources.missing()

    def report(self) -> dict[str, object]:
        """Model, requests, and what was last said."""
        return {
            "model": self._pipeline.version if self._pipeline else "",
            "requests running or waiting": len(self._queue) if self._queue else 0,
            "last result": self._last,
        }

    # Requests.

    def _serve(self, request: GenerateGrasp.Request, response: GenerateGrasp.Response) -> object:
        """Waits for the worker in a thread of the executor; `most_waiting` leaves others free."""
        answer = self._answer(lambda: self._submit(request).result())
        response.success, response.message, response.grasps = answer.success, answer.message, answer.grasps
        return response

    def _listen(self, message: String) -> None:
        """As the service, with the newest cloud; a refusal is published too."""
        request = GenerateGrasp.Request(instruction=message.data)
        refused = self._answer(lambda: self._submit(request) and HandGraspArray(success=True))
        if not refused.success:
            refused.instruction = message.data[:LONGEST_TEXT]
            self._all_publisher.publish(refused)

    def _submit(self, request: GenerateGrasp.Request) -> Job:
        self.require_active()
        wish = check_request(request, self.config)
        queue, pipeline = self._queue, self._pipeline
        if queue is None or pipeline is None:
            raise BusyError("the node is shutting down")
        return queue.submit(lambda: self._generate(pipeline, wish))

    def _generate(self, pipeline: Pipeline, wish: Wish) -> HandGraspArray:
        """In the worker: makes and publishes what was wished, or why it could not be."""
        answer = self._answer(lambda: self._hands(pipeline, wish))
        answer.instruction = wish.instruction
        self._all_publisher.publish(answer)
        if answer.success:
            self._best_publisher.publish(answer.grasps[0])
        return answer

    def _answer(self, work: Callable[[], HandGraspArray]) -> HandGraspArray:
        """What work returns, or its error as an answer: no request ends the node."""
        try:
            answer = work()
        except (ValueError, InactiveError) as error:
            answer = HandGraspArray(success=False, message=str(error) or type(error).__name__)
            self.get_logger().warning(answer.message)
            self.get_logger().debug(traceback.format_exc())
        except Exception as error:  # the model is large; whatever fails in it costs this request only
            answer = HandGraspArray(
                success=False, message=f"the model failed: {type(error).__name__}: {error}"
            )
            self.get_logger().error(f"{answer.message}\n{traceback.format_exc()}")
        self._last = answer.message
        return answer

    # From a wish to hands.

    def _hands(self, pipeline: Pipeline, wish: Wish) -> HandGraspArray:
        found = self._sources.find(wish.cloud, wish.mask)
        pose = upright_pose(found.cloud)
        points, normals = into(pose, found.cloud)
        with self._stopwatch.measure():
            candidates = pipeline.generate(
                points,
                normals,
                wish.turns,
                candidates=wish.candidates,
                keep=wish.keep,
                part=wish.part or None,
                manner=wish.manner or None,
                seed=wish.seed,
            )
        if not candidates:
            raise ValueError("the model found no hand for this cloud; ask in other words or for another part")
        candidates = [_placed(candidate, pose) for candidate in candidates]
        cloud = arrays_to_cloud(found.cloud.points, found.cloud.normals)
        cloud.header = found.header
        self._object_publisher.publish(cloud)
        self._show(pipeline.hand, candidates[0], found)
        grasps = [
            hand_grasp_message(
                candidate,
                found.header,
                wish.instruction,
                wish.part,
                wish.manner,
                pipeline.hand.source,
                pipeline.version,
            )
            for candidate in candidates
        ]
        text = f"{len(grasps)} hand(s) for {len(points)} points from {found.source}; the best: {candidates[0].why}"
        return HandGraspArray(header=found.header, success=True, message=text, grasps=grasps)

    def _show(self, hand: HandModel, best: Candidate, found: Found) -> None:
        regions, vertices = hand.regions.cpu().numpy(), np.asarray(best.vertices)
        touching = near_contacts(vertices, regions, found.cloud.points, self.config.contact_m)
        self._marker_publisher.publish(
            hand_markers(
                Header(stamp=found.header.stamp, frame_id=found.header.frame_id),
                vertices,
                hand.faces.cpu().numpy(),
                np.asarray(best.keypoints),
                vertices[touching],
                regions[touching],
            )
        )


def check_request(request: GenerateGrasp.Request, config: SemGraspNodeConfig) -> Wish:
    """A request in the core's words.

    Raises:
        ValueError: names the field, its value and what is allowed.
    """
    if request.turns and request.instruction:
        raise ValueError("turns: given together with instruction; give one of the two")
    if len(request.turns) > MOST_TURNS:
        raise ValueError(f"turns: {len(request.turns)} texts, at most {MOST_TURNS} are allowed")
    if request.turns and len(request.turns) % 2 == 0:
        raise ValueError(
            f"turns: {len(request.turns)} texts; person and model take turns, and the person has the first and the last"
        )
    if request.turns:
        texts = [_checked_text(text, f"turns[{i}]") for i, text in enumerate(request.turns)]
        speakers = ("human", "assistant")
        turns: str | tuple = tuple((speakers[i % 2], text) for i, text in enumerate(texts))
    else:
        texts = [_checked_text(request.instruction, "instruction")]
        turns = texts[0]
    candidates = request.candidates or config.candidates
    if candidates > MOST_CANDIDATES:
        raise ValueError(f"candidates: {candidates}, at most {MOST_CANDIDATES} are allowed")
    if request.keep > candidates:
        raise ValueError(
            f"keep: {request.keep} of {candidates} candidates; ask for as many candidates at least"
        )
    if request.manner and request.manner not in MANNERS:
        raise ValueError(f"manner: {request.manner[:40]!r} is unknown; use one of {', '.join(MANNERS)}")
    if len(request.part) > LONGEST_NAME:
        raise ValueError(f"part: {len(request.part)} characters, at most {LONGEST_NAME} are allowed")
    return Wish(
        instruction=texts[-1],
        turns=turns,
        candidates=candidates,
        keep=request.keep or candidates,
        part=request.part.strip(),
        manner=request.manner,
        seed=request.seed or None,
        cloud=request.cloud if _is_given(request.cloud) else None,
        mask=request.mask if request.mask.width or request.mask.height or len(request.mask.data) else None,
    )


def _is_given(cloud: PointCloud2) -> bool:
    return bool(cloud.width or cloud.height or len(cloud.data) or cloud.fields)


def _checked_text(text: str, name: str) -> str:
    if not text.strip():
        raise ValueError(f"{name}: is empty; say what to do, for instance 'hand me the mug by its handle'")
    if len(text) > LONGEST_TEXT:
        raise ValueError(
            f"{name}: {len(text)} characters, at most {LONGEST_TEXT} are allowed; say it shorter"
        )
    return text.strip()


def _placed(candidate: Candidate, pose: np.ndarray) -> Candidate:
    """A candidate of the frame whose pose (4, 4) is given, in the frame that is given in."""
    return replace(
        candidate,
        wrist=pose @ np.asarray(candidate.wrist, dtype=float),
        keypoints=out_of(pose, np.asarray(candidate.keypoints, dtype=float)),
        vertices=out_of(pose, np.asarray(candidate.vertices, dtype=float)),
        decoded_vertices=out_of(pose, np.asarray(candidate.decoded_vertices, dtype=float)),
        part=candidate.part.moved(pose),
    )


def main() -> None:
    """Runs the node."""
    run(SemGraspNode)


if __name__ == "__main__":
    main()
