"""The robot's xacro: the same arm as everywhere else in the package, and fit for a physics engine."""

import shutil
import subprocess

import numpy as np
import pinocchio
import pytest

from grasp_cell.arm import ARM_JOINTS, FINGER_JOINTS
from grasp_cell.config import CellConfig
from grasp_cell.scene import PRESENTED_M, make_cameras
from semgrasp_ros.core.retarget.robot_model import build_model, frame_names
from semgrasp_ros.core.retarget.robots import load_robot
from test.gazebo import files

FRAMES = [*(f"panda_link{i}" for i in range(9)), "panda_hand", "panda_hand_tcp", "panda_leftfinger", "panda_rightfinger"]  # fmt: skip


@pytest.fixture(scope="module")
def ours():
    return pinocchio.buildModelFromXML(files.urdf())


def positions(model, named: dict[str, float]) -> np.ndarray:
    q = pinocchio.neutral(model)
    for name, value in named.items():
        q[model.joints[model.getJointId(name)].idx_q] = value
    return q


def test_forward_kinematics_are_those_of_the_robot_that_grasps_are_planned_for(ours):
    planned = build_model(load_robot("panda"))
    rng = np.random.default_rng(0)
    for _ in range(50):
        named = {}
        for name in (*ARM_JOINTS, *FINGER_JOINTS):
            index = planned.joints[planned.getJointId(name)].idx_q
            low, high = planned.lowerPositionLimit[index], planned.upperPositionLimit[index]
            named[name] = rng.uniform(low, high)
        placements = []
        for model in (ours, planned):
            data = model.createData()
            pinocchio.framesForwardKinematics(model, data, positions(model, named))
            placements.append([data.oMf[model.getFrameId(name)].homogeneous for name in FRAMES])
        assert np.abs(np.array(placements[0]) - placements[1]).max() < 1e-9


def test_limits_are_those_of_the_robot_that_grasps_are_planned_for(ours):
    planned = build_model(load_robot("panda"))
    for name in (*ARM_JOINTS, *FINGER_JOINTS):
        limits = []
        for model in (ours, planned):
            joint = model.joints[model.getJointId(name)]
            limits.append(
                [
                    model.lowerPositionLimit[joint.idx_q],
                    model.upperPositionLimit[joint.idx_q],
                    model.velocityLimit[joint.idx_v],
                ]
            )
        np.testing.assert_allclose(limits[0], limits[1], err_msg=name)


def test_the_arm_starts_at_rest_before_the_held_camera(ours):
    start = {
        joint.get("name"): float(joint.findtext("state_interface/param[@name='initial_value']"))
        for joint in files.robot().find("ros2_control").findall("joint")
    }
    assert set(start) == {*ARM_JOINTS, *FINGER_JOINTS}
    data = ours.createData()
    pinocchio.framesForwardKinematics(ours, data, positions(ours, start))
    tool = data.oMf[ours.getFrameId("panda_hand_tcp")]
    np.testing.assert_allclose(tool.translation, PRESENTED_M, atol=1e-3)
    np.testing.assert_allclose(tool.rotation, np.diag([-1.0, 1.0, -1.0]), atol=1e-3)


def test_masses_and_inertias_are_those_of_bodies(ours):
    links = [link for link in files.robot().findall("link") if link.find("inertial") is not None]
    assert {link.get("name") for link in links} == set(FRAMES) - {"panda_link8", "panda_hand_tcp"}
    masses = {}
    for link in links:
        inertial = link.find("inertial")
        masses[link.get("name")] = float(inertial.find("mass").get("value"))
        assert files.is_of_a_body(files.tensor(inertial.find("inertia"))), link.get("name")
    assert 15 < sum(masses.values()) < 20  # the arm weighs about 18 kg
    assert 0.5 < sum(masses[name] for name in ("panda_hand", "panda_leftfinger", "panda_rightfinger")) < 1.0


