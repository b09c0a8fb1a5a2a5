import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.image import message_to_cvimage
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import Image

from grasp_node_kit.image_door import through_cv_bridge, through_rosbags
from grasp_node_kit.images import array_to_image, image_to_array, image_to_depth_m, image_to_rgb


def random_array(encoding: str, height: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if encoding == "32FC1":
        return rng.normal(size=(height, width)).astype(np.float32)
    if encoding == "16UC1":
        return rng.integers(0, 65536, (height, width), np.uint16)
    channels = {"mono8": 1, "rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4}[encoding]
    shape = (height, width) if channels == 1 else (height, width, channels)
    return rng.integers(0, 256, shape, np.uint8)


ENCODINGS = ["rgb8", "bgr8", "rgba8", "bgra8", "mono8", "16UC1", "32FC1"]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(ENCODINGS), st.integers(1, 12), st.integers(1, 12), st.integers(0, 10**6))
def test_there_and_back(encoding, height, width, seed):
    array = random_array(encoding, height, width, seed)
    assert np.array_equal(image_to_array(array_to_image(array, encoding)), array)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8", "rgba8", "bgra8"])
def test_colours_agree_with_rosbags_image(encoding):
    message = array_to_image(random_array(encoding, 5, 7, 0), encoding)
    types = get_typestore(Stores.ROS2_JAZZY).types
    other = types["sensor_msgs/msg/Image"](
        header=types["std_msgs/msg/Header"](stamp=types["builtin_interfaces/msg/Time"](sec=0, nanosec=0), frame_id=""),
        height=5, width=7, encoding=encoding, is_bigendian=0, step=message.step, data=np.frombuffer(bytes(message.data), np.uint8),
    )  # fmt: skip
    assert np.array_equal(image_to_rgb(message), message_to_cvimage(other, "rgb8"))


def test_padded_rows_and_big_endian():
    depth = np.array([[500, 1500], [0, 65535]], np.uint16)
    message = Image(height=2, width=2, encoding="16UC1", is_bigendian=1, step=6)
    message.data = b"".join(row.astype(">u2").tobytes() + b"\0\0" for row in depth)
    assert np.array_equal(image_to_array(message), depth)


def test_depth_is_metres_and_nan_where_there_is_none():
    millimetres = image_to_depth_m(array_to_image(np.array([[0, 1234]], np.uint16), "16UC1"))
    assert np.isnan(millimetres[0, 0]) and millimetres[0, 1] == pytest.approx(1.234)
    metres = image_to_depth_m(array_to_image(np.array([[np.inf, np.nan, -1, 0, 0.5]], np.float32), "32FC1"))
    assert np.isnan(metres[0, :4]).all() and metres[0, 4] == 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encoding": "nonsense8"}, "encoding.*nonsense8"),
        ({"encoding": "16UC1"}, "no colour image"),
        ({"height": 0}, "empty"),
        ({"width": 9}, "step"),
        ({"height": 9}, "data"),
        ({"height": 100000}, "100000"),
    ],
)
def test_what_is_wrong_is_named(change, words):
    message = array_to_image(np.zeros((4, 4, 3), np.uint8), "rgb8")
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ValueError, match=f"camera.*{words}|{words}"):
        image_to_rgb(message, "camera")


def test_a_colour_image_is_no_depth():
    with pytest.raises(ValueError, match="rgb8.*no depth"):
        image_to_depth_m(array_to_image(np.zeros((4, 4, 3), np.uint8), "rgb8"))


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "yuv422_yuy2", "rgb16"])
def test_unusual_encodings_go_through_a_library(encoding):
    width = {"bayer_rggb8": 1, "yuv422_yuy2": 2, "rgb16": 6}[encoding]
    message = Image(height=6, width=8, encoding=encoding, step=8 * width)
    message.data = np.full(6 * 8 * width, 128, np.uint8).tobytes()
    rgb = image_to_rgb(message)
    assert rgb.shape == (6, 8, 3) and rgb.dtype == np.uint8 and np.abs(rgb.astype(int) - 128).max() <= 3


@pytest.mark.skipif(
    importlib.util.find_spec("cv_bridge") is None,
    reason="cv_bridge comes with a ROS installation, not from PyPI",
)
def test_both_sides_of_the_door_agree():
    message = Image(height=6, width=8, encoding="bayer_rggb8", step=8)
    message.data = np.random.default_rng(0).integers(0, 256, 48, np.uint8).tobytes()
    assert np.abs(through_cv_bridge(message).astype(int) - through_rosbags(message)).max() <= 2
