"""The launch files themselves; where `launch` is installed they are loaded, with every argument."""

import importlib.util

import pytest

from grasp_node_kit.bringup.launches import LAUNCHES
from grasp_node_kit.bringup.plan import NodePlan
from test.launch.helpers import ROOT, plan, setting
from test.launch.test_arguments import OTHER, WITH

# Arguments that name a file of the operator's: test_arguments gives them one.
FILES_GIVEN = ("params_file", "rviz", "rviz_config")
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
needs_launch = pytest.mark.skipif(
    importlib.util.find_spec("launch_ros") is None,
    reason="`launch` comes with a ROS installation, not from PyPI",
)


def description(name: str):
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    return get_launch_description_from_python_launch_file(str(ROOT / f"launch/{name}.launch.py"))


def actions_of(name: str, **given: str) -> list:
    """What the file's last entity gives for arguments, without starting it."""
    from launch import LaunchContext

    context = LaunchContext()
    context.launch_configurations.update(setting(name, **given).given)
    return description(name).entities[-1].visit(context)


@pytest.mark.parametrize("name", LAUNCHES)
def test_each_launch_has_its_file_and_says_what_it_starts(name):
    text = (ROOT / f"launch/{name}.launch.py").read_text()
    assert text.startswith(f'"""{LAUNCHES[name].summary}\n')


@needs_launch
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_file_loads_and_describes_its_arguments(file):
    arguments = description(file.name.removesuffix(".launch.py")).get_launch_arguments()
    assert all(argument.description for argument in arguments)


@needs_launch
@pytest.mark.parametrize("name", LAUNCHES)
def test_a_file_has_the_arguments_with_their_choices(name):
    from launch.utilities import perform_substitutions

    from launch import LaunchContext

    declared = {each.name: each for each in description(name).get_launch_arguments()}
    assert set(declared) == {each.name for each in LAUNCHES[name].arguments}
    for each in LAUNCHES[name].arguments:
        found = declared[each.name]
        default = found.default_value and perform_substitutions(LaunchContext(), found.default_value)
        assert (default or None) == (each.default or None)
        assert tuple(found.choices or ()) == each.choices


@needs_launch
@pytest.mark.parametrize("name", LAUNCHES)
def test_a_file_takes_every_argument(name):
    for argument in LAUNCHES[name].arguments:
        for value in argument.choices or (OTHER.get(argument.name, f"other/{argument.name}"),):
            given = WITH.get(argument.name, {}) | {argument.name: value}
            known = {each.name for each in LAUNCHES[name].arguments}
            given = {key: each for key, each in given.items() if key in known and key not in FILES_GIVEN}
            planned, made = plan(name, **given), actions_of(name, **given)
            assert len(made) == len(planned), given
            for each, action in zip(planned, made, strict=True):
                if isinstance(each, NodePlan):
                    assert (action.node_package, action.node_executable) == (each.package, each.executable)


@needs_launch
def test_an_argument_that_is_wrong_ends_the_launch_with_its_name():
    with pytest.raises(ValueError, match="camera_pose"):
        actions_of("bringup", camera_pose="here")


@needs_launch
def test_several_robots_do_not_share_their_arguments():
    from launch.actions import GroupAction

    groups = actions_of("several_robots", robots="a,b")
    assert len(groups) == 2 and all(isinstance(group, GroupAction) for group in groups)
