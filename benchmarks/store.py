"""Experience written and read, beside plain files of the same bytes: `python -m benchmarks.store`."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.ratio import take_turns
from benchmarks.report import add_comparison, finish, options
from benchmarks.scenes import attempt
from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.store import ExperienceStore

DIFFERENT = 8  # attempts that are drawn; drawing one takes longer than storing it


def images(experience: Experience) -> list[np.ndarray]:
    """All images of an attempt."""
    return [experience.pre, experience.post, *experience.held]


def encoded(experience: Experience) -> list[bytes]:
    """Its images as the store keeps them."""
    level = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    return [cv2.imencode(".png", image[:, :, ::-1], level)[1].tobytes() for image in images(experience)]


def write_file(file: Path, content: list[bytes]) -> None:
    """Writes bytes so that they are on disk when this returns."""
    with file.open("wb") as stream:
        stream.write(b"".join(content))
        stream.flush()
        os.fsync(stream.fileno())


class Files:
    """Attempts as plain files, and what it takes to use them."""

    def __init__(self, folder: Path, contents: list[list[bytes]]) -> None:
        self.folder, self.contents, self.count = folder, contents, 0
        folder.mkdir()

    def write(self, content: list[bytes]) -> None:
        """The next file."""
        write_file(self.folder / str(self.count), content)
        self.count += 1

    def read(self, number: int) -> bytes:
        """The bytes of a file."""
        return (self.folder / str(number)).read_bytes()

    def read_images(self, number: int) -> list[np.ndarray]:
        """The images of a file, as arrays in RGB."""
        data, first, found = self.read(number), 0, []
        for png in self.contents[number % len(self.contents)]:
            picture = cv2.imdecode(np.frombuffer(data[first : first + len(png)], np.uint8), cv2.IMREAD_COLOR)
            found.append(np.ascontiguousarray(picture[:, :, ::-1]))
            first += len(png)
        return found


def main() -> None:
    """Writes attempts of two scenes of 640 x 480 and three held views, then reads them in random order."""
    chosen, results = options("store", main.__doc__, attempts=40, reads=80)
    rng = np.random.default_rng(chosen.seed)
    drawn = [attempt(rng) for _ in range(DIFFERENT)]
    contents = [encoded(one) for one in drawn]
    with tempfile.TemporaryDirectory(dir=".") as place, ExperienceStore(Path(place) / "store") as store:
        raw = Files(Path(place) / "raw", contents)
        png = Files(Path(place) / "png", contents)
        ids: list[str] = []

        def write_ours() -> None:
            ids.append(store.add(replace(drawn[len(ids) % DIFFERENT], experience_id=rng.bytes(16).hex())))

        writes = {
            "ours": write_ours,
            "raw_file": lambda: raw.write(contents[raw.count % DIFFERENT]),
            "raw_file_with_png": lambda: png.write(encoded(drawn[png.count % DIFFERENT])),
        }
        add_comparison(results, "store_write", "640x480", take_turns(writes, chosen.attempts))
        which = [0]

        def draw() -> None:
            which[0] = int(rng.integers(len(ids)))

        reads = {
            "ours": lambda: store.get(ids[which[0]]),
            "raw_file": lambda: raw.read(which[0]),
            "raw_file_with_png": lambda: png.read_images(which[0]),
        }
        add_comparison(results, "store_read", "640x480", take_turns(reads, chosen.reads, before=draw))
    kilobytes = float(np.mean([sum(map(len, content)) for content in contents])) / 1e3
    finish(results, chosen.output, kilobytes_per_attempt=round(kilobytes, 1))


if __name__ == "__main__":
    main()
