"""How large what comes from the wire may be: a larger one is a mistake or an attack, and is refused by name."""

from __future__ import annotations

LARGEST_SIDE_PX = 8192
LARGEST_COMPRESSED_BYTES = 64 * 2**20
# Names, ids and paths.
LONGEST_TEXT = 256
MOST_JOINTS = 1024
# Of a trajectory: half a minute at 600 points a second.
MOST_POINTS = 20_000


def check_image_size(height: int, width: int, name: str) -> None:
    """Refuses images without pixels and those that no camera takes.

    Raises:
        ValueError: names the image and its size.
    """
    if height == 0 or width == 0:
        raise ValueError(f"{name}: is empty ({width}x{height} pixels); check that the camera publishes")
    if max(height, width) > LARGEST_SIDE_PX:
        raise ValueError(f"{name}: {width}x{height} pixels are more than {LARGEST_SIDE_PX} on a side")


def check_text(text: str, name: str) -> None:
    """Refuses names and ids without end.

    Raises:
        ValueError: names the field and its length.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{name}: longer than {LONGEST_TEXT} characters ({len(text)})")


def check_texts(message: object, *names: str) -> None:
    """Refuses a message any of whose named text fields is without end.

    Raises:
        ValueError: names the field and its length.
    """
    for name in names:
        check_text(getattr(message, name), name)


def check_count(count: int, most: int, name: str) -> None:
    """Refuses lists without end.

    Raises:
        ValueError: names the field and its length.
    """
    if count > most:
        raise ValueError(f"{name}: {count} given; {most} are allowed")
