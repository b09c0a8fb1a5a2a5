"""The door to a library for image encodings that are not plain: Bayer patterns, YUV, 16-bit colour.

cv_bridge comes with a ROS installation and breaks with some versions of NumPy and OpenCV; where it does not work,
rosbags-image does the same.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from rosbags.image import ImageError, message_to_cvimage
from sensor_msgs.msg import Image


def through_cv_bridge(message: Image) -> np.ndarray:
    """RGB by cv_bridge, (H, W, 3) uint8.

    Raises:
        ImportError: it is not installed.
    """
    from cv_bridge import CvBridge

    return CvBridge().imgmsg_to_cv2(message, "rgb8")


def through_rosbags(message: Image) -> np.ndarray:
    """RGB by rosbags-image, (H, W, 3) uint8.

    Raises:
        ValueError: it does not know the encoding, or the message is inconsistent.
    """
    plain = SimpleNamespace(
        encoding=message.encoding,
        height=message.height,
        width=message.width,
        step=message.step,
        is_bigendian=message.is_bigendian,
        data=np.frombuffer(message.data, np.uint8),
    )
    try:
        return np.ascontiguousarray(message_to_cvimage(plain, "rgb8"))
    except (ImageError, ValueError, TypeError) as error:
        raise ValueError(str(error)) from error


def to_rgb(message: Image, name: str) -> np.ndarray:
    """RGB by the library that works here, (H, W, 3) uint8.

    Raises:
        ValueError: names the encoding that nobody knows.
    """
    try:
        return through_cv_bridge(message)
    except Exception:  # not installed, or installed and broken in one of many ways: the other one answers
        try:
            return through_rosbags(message)
        except ValueError as error:
            raise ValueError(
                f"{name}.encoding: {message.encoding[:40]!r} cannot be read as colours ({str(error)[:200]}); publish rgb8 or bgr8"
            ) from error
