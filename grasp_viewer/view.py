"""What is shown: numbers and pictures go in, a browser or a file gets them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from geometry_msgs.msg import TransformStamped
from visualization_msgs.msg import Marker, MarkerArray

from grasp_node_kit.limits import check_count, check_text
from grasp_viewer import places
from grasp_viewer.layout import layout
from grasp_viewer.server import HOW_TO_INSTALL
from grasp_viewer.shapes import shape_of

MOST_MARKERS = 1000
AXIS_M = 0.06
# The frame of the root of Rerun's tree of entities.
RERUNS_FRAME = "tf#/"
_AXES = ((220, 50, 47), (60, 160, 60), (38, 90, 220))
_LEVELS = {True: "INFO", False: "WARN"}


class View:
    """A page of Rerun. It may be written to from several threads.

    Args:
        base_frame: frame from which the 3-D view is seen.
        data_url: of a server; empty: none.
        recording: a file that everything is written to as well; None: none.

    Raises:
        RuntimeError: Rerun is not installed.
    """

    def __init__(self, base_frame: str, data_url: str = "", recording: Path | None = None) -> None:
        try:
            import rerun as rr
        except ImportError as error:
            raise RuntimeError(HOW_TO_INSTALL) from error
        self._rr = rr
        self._with_axes: set[str] = set()
        self._stream = rr.RecordingStream("semantic_grasping")
        if recording is not None:
            recording.parent.mkdir(parents=True, exist_ok=True)
        sinks = [rr.GrpcSink(data_url)] if data_url else []
        sinks += [rr.FileSink(str(recording))] if recording is not None else []
        self._stream.set_sinks(*sinks, default_blueprint=layout(base_frame))
        self._log(places.WORLD, rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        # What has no frame yet is in Rerun's own frame; without a way to it the page complains until data come.
        unplaced = rr.Transform3D(parent_frame=base_frame, child_frame=RERUNS_FRAME)
        self._log(places.FRAMES, unplaced, static=True)
        for name, text, colour in (("reward", "reward", (230, 159, 0)), ("cosine", "cosine", (86, 180, 233))):
            style = rr.SeriesPoints(names=text, colors=colour, markers="circle", marker_sizes=4.0)
            self._log(f"{places.REWARDS}/{name}", style, static=True)

    def close(self) -> None:
        """Sends what is left."""
        self._stream.flush(timeout_sec=5.0)
        self._stream.disconnect()

    def _log(self, place: str | list[str], *things: object, static: bool = False) -> None:
        self._stream.log(place, *things, static=static)

    def image(self, place: str, rgb: np.ndarray, quality: int) -> None:
        """A picture (H, W, 3) uint8 RGB, as JPEG of a quality in 1 to 100."""
        self._log(place, self._rr.Image(rgb).compress(jpeg_quality=quality))

    def cloud(
        self, place: str, frame: str, points: np.ndarray, colours: np.ndarray, radii_m: np.ndarray | float
    ) -> None:
        """Points (N, 3) [m] in a frame, with colours (N, 3) or (1, 3) uint8 and radii (N,) or one for all."""
        shown = self._rr.Points3D(points.astype(np.float32), colors=colours, radii=radii_m)
        self._log(place, self._rr.CoordinateFrame(frame), shown)

    def transform(self, transform: TransformStamped, static: bool = False) -> None:
        """Where a frame is in its parent.

        Raises:
            ValueError: a number is not finite.
        """
        rr, child, parent = self._rr, transform.child_frame_id, transform.header.frame_id
        check_text(child, "child_frame_id")
        check_text(parent, "frame_id")
        t, q = transform.transform.translation, transform.transform.rotation
        if not all(map(math.isfinite, (t.x, t.y, t.z, q.x, q.y, q.z, q.w))):
            raise ValueError(f"transform of {child!r}: has a number that is not finite")
        placed = rr.Transform3D(
            translation=(t.x, t.y, t.z),
            quaternion=rr.Quaternion(xyzw=(q.x, q.y, q.z, q.w)),
            parent_frame=parent,
            child_frame=child,
        )
        path = [*places.FRAMES.split("/"), child]
        self._log(path, placed, static=static)
        if child not in self._with_axes:
            self._with_axes.add(child)
            self._log([*path, "axes"], rr.CoordinateFrame(child), _axes(rr), static=True)

    def markers(self, place: str, array: MarkerArray) -> list[str]:
        """Draws the markers of an array; returns what is wrong with those that cannot be drawn.

        Raises:
            ValueError: too many markers.
        """
        check_count(len(array.markers), MOST_MARKERS, "markers")
        wrong = []
        for marker in array.markers:
            path = [*place.split("/"), marker.ns[:200] or "markers", str(marker.id)]
            if marker.action == Marker.DELETEALL:
                self._log(place, self._rr.Clear(recursive=True))
            elif marker.action == Marker.DELETE:
                self._log(path, self._rr.Clear(recursive=True))
            else:
                wrong += self._draw(path, marker)
        return wrong

    def _draw(self, path: list[str], marker: Marker) -> list[str]:
        try:
            check_text(marker.header.frame_id, "marker.header.frame_id")
            shape = shape_of(marker)
        except ValueError as error:
            return [f"{'/'.join(path)}: {error}"]
        if shape is None:
            return [f"{'/'.join(path)}: markers of type {marker.type} are not drawn"]
        self._log(path, self._rr.CoordinateFrame(marker.header.frame_id), shape)
        return []

    def grasp(self, frame: str, pose: np.ndarray, text: str) -> None:
        """The robot's tool frame (4, 4) at a grasp, in a frame."""
        arrows = _axes(self._rr, pose, text)
        self._log(places.GRASP, self._rr.CoordinateFrame(frame), arrows)

    def number(self, place: str, value: float) -> None:
        """A point of a plot; what is not finite is left out."""
        if math.isfinite(value):
            self._log(place, self._rr.Scalars(value))

    def say(self, text: str, good: bool = True) -> None:
        """A line among the messages."""
        self._log(places.MESSAGES, self._rr.TextLog(text[:1000], level=_LEVELS[good]))


def _axes(rr: object, pose: np.ndarray | None = None, text: str = "") -> object:
    pose = np.eye(4) if pose is None else pose
    labels = ["", "", text] if text else None
    return rr.Arrows3D(
        origins=np.repeat(pose[None, :3, 3], 3, axis=0),
        vectors=pose[:3, :3].T * AXIS_M,
        colors=_AXES,
        radii=AXIS_M / 30,
        labels=labels,
    )
