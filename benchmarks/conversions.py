"""Image messages to arrays, beside the libraries for it: `python -m benchmarks.conversions`."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
from rosbags.image import message_to_cvimage
from sensor_msgs.msg import Image

from benchmarks.ratio import take_turns
from benchmarks.report import add_comparison, finish, options
from grasp_node_kit.images import array_to_image, image_to_depth_m, image_to_rgb

WIDTH_PX, HEIGHT_PX = 640, 480


def pictures(rng: np.random.Generator) -> dict[str, Image]:
    """A message of each usual encoding."""
    size = (HEIGHT_PX, WIDTH_PX)
    colour = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    depth_mm = rng.integers(0, 4000, size, dtype=np.uint16)
    return {
        "rgb8": array_to_image(colour, "rgb8"),
        "bgr8": array_to_image(colour, "bgr8"),
        "mono8": array_to_image(colour[..., 0].copy(), "mono8"),
        "16UC1": array_to_image(depth_mm, "16UC1"),
        "32FC1": array_to_image(depth_mm.astype(np.float32) / 1000, "32FC1"),
    }


def in_metres(array: np.ndarray) -> np.ndarray:
    """What a user of such a library does with a depth image, by numpy."""
    if array.dtype == np.uint16:
        return np.where(array == 0, np.nan, array / 1000).astype(np.float32)
    return np.where(np.isfinite(array) & (array > 0), array, np.nan)


def by_rosbags(message: Image, wanted: str | None) -> Callable[[], np.ndarray]:
    """The same by rosbags-image, with the copy that we make where it only looks at the message's bytes."""
    names = ("encoding", "height", "width", "step", "is_bigendian")
    plain = SimpleNamespace(**{name: getattr(message, name) for name in names})

    def convert() -> np.ndarray:
        # Its images are arrays, a message of rclpy has an array.array.
        plain.data = np.frombuffer(message.data, np.uint8)
        array = message_to_cvimage(plain, wanted)
        if wanted is None:
            return in_metres(array)
        return array.copy() if array.base is not None else array

    return convert


def by_cv_bridge(message: Image, wanted: str | None) -> Callable[[], np.ndarray] | None:
    """cv_bridge's conversion; None where it is not installed or does not work."""
    try:
        from cv_bridge import CvBridge

        bridge = CvBridge()
        bridge.imgmsg_to_cv2(array_to_image(np.zeros((2, 2, 3), np.uint8), "rgb8"), "rgb8")
    except Exception:  # it breaks in many ways, see grasp_node_kit.image_door
        return None
    if wanted is None:
        return lambda: in_metres(bridge.imgmsg_to_cv2(message, "passthrough"))
    return lambda: bridge.imgmsg_to_cv2(message, wanted)


def main() -> None:
    """Converts messages of 640 x 480 pixels to RGB or to metres, and an array to a message."""
    chosen, results = options("conversions", main.__doc__, rounds=100)
    for encoding, message in pictures(np.random.default_rng(chosen.seed)).items():
        depth = encoding in ("16UC1", "32FC1")
        ours = image_to_depth_m if depth else image_to_rgb
        wanted = None if depth else "rgb8"
        parts = {
            "ours": lambda ours=ours, message=message: ours(message),
            "rosbags_image": by_rosbags(message, wanted),
        }
        if bridge := by_cv_bridge(message, wanted):
            parts["cv_bridge"] = bridge
        np.testing.assert_allclose(parts["ours"](), parts["rosbags_image"](), rtol=1e-6, err_msg=encoding)
        add_comparison(results, "conversion", encoding, take_turns(parts, chosen.rounds, warm_up=3))
    finish(results, chosen.output)


if __name__ == "__main__":
    main()
