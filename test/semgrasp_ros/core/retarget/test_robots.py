import shutil

import numpy as np
import pytest
import yaml

from semgrasp_ros.__main__ import main
from semgrasp_ros.core.retarget.robot_check import check_robot
from semgrasp_ros.core.retarget.robot_model import build_model, find_shipped, urdf_text
from semgrasp_ros.core.retarget.robots import (
    HandGripper,
    ParallelGripper,
    RobotError,
    load_robot,
    robot_file,
    robot_names,
)


def change(content: dict, path: str, value: object) -> None:
    *groups, last = path.split(".")
    for group in groups:
        content = content[group]
    if value is None:
        del content[last]
    else:
        content[last] = value


@pytest.fixture
def broken(tmp_path):
    """Writes a shipped robot's file with one field changed, or left out when the value is None."""

    def write(robot: str, path: str, value: object):
        content = yaml.safe_load(robot_file(robot).read_text())
        change(content, path, value)
        file = tmp_path / "robot.yaml"
        file.write_text(yaml.safe_dump(content))
        return file

    return write


def test_three_robots_ship():
    assert robot_names() == ["panda", "panda_allegro", "ur5_jaw85"]


@pytest.mark.parametrize("name", robot_names())
def test_shipped_robots_are_right(name):
    assert check_robot(robot_file(name)) == []
    assert load_robot(name).name == name


def test_kinds_of_grippers():
    assert isinstance(load_robot("panda").gripper, ParallelGripper)
    assert load_robot("ur5_jaw85").gripper.opening_max_m == 0.085
    hand = load_robot("panda_allegro").gripper
    assert isinstance(hand, HandGripper) and len(hand.joints) == 16 and set(hand.tips) == set(hand.fingers)


def test_the_allegro_hand_replaces_the_gripper():
    model = build_model(load_robot("panda_allegro"))
    assert not model.existFrame("panda_hand") and not model.existFrame("panda_leftfinger")
    assert model.nq == 7 + 16


def test_limits_of_the_file_override_the_urdfs(broken):
    model = build_model(load_robot(broken("panda", "arm.limits_rad", {"panda_joint1": [-1.0, 1.5]})))
    assert (model.lowerPositionLimit[0], model.upperPositionLimit[0]) == (-1.0, 1.5)
    model = build_model(load_robot(broken("panda", "arm.velocity_rad_s", {"panda_joint2": 0.5})))
    assert model.velocityLimit[1] == 0.5


@pytest.mark.parametrize("name", ["panda", "ur5_jaw85"])
def test_fingers_move_along_the_tools_x_and_the_pads_lie_at_its_origin(name):
    import pinocchio

    robot = load_robot(name)
    model = build_model(robot)
    data = model.createData()
    q = pinocchio.neutral(model)
    for joint in robot.gripper.joints:
        q[model.joints[model.getJointId(joint)].idx_q] = robot.gripper.opening_max_m / 2
    pinocchio.framesForwardKinematics(model, data, q)
    tool = data.oMf[model.getFrameId("semgrasp_tool")]
    places = [tool.actInv(data.oMi[model.getJointId(joint)]).translation for joint in robot.gripper.joints]
    apart = np.abs(places[0] - places[1])
    assert apart == pytest.approx([robot.gripper.opening_max_m, 0, 0], abs=1e-6)
    assert sum(places)[:2] == pytest.approx([0, 0], abs=1e-6) and places[0][2] < 0


