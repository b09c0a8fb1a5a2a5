"""The second act: sentences about household objects, from words and one depth image to a lifted object.

The objects are instances that no model has learned from, each alone on the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from examination.robot.methods import FromHands, ModelHands
from examination.robot.scenes import Trial
from examination.robot.trials import add_rows, picture_of, run_trials
from examination.semgrasp.kept import Kept
from grasp2vec_ros.core.results import Results
from grasp_cell.arm_cell import ArmCell
from semgrasp_ros.core.data.household import make_object
from semgrasp_ros.core.retarget.robots import load_robot

SPLIT = "household_sentences"
METHOD = "ours"
# Family, held-out instance, the part that the sentence means, the sentence.
SENTENCES = (
    ("hammer", 10, "handle", "Pick up the hammer by the handle."),
    ("mug", 20, "handle", "Hand me the mug by its handle, please."),
    ("spray_bottle", 10, "body", "Grab the spray bottle around its body."),
    ("screwdriver", 20, "handle", "I need the screwdriver, take it by the grip."),
    ("wine_glass", 10, "stem", "Lift the wine glass by the stem."),
    ("pan", 10, "handle", "Take the pan by its handle."),
)


@dataclass(frozen=True)
class Spoken:
    """What came of a sentence.

    Attributes:
        words: the sentence.
        picture: strip of pictures: seen, before the grasp, closed, lifted, shaken.
        held: the object was lifted and stayed while the arm shook.
        on_part: the fingers pressed the part that was asked for.
        reason: why not, "" when it was held.
    """

    words: str
    picture: Path
    held: bool
    on_part: bool
    reason: str


def speak(output: Path, seed: int, results: Results) -> list[Spoken]:
    """Says each sentence to the robot; what was done before an interruption is not done again.

    Args:
        output: folder of what was measured, and of pictures.
        seed: of scenes and of what is drawn.
        results: gets rows of the split `SPLIT`.
    """
    trials = [_trial(number, *sentence, seed) for number, sentence in enumerate(SENTENCES)]
    robot, source = load_robot("panda"), ModelHands("shipped")
    kept, pictures = Kept(output / f"{source.version}-{seed}.jsonl"), output / "pictures"
    cell = ArmCell(robot)
    try:
        run_trials(cell, trials, [FromHands(METHOD, robot, source)], kept, pictures)
    finally:
        cell.close()
    add_rows(trials, [METHOD], kept, SPLIT, results)
    return [_spoken(trial, kept, pictures) for trial in trials]


def _trial(number: int, family: str, instance: int, part: str, words: str, seed: int) -> Trial:
    thing = make_object(family, instance)
    if part not in {one.name for one in thing.parts}:
        raise ValueError(f"{family} {instance}: has no part {part!r}")
    scene_seed = crc32(f"{seed}/{family}/{instance}".encode())
    return Trial(f"sentence-{number}/{family}/{instance}", (("human", words),), part, thing, (), scene_seed)


def _spoken(trial: Trial, kept: Kept, pictures: Path) -> Spoken:
    entry = kept[f"{METHOD}/{trial.key}"]
    picture = picture_of(pictures, trial, METHOD)
    return Spoken(entry["words"], picture, entry["held"], entry["on_part"], entry["reason"])
