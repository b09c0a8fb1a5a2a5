import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage

from grasp_node_kit.images import image_to_depth_m, image_to_rgb
from grasp_node_kit.limits import LARGEST_COMPRESSED_BYTES, LARGEST_SIDE_PX

DEPTH_QUANTISATION, DEPTH_MAX_M = 100.0, 10.0


def compressed(array: np.ndarray, form: str, ending: str, header: bytes = b"") -> CompressedImage:
    message = CompressedImage(format=form)
    message.data = header + cv2.imencode(ending, array)[1].tobytes()
    return message


def as_plugin_sends(depth_m: np.ndarray) -> CompressedImage:
    """32FC1 as image_transport's compressedDepth does it: inverse depth, quantised."""
    scale = DEPTH_QUANTISATION * (DEPTH_QUANTISATION + 1.0)
    offset = 1.0 - scale / DEPTH_MAX_M
    inverse = np.where(np.isfinite(depth_m) & (depth_m < DEPTH_MAX_M), scale / depth_m + offset, 0)
    header = struct.pack("<iff", 0, scale, offset)
    return compressed(inverse.astype(np.uint16), "32FC1; compressedDepth png", ".png", header)


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)


def test_colours_of_png_and_jpeg():
    rgb = picture()
    png = compressed(rgb[..., ::-1], "rgb8; png compressed bgr8", ".png")
    assert np.array_equal(image_to_rgb(png), rgb)
    smooth = np.full((64, 48, 3), (200, 40, 90), np.uint8)
    jpeg = compressed(smooth[..., ::-1], "bgr8; jpeg compressed bgr8", ".jpg")
    assert np.abs(image_to_rgb(jpeg).astype(int) - smooth).max() <= 3
    grey = compressed(rgb[..., 0], "mono8; jpeg compressed ", ".png")
    assert np.array_equal(image_to_rgb(grey)[..., 2], rgb[..., 0])


def test_depth_in_millimetres_and_as_inverse_metres():
    millimetres = np.array([[0, 500], [1234, 65535]], np.uint16)
    read = image_to_depth_m(compressed(millimetres, "16UC1; compressedDepth png", ".png", bytes(12)))
    assert np.isnan(read[0, 0]) and np.allclose(read[0, 1:], 0.5) and np.allclose(read[1], [1.234, 65.535])
    metres = np.random.default_rng(0).uniform(0.3, 3.0, (30, 40)).astype(np.float32)
    metres[0, :3] = np.nan, np.inf, 99.0
    read = image_to_depth_m(as_plugin_sends(metres))
    assert np.isnan(read[0, :3]).all()
    good = np.isfinite(read)
    # One step of the quantised inverse is depth^2 / scale.
    assert (np.abs(read - metres)[good] <= metres[good] ** 2 / 10000 + 1e-5).all() and good.sum() == 1197


def test_what_is_wrong_is_named_before_it_is_decoded():
    png = compressed(picture(), "rgb8; png compressed bgr8", ".png")
    bomb = bytearray(png.data)
    bomb[16:24] = struct.pack(">II", 60000, 60000)
    jpeg = bytearray(compressed(picture(), "", ".jpg").data)
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    depth = as_plugin_sends(np.ones((4, 4), np.float32))
    cases = [
        (image_to_rgb, "", bytes(bomb), f"60000x60000 pixels are more than {LARGEST_SIDE_PX}"),
        (image_to_rgb, "", bytes(jpeg), "65000x65000 pixels"),
        (image_to_rgb, "", b"", "0 bytes"),
        (image_to_rgb, "", bytes(LARGEST_COMPRESSED_BYTES + 1), "expected 1 to"),
        (image_to_rgb, "", b"nonsense", "neither JPEG nor PNG"),
        (image_to_rgb, "", b"GIF89a" + bytes(100), "neither JPEG nor PNG"),
        (image_to_rgb, "", bytes(png.data)[:40], "damaged"),
        (image_to_rgb, depth.format, bytes(depth.data), "is depth, no colour image"),
        (image_to_depth_m, png.format, bytes(png.data), "no compressed depth"),
        (image_to_depth_m, "16UC1; compressedDepth rvl", bytes(depth.data), "set .* to png"),
        (image_to_depth_m, depth.format, bytes(12), "12 bytes"),
        (image_to_depth_m, depth.format, bytes(12) + bytes(png.data), "no depth of 16 bits"),
    ]
    for read, form, data, words in cases:
        message = CompressedImage(format=form)
        message.data = data
        with pytest.raises(ValueError, match=f"camera.*{words}"):
            read(message, "camera")


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32), st.sampled_from([".png", ".jpg"]), st.booleans())
def test_damaged_pictures_are_read_or_refused(seed, ending, as_depth):
    rng = np.random.default_rng(seed)
    header = bytes(12) if as_depth else b""
    message = compressed(picture(), "32FC1; compressedDepth png" if as_depth else "", ending, header)
    data = bytearray(message.data)
    for _ in range(rng.integers(1, 8)):
        data[rng.integers(len(data))] = rng.integers(256)
    message.data = bytes(data[: rng.integers(1, len(data) + 1)])
    try:
        image = (image_to_depth_m if as_depth else image_to_rgb)(message, "camera")
    except ValueError as error:
        assert "camera" in str(error)
    else:
        assert max(image.shape) <= LARGEST_SIDE_PX
