"""From words and points to hands: tokens, refinement and ranking, beside the bare networks: `python -m benchmarks.semgrasp`.

Where no model ships, networks of the shipped sizes with random weights take its place: they take as long, but their
hands begin far from the object.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.ratio import take_turns
from benchmarks.report import add_comparison, finish, options
from semgrasp_ros.core.data.dataset import object_cloud, part_vocabulary
from semgrasp_ros.core.drawing import SEEN_POINTS
from semgrasp_ros.core.grounding import Grounding
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.language import GraspLanguageModel, LanguageConfig, generate, train_vocabulary
from semgrasp_ros.core.language.batches import grasp_prompt
from semgrasp_ros.core.language.decoding import read_prompts
from semgrasp_ros.core.pipeline import SemGrasp, shipped_folder
from semgrasp_ros.core.tokens.model import TokenModel, TokenModelConfig

WORDS = "hand me the mug by its handle"
PHRASES = [
    WORDS,
    "pick up the hammer by the handle with a power grasp",
    "lift the pan by its handle and keep the thumb on top",
    "pinch the lid of the teapot between thumb and index finger",
    "use the spray bottle: the index finger is on the trigger",
]


def models() -> tuple[SemGrasp, str]:
    """What ships, or networks of that size; and which of both."""
    try:
        shipped_folder()
    except FileNotFoundError:
        torch.manual_seed(0)
        config = LanguageConfig()
        language = GraspLanguageModel.make(config, train_vocabulary(PHRASES, config.vocabulary))
        tokens = TokenModel(TokenModelConfig(), part_vocabulary())
        grounding = Grounding(part_vocabulary(), train_vocabulary(PHRASES, codes=1))
        return SemGrasp(tokens, language, grounding, load_hand()), "random_weights"
    return SemGrasp.load(), "shipped"


def bare_networks(
    model: SemGrasp, points: torch.Tensor, normals: torch.Tensor, count: int
) -> Callable[[], None]:
    """One forward pass of each network: object encoder, language model over the request, decoder, hand."""
    prompt = grasp_prompt([("human", WORDS)], model.language_model.vocabulary)
    tokens = torch.zeros(count, 3, dtype=torch.long)

    @torch.no_grad()
    def forward() -> None:
        thing = model.token_model.see(points, normals)
        read_prompts(model.language_model, thing.tokens, thing.size, [prompt])
        hand = model.token_model.tokenizer.decode(tokens, thing)
        model.hand(hand.wrist, hand.joint_rotations, hand.shape)

    return forward


def main() -> None:
    """Times one hand without refinement, and candidates that are refined and ranked, for a mug of 2048 points."""
    chosen, results = options("semgrasp", main.__doc__, rounds=6, candidates=16, threads=2)
    torch.set_num_threads(chosen.threads)
    model, split = models()
    cloud = object_cloud("mug", 0)
    points, normals = (
        torch.as_tensor(array[:SEEN_POINTS], dtype=torch.float32)[None]
        for array in (cloud.points, cloud.normals)
    )

    @torch.no_grad()
    def tokens_and_hand() -> None:
        thing = model.token_model.see(points, normals)
        best = generate(model.language_model, thing.tokens, thing.size, [("human", WORDS)], 1)[0]
        hand = model.token_model.tokenizer.decode(torch.tensor([best.tokens]), thing)
        model.hand(hand.wrist, hand.joint_rotations, hand.shape)

    count = chosen.candidates

    def candidates() -> None:
        model.generate(cloud.points, cloud.normals, WORDS, candidates=count, keep=count, seed=chosen.seed)

    paths = {
        "semgrasp_tokens_and_hand": (tokens_and_hand, 1),
        f"semgrasp_{count}_candidates": (candidates, count),
    }
    for path, (ours, many) in paths.items():
        parts = {"ours": ours, "bare_networks": bare_networks(model, points, normals, many)}
        add_comparison(results, path, split, take_turns(parts, chosen.rounds))
    finish(results, chosen.output, version=model.version)


if __name__ == "__main__":
    main()
