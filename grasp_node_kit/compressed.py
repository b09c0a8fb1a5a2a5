"""Between sensor_msgs/CompressedImage, as image_transport's plugins send it, and numpy arrays.

`compressed` is a JPEG or PNG. `compressedDepth` is a PNG of 16 bits after a header of 12 bytes: millimetres, or for
metres the inverse of depth, quantised with the header's two numbers.
"""

from __future__ import annotations

import struct

import numpy as np
from sensor_msgs.msg import CompressedImage

from grasp_node_kit.limits import LARGEST_COMPRESSED_BYTES, check_image_size

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_HEADER = struct.Struct("<iff")
# Start-of-frame markers: all of 0xC0 to 0xCF but the tables of Huffman and arithmetic codes and an extension.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def colour_of(message: CompressedImage, name: str) -> np.ndarray:
    """The picture as RGB, (H, W, 3) uint8.

    Raises:
        ValueError: it is too large, no JPEG or PNG, or damaged.
    """
    import cv2

    content = _checked(message, name)
    if "compressedDepth" in message.format:
        raise ValueError(
            f"{name}.format: {message.format[:40]!r} is depth, no colour image; remap to the colour topic"
        )
    return cv2.cvtColor(_decoded(content, cv2.IMREAD_COLOR, name), cv2.COLOR_BGR2RGB)


def depth_of(message: CompressedImage, name: str) -> np.ndarray:
    """Depth in metres, (H, W) float32, NaN where there is no measurement.

    Raises:
        ValueError: it is too large, of another format, or damaged.
    """
    import cv2

    content = _checked(message, name)
    encoding = message.format.split(";")[0].strip()
    if "compressedDepth" not in message.format or encoding not in ("16UC1", "32FC1"):
        raise ValueError(
            f"{name}.format: {message.format[:40]!r} is no compressed depth; expected '16UC1; compressedDepth png' or"
            " '32FC1; compressedDepth png'"
        )
    if "rvl" in message.format:
        raise ValueError(
            f"{name}.format: {message.format[:40]!r} is compressed by RVL; set the camera's compressedDepth format to png"
        )
    if len(content) <= _HEADER.size:
        raise ValueError(f"{name}.data: {len(content)} bytes are no compressed depth")
    values = _decoded(content[_HEADER.size :], cv2.IMREAD_UNCHANGED, name)
    if values.dtype != np.uint16 or values.ndim != 2:
        raise ValueError(
            f"{name}.data: a picture of {values.dtype} and shape {values.shape} is no depth of 16 bits"
        )
    if encoding == "16UC1":
        return np.where(values == 0, np.nan, values * np.float32(0.001)).astype(np.float32)
    _, scale, offset = _HEADER.unpack(bytes(content[: _HEADER.size]))
    with np.errstate(all="ignore"):  # numbers of a damaged header give no depth
        depth = np.float32(scale) / (values.astype(np.float32) - np.float32(offset))
        return np.where((values > 0) & np.isfinite(depth) & (depth > 0), depth, np.nan).astype(np.float32)


def _checked(message: CompressedImage, name: str) -> memoryview:
    if not 0 < len(message.data) <= LARGEST_COMPRESSED_BYTES:
        raise ValueError(
            f"{name}.data: {len(message.data)} bytes, expected 1 to {LARGEST_COMPRESSED_BYTES} of a JPEG or PNG"
        )
    return memoryview(message.data)


def _decoded(content: memoryview, mode: int, name: str) -> np.ndarray:
    import cv2

    # Its size is looked at before it is decoded: a few bytes can stand for gigabytes of pixels.
    height, width = _size_of(bytes(content), name)
    check_image_size(height, width, name)
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), mode)
    except cv2.error as error:
        raise ValueError(f"{name}.data: cannot be decoded ({error.err})") from error
    if picture is None:
        raise ValueError(f"{name}.data: cannot be decoded; the picture is damaged")
    return picture


def _size_of(content: bytes, name: str) -> tuple[int, int]:
    """Height and width that a JPEG or PNG says it has."""
    if content.startswith(_PNG) and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return height, width
    if content.startswith(_JPEG):
        place = 2
        while place + 9 <= len(content) and content[place] == 0xFF:
            marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
            if marker == 0xFF:  # padding
                place += 1
                continue
            if marker in _FRAMES:
                return struct.unpack(">HH", content[place + 5 : place + 9])
            place += 2 + length
        raise ValueError(f"{name}.data: a JPEG without a frame; the picture is damaged")
    raise ValueError(f"{name}.data: neither JPEG nor PNG")
