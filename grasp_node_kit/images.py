"""Between sensor_msgs/Image and numpy arrays.

The usual encodings are converted here, by views on the message's bytes, which is fastest; the others go through
`image_door`. sensor_msgs/CompressedImage, as image_transport sends it, is read wherever an image is.
"""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from grasp_node_kit.compressed import colour_of, depth_of
from grasp_node_kit.image_door import to_rgb
from grasp_node_kit.limits import check_image_size

# Bytes per pixel, type and channels of what is converted without help.
_PLAIN = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "mono8": (np.uint8, 1),
    "16UC1": (np.uint16, 1),
    "mono16": (np.uint16, 1),
    "32FC1": (np.float32, 1),
}
# To RGB by OpenCV, a hundred times as fast as picking channels by index; None: they are in order.
_COLOUR = {
    "rgb8": None,
    "bgr8": "COLOR_BGR2RGB",
    "rgba8": "COLOR_RGBA2RGB",
    "bgra8": "COLOR_BGRA2RGB",
    "mono8": "COLOR_GRAY2RGB",
}
_LONGEST_ENCODING = 40


def image_to_array(message: Image, name: str = "image") -> np.ndarray:
    """The pixels of a message, (H, W) or (H, W, C), in the message's encoding; a copy.

    Raises:
        ValueError: names the field that is wrong, its value and what is expected.
    """
    pixels = _pixels(message, name)
    return pixels.astype(pixels.dtype.newbyteorder("="))


def _pixels(message: Image, name: str) -> np.ndarray:
    """As `image_to_array`, but of the message's own bytes and byte order: not to be written to."""
    if message.encoding not in _PLAIN:
        raise ValueError(
            f"{name}.encoding: {message.encoding[:_LONGEST_ENCODING]!r} is not one of {', '.join(_PLAIN)}"
        )
    kind, channels = _PLAIN[message.encoding]
    _check_size(message, name)
    height, width, row = message.height, message.width, message.width * channels * np.dtype(kind).itemsize
    if message.step < row:
        raise ValueError(
            f"{name}.step: {message.step} bytes a row are too few for {width} pixels of {message.encoding} ({row})"
        )
    rows = np.frombuffer(message.data, np.uint8).reshape(height, message.step)[:, :row]
    kind = np.dtype(kind).newbyteorder(">" if message.is_bigendian else "<")
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.ascontiguousarray(rows).view(kind).reshape(shape)


def _check_size(message: Image, name: str) -> None:
    height, width = message.height, message.width
    check_image_size(height, width, name)
    if len(message.data) != height * message.step:
        raise ValueError(
            f"{name}.data: {len(message.data)} bytes, expected height * step = {height * message.step}"
        )


def image_to_rgb(message: Image | CompressedImage, name: str = "image") -> np.ndarray:
    """A colour or grey message as RGB, (H, W, 3) uint8.

    Raises:
        ValueError: empty, inconsistent, or of another encoding.
    """
    if isinstance(message, CompressedImage):
        return colour_of(message, name)
    _check_size(message, name)
    if message.encoding in ("16UC1", "32FC1"):
        raise ValueError(
            f"{name}.encoding: {message.encoding[:_LONGEST_ENCODING]!r} is depth, no colour image; expected rgb8, bgr8 or the like"
        )
    if message.encoding not in _COLOUR:
        return to_rgb(message, name)
    conversion = _COLOUR[message.encoding]
    if conversion is None:
        return image_to_array(message, name)
    import cv2

    return cv2.cvtColor(_pixels(message, name), getattr(cv2, conversion))


def image_to_depth_m(message: Image | CompressedImage, name: str = "depth") -> np.ndarray:
    """A depth message in metres, (H, W) float32, NaN where there is no measurement.

    16UC1 is millimetres with 0 for none, 32FC1 is metres (REP 118).

    Raises:
        ValueError: empty, inconsistent, or of another encoding.
    """
    if isinstance(message, CompressedImage):
        return depth_of(message, name)
    if message.encoding not in ("16UC1", "32FC1"):
        raise ValueError(
            f"{name}.encoding: {message.encoding[:_LONGEST_ENCODING]!r} is no depth image; expected 16UC1 (millimetres) or 32FC1 (metres)"
        )
    array = image_to_array(message, name)
    if message.encoding == "16UC1":
        metres = array * np.float32(0.001)
        metres[array == 0] = np.nan
        return metres
    # NaN is not greater than 0 either.
    array[~((array > 0) & (array < np.inf))] = np.nan
    return array


def image_to_float(message: Image, name: str = "image") -> np.ndarray:
    """A 32FC1 message such as a heatmap, (H, W) float32.

    Raises:
        ValueError: of another encoding.
    """
    if message.encoding != "32FC1":
        raise ValueError(f"{name}.encoding: {message.encoding[:_LONGEST_ENCODING]!r}, expected 32FC1")
    return image_to_array(message, name)


def array_to_image(array: np.ndarray, encoding: str) -> Image:
    """A message of an array; its header is left empty.

    Raises:
        ValueError: the array does not fit the encoding.
    """
    if encoding not in _PLAIN:
        raise ValueError(f"encoding: {encoding!r} is not one of {', '.join(_PLAIN)}")
    kind, channels = _PLAIN[encoding]
    shape = array.shape[:2] if channels == 1 else (*array.shape[:2], channels)
    if array.dtype != kind or array.shape != shape:
        raise ValueError(f"array: shape {array.shape} and type {array.dtype} do not fit encoding {encoding}")
    message = Image(height=array.shape[0], width=array.shape[1], encoding=encoding, is_bigendian=0)
    message.step = array.shape[1] * channels * array.itemsize
    # Bytes set after construction skip rclpy's check of every single element.
    message.data = array.tobytes()
    return message