@pytest.mark.parametrize("camera", ["scene", "held", "overview"])
def test_cameras_are_the_embedded_cells(camera, ours):
    expected = make_cameras(CellConfig())[camera]
    data = ours.createData()
    pinocchio.framesForwardKinematics(ours, data, pinocchio.neutral(ours))
    pose = data.oMf[ours.getFrameId(f"{camera}_camera")].homogeneous
    np.testing.assert_allclose(pose, expected.base_from_camera, atol=1e-9)
    sensor = files.sensors(files.robot())[f"{camera}_camera"].find("camera")
    width, height = (int(sensor.findtext(f"image/{side}")) for side in ("width", "height"))
    assert (width, height) == (expected.width, expected.height)
    # Gazebo's focal length from its horizontal angle, in both directions.
    focal = width / 2 / np.tan(float(sensor.findtext("horizontal_fov")) / 2)
    assert focal == pytest.approx(expected.intrinsics[0, 0]) == pytest.approx(expected.intrinsics[1, 1])


def test_the_wrist_camera_sees_the_fingertips_and_moves_with_the_hand(ours):
    data = ours.createData()
    for angle in (0.0, 1.0):
        pinocchio.framesForwardKinematics(ours, data, positions(ours, {"panda_joint7": angle}))
        camera = data.oMf[ours.getFrameId("wrist_camera")]
        seen = camera.actInv(data.oMf[ours.getFrameId("panda_hand_tcp")].translation)
        assert seen[2] > 0.05 and np.abs(seen[:2]).max() < seen[2] * np.tan(np.radians(30))


@pytest.mark.parametrize("hardware", ["true", "false"])
def test_hardware_is_switched_and_all_else_stays(hardware):
    root = files.robot(use_gazebo=hardware)
    plugin = {"true": "gz_ros2_control/GazeboSimSystem", "false": "mock_components/GenericSystem"}[hardware]
    assert [each.text for each in root.findall("ros2_control/hardware/plugin")] == [plugin]
    assert bool(files.sensors(root)) == bool(list(root.iter("parameters"))) == (hardware == "true")
    assert {link.get("name") for link in root.findall("link")} == {
        link.get("name") for link in files.robot().findall("link")
    }


def test_a_robot_of_its_own_stands_where_it_is_put_in_its_own_namespace():
    root = files.robot(namespace="left", x="1.5", yaw="0.5", controllers_file="/etc/own.yaml")
    plugin = root.find("gazebo/plugin")
    assert plugin.findtext("ros/namespace") == "/left" and plugin.findtext("parameters") == "/etc/own.yaml"
    for name, sensor in files.sensors(root).items():
        assert sensor.findtext("topic").startswith("left/")
        assert (
            sensor.findtext("camera/camera_info_topic") == f"left/{name.removesuffix('_camera')}/camera_info"
        )
        assert sensor.findtext("gz_frame_id") == name  # TF is in the namespace: frames keep their names
    model = pinocchio.buildModelFromXML(files.urdf(namespace="left", x="1.5", yaw="0.5"))
    data = model.createData()
    pinocchio.framesForwardKinematics(model, data, pinocchio.neutral(model))
    base = data.oMf[model.getFrameId("panda_link0")]
    np.testing.assert_allclose(base.homogeneous[:2], [[np.cos(0.5), -np.sin(0.5), 0, 1.5], [np.sin(0.5), np.cos(0.5), 0, 0]], atol=1e-9)  # fmt: skip
    assert files.robot().find("gazebo/plugin/ros") is None


def test_cameras_for_people_can_be_left_out():
    assert set(files.sensors(files.robot(wrist_camera="false", overview_camera="false"))) == {
        "scene_camera",
        "held_camera",
    }


def test_the_command_line_of_xacro_says_nothing_but_the_description():
    """Launch takes any word on stderr for a failure."""
    call = ["xacro", str(files.ROOT / "urdf/panda.urdf.xacro"), "namespace:=", "use_gazebo:=true"]
    if shutil.which("xacro") is None:
        pytest.skip("xacro is not on PATH")
    done = subprocess.run(call, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr and done.stdout.startswith("<?xml")


@pytest.mark.parametrize("hardware", ["true", "false"])
def test_check_urdf_accepts_it(hardware, tmp_path):
    if shutil.which("check_urdf") is None:
        pytest.skip("check_urdf is not installed")
    (tmp_path / "panda.urdf").write_text(files.urdf(use_gazebo=hardware))
    done = subprocess.run(
        ["check_urdf", str(tmp_path / "panda.urdf")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "Successfully Parsed XML" in done.stdout, done.stdout + done.stderr


def test_frames_that_the_package_uses_are_there(ours):
    robot = load_robot("panda")
    assert {robot.base_frame, robot.tool.frame, "scene_camera", "held_camera"} <= set(frame_names(ours))
