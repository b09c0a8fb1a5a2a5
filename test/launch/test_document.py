"""The page about launch files is the one that the tables give."""

from grasp_node_kit.bringup.document import page
from grasp_node_kit.bringup.launches import LAUNCHES
from test.launch.helpers import ROOT


def test_the_page_is_up_to_date():
    assert (ROOT / "docs/launch.md").read_text() == page(ROOT), "run `python -m grasp_node_kit.bringup`"


def test_the_page_has_every_file_and_argument():
    text = page(ROOT)
    for name, launch in LAUNCHES.items():
        assert f"| `{name}.launch.py` |" in text
        assert all(f"| `{argument.name}` |" in text for argument in launch.arguments)
