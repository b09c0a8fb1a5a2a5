import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.cloud.packed import PackedCloud, PackedField, read_packed


def pack(
    points: np.ndarray, kind: str = "<f4", padding: int = 0, lead: int = 0, **changes: object
) -> PackedCloud:
    """Points (H, W, C) with `lead` bytes before each and `padding` bytes after each row."""
    height, width, channels = points.shape
    size = np.dtype(kind).itemsize
    step = lead + channels * size
    rows = np.zeros((height, width * step + padding), np.uint8)
    body = rows[:, : width * step].reshape(height, width, step)
    body[:, :, lead:] = points.astype(kind).view(np.uint8).reshape(height, width, -1)
    names = ("x", "y", "z", "normal_x", "normal_y", "normal_z")
    fields = tuple(PackedField(names[i], lead + i * size, 7 if size == 4 else 8) for i in range(channels))
    values = {
        "fields": fields,
        "height": height,
        "width": width,
        "point_step": step,
        "row_step": rows.shape[1],
        "is_bigendian": kind[0] == ">",
        "data": rows.tobytes(),
    }
    return PackedCloud(**{**values, **changes})


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["<f4", ">f4", "<f8", ">f8"]),
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from([3, 6]),
)
def test_every_layout_is_read(kind, height, width, padding, lead, channels):
    values = np.random.default_rng(0).normal(size=(height, width, channels)).astype(np.float32)
    values[0, 0, 0] = np.nan
    read = read_packed(pack(values, kind, padding, lead))
    assert np.array_equal(read.points, values[..., :3], equal_nan=True) and read.points.dtype == float
    assert read.normals is None if channels == 3 else np.array_equal(read.normals, values[..., 3:])


GOOD = np.ones((2, 3, 3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 0}, "cloud: is empty"),
        ({"height": 0}, "cloud: is empty"),
        ({"height": 2**31, "width": 2**31}, "more than"),
        ({"point_step": 0}, "point_step: is 0"),
        ({"point_step": 100}, "row_step: 36 bytes"),
        ({"row_step": 5}, "row_step: 5 bytes"),
        ({"data": b"123"}, "data: 3 bytes"),
        ({"fields": ()}, "'x' is missing; there are none"),
        ({"fields": (PackedField("x", 0, 7), PackedField("y", 4, 7))}, "'z' is missing; there are x, y"),
        ({"fields": tuple(PackedField(n, 0, 2) for n in "xyz")}, "datatype 2"),
        ({"fields": tuple(PackedField(n, 10, 7) for n in "xyz")}, "does not fit"),
        ({"fields": tuple(PackedField(n, 2**32 - 1, 7) for n in "xyz")}, "does not fit"),
    ],
)
def test_what_is_wrong_is_named(changes, words):
    with pytest.raises(ValueError, match=words):
        read_packed(pack(GOOD, **changes))


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_nonsense_is_refused_or_read_but_never_crashes(data):
    small = st.integers(0, 40)
    fields = st.builds(
        PackedField, st.sampled_from(["x", "y", "z", "normal_x", "", "rgb"]), small, st.integers(0, 255)
    )
    cloud = data.draw(
        st.builds(
            PackedCloud,
            st.lists(fields, max_size=7).map(tuple),
            small,
            small,
            small,
            st.integers(0, 300),
            st.booleans(),
            st.binary(max_size=400),
        )
    )
    try:
        assert read_packed(cloud).points.shape == (cloud.height, cloud.width, 3)
    except ValueError as error:
        assert str(error).startswith("cloud")
