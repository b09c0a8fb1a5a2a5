"""The committed reference and drawings are what the code gives."""

import re
from pathlib import Path

import pytest

from documentation.__main__ import differences
from documentation.drawings import ARROWS, BOXES, draw
from documentation.interfaces import read_interface, read_interfaces
from documentation.nodes import executables
from documentation.options import read_options
from documentation.reference import reference_pages
from test.docs.pages import ROOT
from test.rig import HIGHEST_DOMAIN


@pytest.fixture(scope="module")
def pages():
    import os

    os.environ["ROS_DOMAIN_ID"] = str(int(os.environ["ROS_DOMAIN_ID"]) % HIGHEST_DOMAIN + 1)
    return reference_pages(ROOT)


def test_the_reference_is_what_the_nodes_give(pages):
    assert not differences(pages)


def test_every_executable_has_a_page(pages):
    assert {f"nodes/{name}.md" for name in executables(ROOT)} <= set(pages)


def test_endpoints_of_a_started_node_are_there(pages):
    page = pages["nodes/perception.md"]
    assert "| `perception/heatmap` | `sensor_msgs/Image` | reliable, depth 10 |" in page
    assert "[SetGoal](../services.md#setgoal)" in page
    assert re.search(r"\| `depth_radius_px` \| `4` \| 0 to 100 \| yes \|", page)


def test_every_interface_is_read_whole():
    found = {(each.kind, each.name): each for each in read_interfaces(ROOT)}
    files = [file for kind in ("msg", "srv", "action") for file in (ROOT / kind).iterdir()]
    assert len(found) == len(files)
    for file in files:
        fields = sum(len(fields) for fields in found[file.suffix[1:], file.stem].sections.values())
        lines = [line for line in file.read_text().splitlines() if line and line[0] not in "#-"]
        assert fields == len(lines), file.name


def test_a_line_that_is_no_field_is_named(tmp_path: Path):
    file = tmp_path / "Wrong.msg"
    file.write_text("# Something.\nfloat32 without_comment\n")
    with pytest.raises(ValueError, match=r"Wrong\.msg:2: expected `type name  # comment`"):
        read_interface(file)


def test_options_have_texts_and_limits():
    rows = {(facts.name, row.name): row for facts in read_options() for row in facts.rows}
    assert rows["EncoderConfig", "backbone"].text and rows["AugmentationConfig", "flip"].default == "True"
    assert all(row.text for row in rows.values())


def test_the_drawing_is_up_to_date_and_names_what_there_is(pages):
    assert (ROOT / "docs/images/architecture.svg").read_text() == draw(BOXES, ARROWS)
    named = {
        word
        for arrow in ARROWS
        for line in arrow.text
        for word in re.findall(r"\w+/\w+|\w+_grasp|\w+_object", line)
    }
    known = set(re.findall(r"`([\w/]+)`", pages["topics.md"]))
    assert len(named) > 10 and named <= known
    assert {box.title for box in BOXES} >= {"capture", "trainer", "perception", "grasping", "semgrasp"}
