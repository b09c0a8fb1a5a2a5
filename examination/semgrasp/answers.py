"""What baselines answer to held-out requests: each learns once, answers all, and its answers are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import torch
from tqdm import tqdm

from examination.semgrasp.held_out import Request
from examination.semgrasp.kept import Kept
from examination.semgrasp.models import look, view_of
from semgrasp_ros.core.baselines import Baseline, TrainingSet
from semgrasp_ros.core.captioned import CaptionedGrasps
from semgrasp_ros.core.data.dataset import VIEWS, GraspData, load_split
from semgrasp_ros.core.drawing import SEEN_POINTS
from semgrasp_ros.core.language import GraspLanguageModel, generate_many
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.model import TokenModel
from semgrasp_ros.core.tokens.pose import HandPose

EPOCHS = 2
_TURNED = 1
Turns = Sequence[tuple[str, str]]


class Greedy:
    """The language model's likeliest tokens: what it says without several candidates and their ranking.

    Args:
        model: trained.
    """

    name = "ours_greedy"

    def __init__(self, model: GraspLanguageModel) -> None:
        self.model = model

    def fit(self, data: TrainingSet) -> None:
        """Nothing: it is trained."""

    def answer(
        self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator
    ) -> torch.Tensor:
        """Tokens (B, 3)."""
        found = generate_many(self.model, things.tokens, things.size, turns)
        return torch.tensor([candidates[0].tokens for candidates in found])


def training_set(model: TokenModel, data: GraspData, seed: int = 0) -> TrainingSet:
    """What the language model learned from, in as many words: whole objects and their views, requests and tokens."""
    captioned = CaptionedGrasps(model, data, seed=seed)
    # The look that was turned a little is left out: its hands would have to be turned, too.
    looks = [number for number in range(len(captioned.looks)) if number != _TURNED]
    things = ObjectTokens(
        torch.cat([captioned.looks[number].tokens for number in looks]),
        torch.cat([captioned.looks[number].size for number in looks]),
    )
    rows, places, turns = [], [], []
    for epoch in tqdm(range(EPOCHS), desc="words to learn from", unit="epoch"):
        for row, example in enumerate(captioned.examples(epoch)):
            if example.caption.kind != "describe":
                _, look = example.object_key
                rows.append(row)
                places.append(looks.index(0 if look == _TURNED else look))
                turns.append(example.caption.request)
    row, place = torch.tensor(rows), torch.tensor(places)
    tokens = torch.stack([captioned.tokens[number] for number in looks])[place, row]
    owner = place * len(data.objects) + data.owner[row]
    poses = data.poses().select(row)
    moved = torch.eye(4).repeat(len(row), 1, 1)
    moved[:, :3, 3] = -_middles(data).flatten(0, 1)[owner]
    poses = HandPose(moved @ poses.wrist, poses.joint_rotations, poses.shape)
    return TrainingSet(things, owner, turns, tokens, poses, model.tokenizer.config.codes)


def _middles(data: GraspData) -> torch.Tensor:
    """(looks, O, 3): where the middle of each look's box is."""
    clouds = [data.clouds[:, :SEEN_POINTS, :3], *(view[:, :SEEN_POINTS, :3] for view in data.views.unbind(1))]
    return torch.stack([(cloud.amin(dim=1) + cloud.amax(dim=1)) / 2 for cloud in clouds])


class Answers:
    """Answers of several baselines to requests.

    Args:
        model: token model, whose objects and tokens the baselines see.
        grasps: folder of grasps; of these the training split is learned from.
        output: keeps the answers.
        version: of the model.
        seed: of words and of what is drawn.
    """

    def __init__(self, model: TokenModel, grasps: Path, output: Path, version: str, seed: int) -> None:
        self.model, self.grasps, self.output, self.version, self.seed = model, grasps, output, version, seed
        self._data: TrainingSet | None = None

    def of(
        self, name: str, make: Callable[[], Baseline], requests: Sequence[Request], trained: str = "0"
    ) -> Kept:
        """The answers of one baseline to all requests; it is made and learns only when some are missing.

        Args:
            name: of the baseline.
            make: makes it.
            requests: of all splits.
            trained: names what it was trained on besides.
        """
        kept = Kept(self.output / "answers" / f"{name}-{self.version}-{trained}.jsonl")
        missing = [request for request in requests if request.key not in kept]
        if not missing:
            return kept
        print(f"{name}: learns, then answers {len(missing)} requests", flush=True)
        baseline = make()
        if not isinstance(baseline, Greedy):
            baseline.fit(self.data)
        # One by one, each with a draw of its own: so an answer does not depend on what was asked before.
        for request in tqdm(missing, desc=name, unit="request", mininterval=2.0):
            generator = torch.Generator().manual_seed(self.seed + request.seed)
            things = look(self.model, view_of(request))
            kept.add(request.key, _entry(baseline.answer(things, [request.turns], generator)))
        return kept

    @property
    def data(self) -> TrainingSet:
        """What all baselines learn from; read once."""
        if self._data is None:
            train = load_split(self.grasps, "train", self.grasps.parent / "clouds", views=VIEWS)
            self._data = training_set(self.model, train, self.seed)
        return self._data

    def pose(self, entry: dict, things: ObjectTokens) -> HandPose:
        """The hand of an answer on its object."""
        if "tokens" in entry:
            with torch.no_grad():
                return self.model.tokenizer.decode(torch.tensor([entry["tokens"]]), things)
        return HandPose(*(torch.tensor(entry[name])[None] for name in ("wrist", "joint_rotations", "shape")))


def _entry(answer: torch.Tensor | HandPose) -> dict:
    if isinstance(answer, HandPose):
        return {name: getattr(answer, name)[0].tolist() for name in ("wrist", "joint_rotations", "shape")}
    return {"tokens": answer[0].tolist()}


def fingerprint(grasps: Path) -> str:
    """Names the grasps that baselines learn from: other objects, another name."""
    files = sorted(path.relative_to(grasps).as_posix() for path in Path(grasps).glob("*/*.npz"))
    return f"{crc32(' '.join(files).encode()):08x}"
