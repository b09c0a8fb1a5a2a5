"""The examination of SemGrasp end to end: a handful of real grasps, untrained networks, all files and the table."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from examination.semgrasp import generation, reconstruction
from examination.semgrasp.__main__ import main, parse
from examination.semgrasp.answers import fingerprint, training_set
from examination.semgrasp.held_out import SPLITS, held_grasps, requests
from examination.semgrasp.kept import Kept
from examination.semgrasp.measures import agrees, measure, thing_of
from examination.semgrasp.models import view_of
from examination.semgrasp.sheet import chosen, draw_sheet
from examination.semgrasp.table import write_table
from semgrasp_ros.core.contact.search import SearchConfig
from semgrasp_ros.core.data.dataset import load_split, part_vocabulary
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import FAMILIES
from semgrasp_ros.core.data.synthesis.generate import generate
from semgrasp_ros.core.data.synthesis.grasps import SynthesisConfig
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.language import GraspLanguageModel, LanguageConfig, train_vocabulary
from semgrasp_ros.core.objects.encoder import ObjectEncoderConfig
from semgrasp_ros.core.pipeline import SemGrasp
from semgrasp_ros.core.tokens.model import TokenModel, TokenModelConfig
from semgrasp_ros.core.tokens.tokenizer import VARIANTS, TokenizerConfig
from test.semgrasp_ros.core.hand.mano_file import content, dumped
from test.semgrasp_ros.core.tiny_grounding import tiny_grounding

pytestmark = pytest.mark.slow
OBJECTS = (("bottle", 12), ("bottle", 10), ("ladle", 0))


def token_model(variant: str = "three") -> TokenModel:
    torch.manual_seed(3)
    return TokenModel(
        TokenModelConfig(
            ObjectEncoderConfig(width=16, groups=8, neighbours=8, layers=1, heads=2),
            TokenizerConfig(roles=VARIANTS[variant], codes=8, width=16, layers=1, heads=2),
        ),
        part_vocabulary(),
    ).eval()


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A folder with grasps of one object of each split, and untrained models."""
    folder = tmp_path_factory.mktemp("world")
    quick = SynthesisConfig(pairs=3, guesses=80, tries=6, keep=3, search=SearchConfig(steps=80))
    for family, instance in OBJECTS:
        generate(folder / "grasps", [family], range(instance, instance + 1), quick, 0, 1)
    token_model().save(folder / "tokens", {})
    token_model("one").save(folder / "one", {})
    small = LanguageConfig(
        width=16, layers=1, heads=2, inner=16, vocabulary=300, object_slots=4, codes=8, longest_text=600
    )
    words = train_vocabulary(["hand me the bottle by its neck", "hold the ladle"], 300, codes=8)
    GraspLanguageModel.make(small, words, object_width=16).save(folder / "language")
    tiny_grounding().save(folder / "grounding")
    return folder


def arguments(world: Path, *more: str) -> list[str]:
    folders = (f"--{name}={world / name}" for name in ("grasps", "tokens", "language", "grounding"))
    few = ("--limit=2", "--simulated=1", "--baseline-steps=3")
    return [*folders, f"--output={world / 'out'}", *few, *more]


@pytest.fixture(scope="module")
def examined(world: Path) -> Path:
    """Everything but the pictures, run once."""
    variants = ("--variant", f"one={world / 'one'}", "--variant", f"three={world / 'tokens'}")
    more = ("--only", "reconstruction", "generation", *variants)
    assert main(arguments(world, *more, "--table", str(world / "docs/results.md"))) == 0
    return world


def rows(file: Path) -> dict:
    return {(r["metric"], r["method"]): r for r in json.loads(file.read_text())["rows"]}


def test_all_files_are_written_and_say_how_they_were_made(examined: Path):
    files = {path.name for path in (examined / "out").glob("*.json")}
    wanted = {f"reconstruction-{split}.json" for split in reconstruction.SPLITS}
    assert files == wanted | {f"generation-{split}.json" for split in SPLITS}
    content = json.loads((examined / "out/generation-unseen_families.json").read_text())
    assert content["command"] == "python -m examination.semgrasp --limit 2 --simulated 1"
    assert {"commit", "device", "seed", "seconds"} <= content.keys()
    assert all(row["split"] == "unseen_families" for row in content["rows"])