@pytest.mark.parametrize(
    ("robot", "path", "value", "said"),
    [
        ("panda", "colour", "red", "colour: is unknown; use"),
        ("panda", "arm.joint", [], "arm.joint: is unknown"),
        ("panda", "base_frame", None, "base_frame: is missing"),
        ("panda", "gripper.opening_max_m", None, "gripper.opening_max_m: is missing"),
        ("panda", "arm.home_rad", "zero", "arm.home_rad: 'zero' is no list"),
        ("panda", "arm.home_rad", [0, 0, 0, "x", 0, 2, 0], "arm.home_rad[3]: 'x' is no finite number"),
        (
            "panda",
            "arm.home_rad",
            [0, 0, 0, float("nan"), 0, 2, 0],
            "arm.home_rad[3]: nan is no finite number",
        ),
        ("panda", "arm.home_rad", [0.0, 0.0], "arm.home_rad: has 2 values for 7 joints"),
        ("panda", "arm.home_rad", [0, 0, 0, 1.0, 0, 2, 0], "arm.home_rad[3]: 1 of panda_joint4 is outside"),
        ("panda", "arm.acceleration_rad_s2", [1, 1, 1, 1, 1, 1, 0], "arm.acceleration_rad_s2[6]: 0.0 is not"),
        ("panda", "arm.joints", ["panda_joint9"] * 7, "arm.joints[0]: the URDF has no movable joint"),
        ("panda", "arm.limits_rad", {"panda_joint1": [1, -1]}, "panda_joint1: [1, -1] is reversed"),
        ("panda", "arm.limits_rad", {"panda_joint1": [1]}, "arm.limits_rad.panda_joint1: [1] has 1 entries"),
        ("panda", "arm.limits_rad", {"elbow": [0, 1]}, "arm.limits_rad.elbow: is no arm joint"),
        (
            "panda",
            "arm.velocity_rad_s",
            {"panda_joint1": 0},
            "arm.velocity_rad_s.panda_joint1: 0 is no speed",
        ),
        ("panda", "arm.without", ["panda_foot"], "arm.urdf: panda.urdf has no link 'panda_foot'"),
        ("panda", "arm.urdf", "nowhere.urdf", "arm.urdf: 'nowhere.urdf' is not there; looked for"),
        ("panda", "arm.urdf", "example-robot-data/none.urdf", "is the wheel example-robot-data installed?"),
        ("panda", "arm", 3, "arm: 3 is no mapping"),
        ("panda", "base_frame", "panda_link3", "base_frame: 'panda_link3' moves with a joint"),
        ("panda", "base_frame", "floor", "base_frame: the URDF has no frame 'floor'"),
        ("panda", "tool.frame", "pen", "tool.frame: the URDF has no frame 'pen'"),
        ("panda", "tool.frame", "panda_link5", "arm.joints[5]: 'panda_joint6' does not move 'panda_link5'"),
        ("panda", "tool.rpy_rad", [0, 0], "tool.rpy_rad: [0, 0] has 2 entries; give 3"),
        ("panda", "gripper.kind", "suction", "gripper.kind: 'suction' is unknown; use one of parallel, hand"),
        ("panda", "gripper.opening_max_m", 80, "gripper.opening_max_m: 80 is not twice the travel"),
        ("panda", "gripper.opening_min_m", 0.1, "gripper.opening_min_m: 0.1 to 0.08 is reversed"),
        ("panda", "gripper.finger_width_m", 22, "gripper.finger_width_m: 22 is outside 0 to 1"),
        ("panda", "gripper.beyond_tool_m", 0.2, "gripper.beyond_tool_m: 0.2 is outside"),
        (
            "panda",
            "gripper.joints",
            ["panda_joint1", "panda_finger_joint2"],
            "'panda_joint1' is an arm joint",
        ),
        ("panda", "collision_excludes", [["panda_hand", "x"]], "collision_excludes[0]: the URDF has no link"),
        ("ur5_jaw85", "attach.mount_frame", "flange", "attach.mount_frame: the URDF has no frame 'flange'"),
        ("ur5_jaw85", "attach.urdf", 7, "attach.urdf: 7 is no text"),
        ("panda_allegro", "gripper.palm_frame", "x", "gripper.palm_frame: the URDF has no frame 'x'"),
        ("panda_allegro", "gripper.tips.thumb", "x", "gripper.tips.thumb: the URDF has no frame 'x'"),
        ("panda_allegro", "gripper.tips.thumb", None, "gripper.tips: "),
        ("panda_allegro", "gripper.fingers.index", ["x"], "gripper.fingers.index[0]: the URDF has no"),
        (
            "panda_allegro",
            "gripper.fingers.thumb",
            None,
            "gripper.fingers: 'index, middle, ring' cannot grasp",
        ),
        ("panda_allegro", "gripper.open_rad", {}, "gripper.open_rad: "),
        (
            "panda_allegro",
            "gripper.pinch.fingers",
            ["thumb"],
            "gripper.pinch.fingers: 'thumb' cannot be against",
        ),
        ("panda_allegro", "gripper.pinch.fingers", [], "gripper.pinch.fingers: is empty"),
        ("panda_allegro", "gripper.pinch.width_max_m", 90.0, "gripper.pinch.width_max_m: 90 is outside"),
        ("panda_allegro", "gripper.pinch.wrap.deeper_m", 12.0, "gripper.pinch.wrap.deeper_m: 12 is outside"),
        ("panda_allegro", "gripper.pinch.wrap.curl_rad", {}, "gripper.pinch.wrap.curl_rad: is empty"),
        ("panda_allegro", "gripper.pinch.wrap.curl_rad", {"x": 1.0}, "curl_rad: 'x' is no joint of"),
        (
            "panda_allegro",
            "gripper.pinch.wrap.curl_rad",
            {"joint_1.0": 60.0},
            "curl_rad.joint_1.0: 60 is not within",
        ),
    ],
)
def test_every_mistake_is_named(broken, robot, path, value, said):
    file = broken(robot, path, value)
    found = check_robot(file)
    assert any(said in problem for problem in found), found
    assert all(problem.startswith(str(file)) for problem in found)
    with pytest.raises(RobotError):
        load_robot(file)


