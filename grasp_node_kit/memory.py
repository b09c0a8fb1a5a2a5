"""How a process gives memory back."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h; mallopt(3) says what they do.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
KEPT_BYTES, PAD_BYTES, LARGEST_KEPT_BYTES = 256 * 2**20, 16 * 2**20, 32 * 2**20


def keep_memory() -> bool:
    """Lets this process keep memory that tensors no longer need, up to 256 MiB for each pool of threads.

    By default glibc gives the large tensors of each image back to the system and asks for them again at the next: two
    thousand pages, a quarter of the time of a heatmap.

    Returns:
        Whether there was anything to set; other C libraries have their own ways.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = (
        (_MMAP_THRESHOLD, LARGEST_KEPT_BYTES),
        (_TRIM_THRESHOLD, KEPT_BYTES),
        (_TOP_PAD, PAD_BYTES),
    )
    return all(mallopt(name, value) for name, value in settings)