def test_reconstruction_has_each_level_the_truth_and_the_paper(examined: Path):
    found = rows(examined / "out/reconstruction-unseen_instances.json")
    methods = {method for _, method in found}
    assert {
        "ground_truth",
        "ours",
        "ours_1_token",
        "ours_2_tokens",
        "ours_without_search",
        "one",
        "paper",
    } <= methods
    assert ("mpvpe_mm", "ground_truth") not in found
    assert found["mpvpe_mm", "ours"]["value"] > 20  # an untrained model knows nothing
    # What was kept by the generator hardly penetrates and holds.
    assert found["pd_cm", "ground_truth"]["value"] <= 0.35
    assert found["sd_cm", "ground_truth"]["n"] == 1
    assert found["pd_cm", "ground_truth"]["n"] == 2


def test_variants_are_compared_with_three_tokens_grasp_by_grasp(examined: Path):
    found = rows(examined / "out/reconstruction-unseen_families.json")
    for kind in ("mpvpe", "mpvpe_without_search"):
        apart = found[f"{kind}_mm", "one"]["value"] - found[f"{kind}_mm", "three"]["value"]
        assert found[f"{kind}_more_mm", "one"]["value"] == pytest.approx(apart, abs=2e-4)
        # Here the variant with three tokens is the model itself.
        assert found[f"{kind}_mm", "three"]["value"] == found[f"{kind}_mm", "ours"]["value"]
        assert (f"{kind}_more_mm", "ours") not in found
    without_search = found["mpvpe_without_search_mm", "ours"]["value"]
    assert without_search == found["mpvpe_mm", "ours_without_search"]["value"]


def test_every_method_has_every_number_and_true_grasps_agree(examined: Path):
    for split in SPLITS:
        found = rows(examined / f"out/generation-{split}.json")
        for method in ("ours", "decoded", "ours_greedy", "bag_of_words", "nearest", "cvae", "chance"):
            for metric in ("agreement", "right_part", "pd_cm", "siv_cm3", "sd_cm", "contact_ratio"):
                assert found[metric, method]["n"] == (1 if metric == "sd_cm" else 2), (split, method, metric)
        assert found["agreement", "ground_truth"]["value"] == 1.0
        assert found["moved_mm", "ours"]["value"] > 0
        assert found["diversity_mm", "ours"]["value"] >= 0


def test_what_is_missing_is_told(examined: Path):
    content = json.loads((examined / "out/generation-unseen_families.json").read_text())
    there = any(row["method"] == "sentence_encoder" for row in content["rows"])
    assert there != any("sentence encoder" in text for text in content["left_out"])