def test_files_that_are_no_robots(tmp_path):
    file = tmp_path / "robot.yaml"
    assert "cannot be read" in check_robot(file)[0]
    file.write_text("a: [")
    assert "is no YAML" in check_robot(file)[0]
    file.write_text("- 1")
    assert "is no mapping" in check_robot(file)[0]
    with pytest.raises(RobotError, match="'r2d2' is unknown; use one of panda"):
        load_robot("r2d2")


def test_a_urdf_may_lie_beside_its_yaml(broken, tmp_path):
    file = broken("ur5_jaw85", "attach.urdf", "mine.urdf")
    assert "attach.urdf" in check_robot(file)[0]
    shutil.copy(find_shipped("urdf", "jaw85.urdf"), tmp_path / "mine.urdf")
    assert check_robot(file) == []
    (tmp_path / "mine.urdf").write_text("<robot")
    assert "mine.urdf is no XML" in check_robot(file)[0]


def test_two_urdfs_with_the_same_names_are_refused(broken):
    panda = "example-robot-data/robots/panda_description/urdf/panda.urdf"
    file = broken("panda", "attach", {"urdf": panda, "mount_frame": "panda_link8"})
    assert "has frames of the arm's names" in check_robot(file)[0]


def test_links_are_left_out_with_all_that_hangs_on_them():
    text = urdf_text(find_shipped("urdf", "jaw85.urdf"), ("jaw_left_finger",))
    assert 'jaw_left_joint"' not in text.replace('mimic joint="jaw_left_joint"', "") and "jaw_tcp" in text


def test_the_command_says_what_is_wrong(broken, capsys):
    assert main(["check-robot", "panda", "ur5_jaw85"]) == 0
    assert "parallel gripper: 0 to 85 mm" in capsys.readouterr().out
    file = broken("panda", "base_frame", "floor")
    assert main(["check-robot", str(file)]) == 2
    assert f"{file}: base_frame: the URDF has no frame 'floor'" in capsys.readouterr().err
