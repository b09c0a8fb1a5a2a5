"""Result files become tables, and goals are judged."""

import json

import pytest

from benchmarks.goals import GOALS, Goal, goal_of
from benchmarks.table import BEGIN, headline, publish


def row(metric: str, value: float | None, method: str = "ours", split: str = "640x480") -> dict:
    return {
        "metric": metric,
        "split": split,
        "method": method,
        "value": value,
        "n": 7,
        "low": 0.9,
        "high": 1234.5,
    }


def content(*rows: dict) -> dict:
    return {
        "command": "python -m benchmarks.perception --frames 3", "commit": "abc", "device": "CPU", "seed": 0, "seconds": 1.2,
        "load_average": {"before": 0.1, "after": 1.5}, "cores": 2, "rows": list(rows),
    }  # fmt: skip


@pytest.fixture
def page(tmp_path):
    (tmp_path / "docs").mkdir()
    file = tmp_path / "docs" / "bench.md"
    file.write_text(f"# Speed\n\nby hand\n\n{BEGIN}\nold\n")
    (tmp_path / "out").mkdir()
    return file


def test_tables_follow_the_text_and_results_lie_beside_it(page, tmp_path) -> None:
    rows = (row("heatmap_ratio", 1.2, "ours_to_bare_network"), row("heatmap_milliseconds", 1234.5))
    (tmp_path / "out/perception.json").write_text(json.dumps(content(*rows)))
    publish(tmp_path / "out", page)
    text = page.read_text()
    assert text.startswith("# Speed\n\nby hand\n") and "old" not in text
    assert "| heatmap ratio | 640x480 | at most 1.25 | 1.2 [0.9, 1234] n 7 | met |" in text
    assert "| heatmap milliseconds | 640x480 | ours | 1234 [0.9, 1234] n 7 |" in text
    assert "load 0.1 before and 1.5 after on 2 cores" in text
    assert (page.parent / "results/bench/perception.json").is_file()


def test_results_that_were_not_measured_again_stay(page, tmp_path) -> None:
    for name in ("store", "training"):
        (tmp_path / f"out/{name}.json").write_text(json.dumps(content(row(f"{name}_ratio", 1.0))))
    publish(tmp_path / "out", page)
    (tmp_path / "out/store.json").unlink()
    publish(tmp_path / "out", page)
    assert "store ratio" in page.read_text() and "training ratio" in page.read_text()


def test_a_page_without_a_place_for_tables_is_refused(page, tmp_path) -> None:
    page.write_text("# Speed\n")
    with pytest.raises(ValueError, match="has no line"):
        publish(tmp_path / "out", page)
    assert page.read_text() == "# Speed\n"


def test_a_missed_goal_and_a_missing_number_are_seen(page, tmp_path) -> None:
    rows = (
        row("training_steps_per_second_ratio", 0.89, "ours_to_bare_step"),
        row("heatmap_ratio", None, "ours_to_bare_network"),
    )
    (tmp_path / "out/training.json").write_text(json.dumps(content(*rows)))
    publish(tmp_path / "out", page)
    assert page.read_text().count("**missed**") == 2
    assert "| - |" in page.read_text()


def test_goals_have_one_limit_and_know_their_rows() -> None:
    for goal in GOALS:
        assert (goal.most is None) != (goal.least is None)
    assert goal_of(row("heatmap_ratio", 1.0, "ours_to_core_without_ros")) is None
    assert goal_of(row("ik_reached", 1.0, "mink, 20 restarts")) is None
    assert goal_of(row("ik_reached", 1.0)).met(0.995)
    least = Goal("x", least=0.9)
    assert least.met(0.9) and not least.met(0.8999) and not least.met(None)


def test_the_headline_is_the_ratios(tmp_path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(content(row("a_ratio", 2.0), row("a_milliseconds", 5.0))))
    assert headline(file) == ["a ratio, 640x480, ours: 2 [0.9, 1234] n 7"]
