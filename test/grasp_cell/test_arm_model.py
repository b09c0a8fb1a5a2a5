"""Robots of `config/robots` in MuJoCo: the same kinematics, their real forces."""

import mujoco
import numpy as np
import pytest

from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_model import gripper_bodies, robot_spec
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.robots import load_robot, robot_names


@pytest.mark.parametrize("name", robot_names())
def test_tool_stands_where_the_robots_own_kinematics_put_it(name):
    robot = load_robot(name)
    model = robot_spec(robot, ArmCellConfig()).compile()
    data, arm = mujoco.MjData(model), ArmKinematics(robot)
    rng = np.random.default_rng(0)
    for q in rng.uniform(arm.lower_rad, arm.upper_rad, (20, len(arm.lower_rad))):
        for joint, value in zip(robot.arm.joints, q, strict=True):
            data.qpos[model.joint(joint).qposadr[0]] = value
        mujoco.mj_kinematics(model, data)
        tool = data.site("semgrasp_tool")
        expected = arm.forward(q)
        np.testing.assert_allclose(tool.xpos, expected[:3, 3], atol=1e-9)
        np.testing.assert_allclose(tool.xmat.reshape(3, 3), expected[:3, :3], atol=1e-9)


@pytest.mark.parametrize("name", robot_names())
def test_nothing_touches_at_home(name):
    robot = load_robot(name)
    model = robot_spec(robot, ArmCellConfig()).compile()
    data = mujoco.MjData(model)
    for joint, value in zip(robot.arm.joints, robot.arm.home_rad, strict=True):
        data.qpos[model.joint(joint).qposadr[0]] = value
    for joint in robot.gripper.joints:
        at = model.joint(joint)
        data.qpos[at.qposadr[0]] = (
            robot.gripper.open_rad[joint]
            if robot.gripper.__class__.__name__ == "HandGripper"
            else at.range[1]
        )
    mujoco.mj_forward(model, data)
    assert data.ncon == 0


def test_gripper_presses_with_its_force_and_no_more():
    model = robot_spec(load_robot("panda"), ArmCellConfig(grip_force_n=70.0)).compile()
    assert model.actuator("panda_finger_joint1").forcerange.tolist() == [-70.0, 70.0]
    assert model.actuator("panda_joint1").forcerange.tolist() == [-87.0, 87.0]
    assert model.actuator("panda_joint7").forcerange.tolist() == [-12.0, 12.0]


def test_attached_hand_keeps_its_names():
    robot = load_robot("panda_allegro")
    spec = robot_spec(robot, ArmCellConfig())
    assert "link_3.0_tip" in gripper_bodies(spec, robot)
    assert {actuator.name for actuator in spec.actuators} == {*robot.arm.joints, *robot.gripper.joints}