def test_the_table_says_what_is_measured(examined: Path):
    text = (examined / "docs/results.md").read_text()
    for split in SPLITS:
        assert f"### `{split}`" in text
    for title in (
        "## Goals",
        "## Reconstruction",
        "## Grasps from words",
        "*paper: SemGrasp*",
        "bag of words",
    ):
        assert title in text
    assert "at most 12.00" in text
    assert "variant: one token for all" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_a_second_run_measures_nothing_again(examined: Path, monkeypatch):
    before = (examined / "out/generation-unseen_instances.json").read_text()

    def fail(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(generation, "measure", fail)
    monkeypatch.setattr(reconstruction, "measure", fail)
    monkeypatch.setattr("examination.semgrasp.answers.load_split", fail)
    more = ("--only", "reconstruction", "generation", "--splits", "unseen_instances")
    assert main(arguments(examined, *more)) == 0
    after = (examined / "out/generation-unseen_instances.json").read_text()
    assert json.loads(before)["rows"] == json.loads(after)["rows"]


def test_more_requests_measure_only_those_that_are_new(examined: Path, monkeypatch):
    measured = []
    real = generation.measure
    monkeypatch.setattr(generation, "measure", lambda *a, **k: measured.append(a) or real(*a, **k))
    options = [*arguments(examined, "--only", "generation", "--splits", "unseen_families"), "--limit=3"]
    baselines = ("bag_of_words", "nearest", "cvae", "chance", "random_tokens", "sentence_encoder")
    assert main([*options, "--output", str(examined / "out"), "--without", *baselines]) == 0
    assert len(measured) == 4  # truth, ours, decoded and greedy of one request


def test_turned_objects_are_measured_in_the_frame_of_the_object(world: Path, tmp_path: Path, monkeypatch):
    given, answers, measured = [], [], []
    real, real_measure = SemGrasp.generate, generation.measure

    def seen(self: SemGrasp, points: np.ndarray, *more: object, **kwargs: object) -> list:
        given.append(points)
        answers.append(real(self, points, *more, **kwargs))
        return answers[-1]

    def kept(hand: object, vertices: np.ndarray, *more: object) -> dict:
        measured.append(vertices)
        return real_measure(hand, vertices, *more)

    monkeypatch.setattr(SemGrasp, "generate", seen)
    monkeypatch.setattr(generation, "measure", kept)
    options = arguments(world, "--only", "generation", "--splits", "unseen_instances")
    assert main([*options, "--limit=1", "--turned", f"--output={tmp_path}"]) == 0
    content = json.loads((tmp_path / "generation-unseen_instances.json").read_text())
    assert content["command"].endswith("--turned") and content["left_out"] == ["baselines"]
    (request,) = requests(world / "grasps", "unseen_instances", 1)
    usual = view_of(request).points
    assert not np.allclose(given[0], usual, atol=1e-3)
    back = np.linalg.lstsq(given[0], usual, rcond=None)[0]
    assert np.allclose(given[0] @ back, usual, atol=1e-5)
    _, ours, decoded = measured
    assert np.allclose(ours, answers[0][0].vertices @ back, atol=1e-4)
    assert np.allclose(decoded, answers[0][0].decoded_vertices @ back, atol=1e-4)


def test_held_out_grasps_alone_are_enough_for_what_does_not_learn(world: Path, tmp_path: Path, capsys):
    store = GraspFolder(world / "grasps")
    GraspFolder(tmp_path / "grasps").write("bottle", 10, store.read("bottle", 10))
    parts = ("--only", "reconstruction", "generation", "--splits", "unseen_instances")
    options = [*arguments(world, *parts), "--limit=1"]
    assert main([*options, f"--grasps={tmp_path / 'grasps'}", f"--output={tmp_path / 'out'}"]) == 0
    assert "reconstruction: left out" in capsys.readouterr().out
    content = json.loads((tmp_path / "out/generation-unseen_instances.json").read_text())
    methods = {row["method"] for row in content["rows"]}
    assert {"ours", "ours_greedy"} <= methods and not {"bag_of_words", "nearest"} & methods
    assert any("has no grasps of the training split" in text for text in content["left_out"])
    assert not any(row["metric"] == "intent_accuracy" and row["method"] == "ours" for row in content["rows"])


def test_models_that_are_not_there_are_an_error_of_one_line(world: Path, capsys):
    assert main(arguments(world, "--tokens", str(world / "nothing"), "--only", "reconstruction")) == 2
    assert "--tokens" in capsys.readouterr().err


def test_options_that_do_not_fit_are_refused(capsys):
    for wrong in (["--limit", "0"], ["--variant", "x"], ["--capgrasp", "/x"], ["--splits", "all"]):
        with pytest.raises(SystemExit):
            parse(wrong)
    capsys.readouterr()


def test_the_sheet_shows_grasps_and_their_sentences(world: Path):
    grasper = SemGrasp(
        token_model(), GraspLanguageModel.load(world / "language"), tiny_grounding(), load_hand()
    )
    asked = {s: requests(world / "grasps", s, 1) for s in ("unseen_instances", "unseen_families")}
    pictured = chosen(asked, 24)
    assert [split for split, _ in pictured] == ["unseen_instances", "unseen_families"]
    draw_sheet(grasper, pictured, world / "sheet.jpg", 2, 0)
    from PIL import Image

    image = np.asarray(Image.open(world / "sheet.jpg"))
    assert image.shape == (404, 600, 3)
    for left in (0, 300):
        assert image[20:280, left + 20 : left + 280].std() > 10  # the grasp
        assert image[300:380, left : left + 300].min() < 120  # the words


def test_pictures_are_of_different_families_while_there_are_any(world: Path):
    asked = {s: requests(world / "grasps", s, 3) for s in ("unseen_instances", "unseen_families")}
    pictured = chosen(asked, 5)
    assert [r.grasp.family for _, r in pictured[:2]] == ["bottle", "ladle"]
    assert len({r.key for _, r in pictured}) == 5
    assert len(chosen({"unseen_families": asked["unseen_families"]}, 24)) == 3


def test_only_held_out_objects_are_asked_for(world: Path):
    held = {one.grasp.family for one in held_grasps(world / "grasps", "unseen_families")}
    assert held == {"ladle"}
    assert {r.grasp.instance for r in requests(world / "grasps", "unseen_phrasings", 9)} == {10}


@pytest.mark.parametrize("split", SPLITS)
def test_requests_name_the_part_and_every_second_one_the_manner(world: Path, split: str):
    asked = requests(world / "grasps", split, 4)
    for number, request in enumerate(asked):
        assert "part" in request.names
        assert ("manner" in request.names) == (number % 2 == 1)
        family = FAMILIES[request.grasp.family]
        said = " ".join(text for _, text in request.turns).lower()
        assert any(name in said for name in family.parts[request.grasp.part]), said
        assert request.turns[-1][0] == "human"
        assert request.partial == (split == "partial_clouds")


def test_partial_clouds_are_asked_for_in_the_same_words(world: Path):
    whole = requests(world / "grasps", "unseen_instances", 4)
    partial = requests(world / "grasps", "partial_clouds", 4)
    other = requests(world / "grasps", "unseen_phrasings", 4)
    assert [r.turns for r in whole] == [r.turns for r in partial]
    assert [r.held.key for r in whole] == [r.held.key for r in other]
    assert all(one.turns != two.turns for one, two in zip(whole, other, strict=True))
    assert {r.key for r in whole}.isdisjoint(r.key for r in partial)


def test_the_first_requests_are_the_same_whatever_the_limit(world: Path):
    few, many = (requests(world / "grasps", "unseen_families", n) for n in (1, 4))
    assert len(few) == 1
    assert few[0].key == many[0].key


def test_agreement_asks_for_fingers_only_where_the_words_fix_the_manner(world: Path):
    part_only, both = requests(world / "grasps", "unseen_families", 2)
    thumb_alone = [both.grasp.part, *[""] * 5]
    assert agrees(part_only, [part_only.grasp.part, *[""] * 5]).agrees
    assert not agrees(both, thumb_alone).agrees
    assert agrees(both, both.grasp.touches).agrees


def test_a_far_hand_penetrates_nothing_and_drops_the_object(world: Path):
    grasp = held_grasps(world / "grasps", "unseen_families")[0].grasp
    pose = [torch.from_numpy(a)[None] for a in (grasp.wrist, grasp.joint_rotations, grasp.shape)]
    far = load_hand()(*pose).vertices[0].numpy() + 2.0
    found = measure(load_hand(), far, thing_of(grasp.family, grasp.instance), simulate=True)
    assert found["pd_cm"] == found["siv_cm3"] == 0
    assert found["touches"] == [""] * 6
    assert found["sd_cm"] == pytest.approx(10.72, abs=0.02)


def test_training_set_is_of_the_training_split_in_the_networks_frame(world: Path, monkeypatch):
    monkeypatch.setattr("examination.semgrasp.answers.EPOCHS", 12)  # few grasps, so that each look comes up
    data = load_split(world / "grasps", "train", world / "clouds", views=2)
    learned = training_set(token_model(), data)
    assert len(learned.things.tokens) == 3 * len(data.objects)
    assert learned.tokens.shape == (len(learned), 3)
    # A whole object is centred up to sampling, so its hands stay where they were.
    whole = learned.owner < len(data.objects)
    true = torch.stack([torch.from_numpy(grasp.wrist) for grasp in data.grasps])
    apart = torch.cdist(learned.poses.wrist[whole][:, :3, 3], true[:, :3, 3]).amin(dim=1)
    assert whole.any()
    assert apart.max() < 0.004


def capgrasp_tree(folder: Path) -> Path:
    """One captioned grasp of the test split, of a ball of 8 cm beside the hand's wrist."""
    shape, name = folder / "shape", "A01001"
    grasp = shape / "oakink_shape_v2" / "ball" / name / "0a1b2c3d4e"
    grasp.mkdir(parents=True)
    hand = {"pose": np.zeros(48, np.float32), "shape": np.zeros(10, np.float32)}
    (grasp / "hand_param.pkl").write_bytes(pickle.dumps(hand | {"tsl": np.float32([-0.05, 0.0, 0.05])}))
    (grasp / "0_simple_caption.json").write_text(json.dumps([{"from": "human", "value": "Hold the ball."}]))
    (shape / "metaV2").mkdir()
    (shape / "metaV2/object_id.json").write_text(json.dumps({name: {"name": "ball"}}))
    mesh = shape / "OakInkObjectsV2/ball/align/ball.obj"
    mesh.parent.mkdir(parents=True)
    trimesh.creation.icosphere(3, 0.04).apply_translation([1.0, 0.0, 0.0]).export(mesh)
    return folder


def test_capgrasp_is_measured_where_it_is(world: Path, tmp_path: Path):
    mano = tmp_path / "MANO_RIGHT.pkl"
    mano.write_bytes(dumped(content()))
    tree = capgrasp_tree(tmp_path / "oakink")
    more = (
        "--only",
        "capgrasp",
        "--capgrasp",
        str(tree),
        "--mano",
        str(mano),
        "--table",
        str(tmp_path / "t.md"),
    )
    assert main([*arguments(world, *more), f"--output={tmp_path}"]) == 0
    found = rows(tmp_path / "capgrasp.json")
    assert found["mpvpe_mm", "ours"]["n"] == found["siv_cm3", "ground_truth"]["n"] == 1
    assert found["mpvpe_mm", "paper"]["value"] == 14.97
    assert "## CapGrasp" in (tmp_path / "t.md").read_text()


def test_a_folder_that_is_no_capgrasp_is_an_error_of_one_line(world: Path, tmp_path: Path, capsys):
    mano = tmp_path / "MANO_RIGHT.pkl"
    mano.write_bytes(dumped(content()))
    more = ("--only", "capgrasp", "--capgrasp", str(tmp_path), "--mano", str(mano))
    assert main(arguments(world, *more)) == 2
    assert "oakink_shape_v2" in capsys.readouterr().err


def test_kept_entries_survive_a_run_that_was_cut_off(tmp_path: Path):
    kept = Kept(tmp_path / "a/kept.jsonl")
    kept.add("x", {"pd_cm": 1.0})
    with kept.file.open("a") as stream:
        stream.write('{"key": "y", "pd')
    again = Kept(kept.file)
    assert "x" in again
    assert "y" not in again
    again.add("y", {"pd_cm": 2.0})
    assert Kept(kept.file)["y"] == {"pd_cm": 2.0}
    assert Kept(kept.file)["x"] == {"pd_cm": 1.0}


def test_other_grasps_to_learn_from_have_another_fingerprint(world: Path, tmp_path: Path):
    store = GraspFolder(tmp_path)
    store.write("mug", 1, [])
    one = fingerprint(tmp_path)
    store.write("mug", 2, [])
    assert one != fingerprint(tmp_path)


def test_a_table_of_nothing_is_a_table(tmp_path: Path):
    write_table(tmp_path, tmp_path / "docs/empty.md")
    assert (tmp_path / "docs/empty.md").read_text().startswith("# SemGrasp")
