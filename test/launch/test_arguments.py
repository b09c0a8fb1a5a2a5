"""Arguments: described, with choices that agree with what they stand for, and none without effect."""

import pytest

from grasp_node_kit.bringup.arguments import ROBOTS, SOURCES
from grasp_node_kit.bringup.launches import LAUNCHES
from test.launch.helpers import ROOT, plan

# A value that is not the default, for arguments without choices.
OTHER = {
    "namespace": "robot7",
    "input_depth": "4",
    "base_frame": "other_base",
    "camera_pose": "1 2 3 0 0 0 1",
    "robot_id": "seven",
    "store": "elsewhere/store",
    "checkpoints": "elsewhere/checkpoints",
    "model": "my_model",
    "hand": "MANO_RIGHT.pkl",
    "objects_dir": "meshes",
    "seed": "5",
    "bag": "some_bag",
    "bag_namespace": "robot9",
    "bag_topics": "one two",
    "rate": "0.5",
    "start_offset": "2.5",
    "robots": "a,b,c",
}
# What must be given with an argument so that it matters.
WITH = {
    "camera_pose": {"source": "realsense"},
    "camera_frame": {"source": "realsense", "camera_pose": "0 0 1 0 0 0 1"},
    "rviz_config": {"rviz": "true"},
    "clock": {"source": "cell"},
    "hand_keypoints": {"teleop": "true"},
    **dict.fromkeys(("scene_image", "held_image", "joint_states"), {"source": "cell"}),
    **dict.fromkeys(("split", "regime", "objects_dir", "seed"), {"source": "cell"}),
}
ALL = [(name, argument) for name, launch in LAUNCHES.items() for argument in launch.arguments]


@pytest.fixture
def files(tmp_path):
    parameters, view = tmp_path / "my.yaml", tmp_path / "my.rviz"
    parameters.write_text("/**: {ros__parameters: {held_views: 2}}\n")
    view.write_text("Panels: []\n")
    return {"params_file": str(parameters), "rviz_config": str(view)}


@pytest.mark.parametrize("launch", LAUNCHES)
def test_arguments_are_described_and_declared_once(launch):
    arguments = LAUNCHES[launch].arguments
    assert len({each.name for each in arguments}) == len(arguments)
    for each in arguments:
        assert each.description.endswith(".") and len(each.description) < 130, each.name
        assert not each.choices or each.default in each.choices, each.name


@pytest.mark.parametrize(("launch", "argument"), ALL, ids=[f"{n}-{each.name}" for n, each in ALL])
def test_every_argument_and_choice_is_taken_and_matters(launch, argument, files):
    known = {each.name for each in LAUNCHES[launch].arguments}
    company = {name: value for name, value in WITH.get(argument.name, {}).items() if name in known}
    if argument.name in ("rviz", "rviz_config"):
        company |= {"rviz_config": files["rviz_config"]}
    other = files | OTHER
    values = argument.choices or (other.get(argument.name, f"other/{argument.name}"),)
    usual = dict(company)
    usual.pop(argument.name, None)
    if argument.name == "rviz_config":
        usual["rviz"] = "false"
    before = plan(launch, **usual)
    after = [plan(launch, **company | {argument.name: value}) for value in values]
    assert any(each != before for each in after), f"{launch}: {argument.name} has no effect"


def test_choices_are_the_presets_that_there_are():
    for folder, choices in (("sources", SOURCES), ("robots", ROBOTS)):
        assert {file.stem for file in (ROOT / "config/presets" / folder).glob("*")} == set(choices)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"namespace": "robot 1"}, "namespace: 'robot 1'"),
        ({"namespace": "/"}, "namespace: '/'"),
        ({"scene_image": "camera image"}, "scene_image: 'camera image'"),
        ({"input_depth": "0"}, "input_depth: '0'"),
        ({"input_depth": "many"}, "input_depth: 'many'"),
        ({"camera_pose": "1 2 3"}, "camera_pose: '1 2 3'"),
        ({"camera_pose": "1 2 3 1 1 0 0"}, "length 1"),
        ({"camera_pose": "nan 2 3 0 0 0 1"}, "camera_pose"),
        ({"camera_pose": "1 2 3 0 0 0 1"}, "camera_frame"),
        ({"params_file": "nowhere.yaml"}, "params_file: there is no file /"),
        ({"rviz": "true", "rviz_config": "nowhere.rviz"}, "rviz_config: there is no file /"),
        ({"source": "cell", "seed": "-1"}, "seed: '-1'"),
    ],
)
def test_a_wrong_argument_is_named(given, named):
    with pytest.raises(ValueError, match=named.replace("(", "\\(")):
        plan("bringup", **given)


@pytest.mark.parametrize("robots", ["", "a,,b", "a,a", "a b"])
def test_robots_need_names_of_their_own(robots):
    with pytest.raises(ValueError, match="robots: "):
        plan("several_robots", robots=robots)


@pytest.mark.parametrize(
    "given", [{"rate": "0"}, {"rate": "inf"}, {"start_offset": "-1"}, {"bag_namespace": "a b"}]
)
def test_a_wrong_argument_of_a_replay_is_named(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        plan("replay", **given)
