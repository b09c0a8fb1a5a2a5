"""A stream of keypoints drives a gripper or a hand."""

import numpy as np
import pytest
import torch

from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.core.retarget.teleop import HandTeleop, TeleopConfig
from semgrasp_ros.core.retarget.teleop_filter import OneEuroFilter

ROBOTS = {name: load_robot(name) for name in ("panda", "ur5_jaw85", "panda_allegro")}
STEP_S = 1 / 30


def posed(bend: float, shift=(0.0, 0.0, 0.0)) -> np.ndarray:
    hand = load_hand()
    angles = torch.zeros(1, 15, 3)
    angles[0, :, 0] = bend * hand.limits[:, 0, 1]
    with torch.no_grad():
        surface = hand(torch.eye(4)[None], hand.rotations_from_angles(angles), torch.zeros(1, 10))
    return surface.keypoints[0].double().numpy() + shift


def pinched(distance_m: float) -> np.ndarray:
    points = posed(0.2)
    way = points[4] - points[8]
    points[4] = points[8] + way / np.linalg.norm(way) * distance_m
    return points


@pytest.fixture(params=ROBOTS)
def teleop(request) -> HandTeleop:
    return HandTeleop(ROBOTS[request.param])


def settle(teleop: HandTeleop, points: np.ndarray, begin_s: float = 0.0, frames: int = 40):
    for frame in range(frames):
        command = teleop.step(points, begin_s + frame * STEP_S)
    return command


@pytest.mark.parametrize("name", ["panda", "ur5_jaw85"])
def test_the_opening_follows_thumb_and_index(name):
    teleop = HandTeleop(ROBOTS[name])
    gripper, config = ROBOTS[name].gripper, TeleopConfig()
    for number, distance in enumerate((0.01, 0.06, 0.2)):
        command = settle(teleop, pinched(distance), number * 10.0)
        wanted = np.clip(distance - config.touching_m, gripper.opening_min_m, gripper.opening_max_m)
        assert command.opening_m == pytest.approx(wanted, abs=1e-3)
        assert command.positions.sum() == pytest.approx(command.opening_m)
    # The tool's origin is between the tips, its z along the fingers, its x out of the palm.
    points = pinched(0.06)
    wrist = settle(teleop, points, 40.0).wrist
    assert wrist[:3, 3] == pytest.approx((points[4] + points[8]) / 2, abs=2e-3)
    assert wrist[:3, 2] @ (points[9] - points[0]) > 0.08


def test_a_closing_hand_closes_the_robots():
    teleop = HandTeleop(ROBOTS["panda_allegro"])
    straight = settle(teleop, posed(0.05))
    bent = settle(teleop, posed(0.6), 2.0)
    rows = [teleop.joints.index(name) for name in ("joint_2.0", "joint_6.0", "joint_10.0")]
    assert (bent.positions[rows] > straight.positions[rows] + 0.4).all()
    assert bent.opening_m is None and bent.valid and bent.reason == ""


def test_no_joint_is_faster_than_it_may_be_nor_beyond_its_limits(teleop):
    rng, speed = np.random.default_rng(0), teleop._fingers.speed
    last = teleop.step(posed(0.2), 0.0)
    for frame in range(1, 60):
        points = posed(rng.uniform(0, 1), rng.normal(scale=0.05, size=3))
        command = teleop.step(points, frame * STEP_S)
        assert (np.abs(command.positions - last.positions) <= speed * STEP_S + 1e-9).all()
        assert (command.positions >= teleop._fingers.lower).all()
        assert (command.positions <= teleop._fingers.upper).all()
        moved = np.linalg.norm(command.wrist[:3, 3] - last.wrist[:3, 3])
        assert moved <= TeleopConfig().wrist_speed_m_s * STEP_S + 1e-9
        assert command.wrist[:3, :3] @ command.wrist[:3, :3].T == pytest.approx(np.eye(3), abs=1e-9)
        last = command


def test_nothing_seen_holds_the_last_command(teleop):
    before = settle(teleop, posed(0.3))
    for frame in range(5):
        command = teleop.step(np.full((21, 3), np.nan), 2.0 + frame * STEP_S)
        assert not command.valid and "palm" in command.reason
        assert np.array_equal(command.positions, before.positions)
        assert np.array_equal(command.wrist, before.wrist)
    assert settle(teleop, posed(0.3), 3.0).valid


def test_nothing_seen_at_first_is_the_open_hand(teleop):
    command = teleop.step(np.full((21, 3), np.inf), 0.0)
    assert not command.valid and command.wrist is None
    assert np.array_equal(command.positions, teleop._fingers.start)


def test_some_points_missing_is_no_reason_to_stop(teleop):
    settle(teleop, posed(0.3))
    points = posed(0.3)
    points[[4, 8, 19]] = np.nan
    command = teleop.step(points, 2.0)
    assert command.valid and "3 of 21 points missing" in command.reason


def test_one_frame_that_jumps_is_left_out_and_a_new_place_is_believed_after_a_while(teleop):
    before = settle(teleop, posed(0.3))
    away = posed(0.3, (0.5, 0.0, 0.0))
    command = teleop.step(away, 40 * STEP_S)
    assert not command.valid and "21 points jumped" in command.reason
    assert np.array_equal(command.wrist, before.wrist)
    later = settle(teleop, away, 41 * STEP_S, frames=60)
    assert later.valid
    assert later.wrist[:3, 3] == pytest.approx(before.wrist[:3, 3] + (0.5, 0.0, 0.0), abs=5e-3)


def test_one_point_that_jumps_moves_nothing(teleop):
    before = settle(teleop, posed(0.3), frames=80)
    points = posed(0.3)
    points[8] += 0.3
    command = teleop.step(points, 80 * STEP_S)
    assert command.valid and "1 of 21 points missing, 1 of them for jumping" in command.reason
    assert command.positions == pytest.approx(before.positions, abs=5e-2)


def test_late_frames_are_left_out_and_a_new_recording_is_not(teleop):
    before = settle(teleop, posed(0.3), begin_s=100.0)
    for stamp in (100.0 + 39 * STEP_S, 100.5):
        late = teleop.step(posed(0.6), stamp)
        assert not late.valid and "late" in late.reason
        assert np.array_equal(late.positions, before.positions)
    again = teleop.step(posed(0.3), 0.0)
    assert again.valid and np.abs(again.positions - before.positions).max() < 0.05
    assert teleop.step(posed(0.3), STEP_S).valid


def test_a_long_pause_is_no_licence_to_jump():
    teleop = HandTeleop(ROBOTS["panda_allegro"])
    before = settle(teleop, posed(0.05))
    command = teleop.step(posed(0.9), 100.0)
    config = TeleopConfig()
    most = teleop._fingers.speed * config.speed_share * config.longest_step_s
    assert (np.abs(command.positions - before.positions) <= most + 1e-9).all()


def test_noise_of_a_resting_hand_is_quieted():
    teleop, rng = HandTeleop(ROBOTS["panda_allegro"]), np.random.default_rng(0)
    settle(teleop, posed(0.3))
    filtered, raw = [], []
    still = HandTeleop(ROBOTS["panda_allegro"], TeleopConfig(min_cutoff_hz=1000.0))
    settle(still, posed(0.3))
    for frame in range(60):
        points = posed(0.3) + rng.normal(scale=0.002, size=(21, 3))
        filtered.append(teleop.step(points, 2 + frame * STEP_S).positions)
        raw.append(still.step(points, 2 + frame * STEP_S).positions)
    assert np.std(filtered[10:], axis=0).mean() < 0.6 * np.std(raw[10:], axis=0).mean()


def test_the_start_can_be_given():
    teleop = HandTeleop(ROBOTS["panda"])
    teleop.reset(np.array([0.01, 0.01]))
    assert teleop.step(np.full((21, 3), np.nan), 0.0).opening_m == pytest.approx(0.02)
    with pytest.raises(ValueError, match="positions: .* are not 2 finite joint values"):
        teleop.reset(np.zeros(3))


def test_bad_input_is_named(teleop):
    with pytest.raises(ValueError, match="keypoints: shape"):
        teleop.step(np.zeros((20, 3)), 0.0)
    with pytest.raises(ValueError, match="stamp_s: nan"):
        teleop.step(posed(0.3), float("nan"))
    with pytest.raises(ValueError, match="side: 'both'"):
        TeleopConfig(side="both")
    with pytest.raises(ValueError, match="speed_share is 0"):
        TeleopConfig(speed_share=0)


def test_the_filter_follows_and_smooths():
    steps = np.zeros((60, 2, 3))
    steps[20:, 0] = 0.3
    quiet = OneEuroFilter(1.0, 0.0)
    prompt = OneEuroFilter(1.0, 50.0)
    slow, fast = (np.array([f.step(points, STEP_S) for points in steps]) for f in (quiet, prompt))
    assert 0 < slow[21, 0, 0] < fast[21, 0, 0] < 0.3 and fast[40, 0, 0] == pytest.approx(0.3, abs=0.02)
    assert (slow[:, 1] == 0).all()
    gap = OneEuroFilter()
    gap.step(np.zeros((1, 3)), STEP_S)
    assert np.isnan(gap.step(np.full((1, 3), np.nan), STEP_S)).all()
    assert gap.step(np.ones((1, 3)), STEP_S) == pytest.approx(1.0), "begins anew after it was missing"
    with pytest.raises(ValueError, match="min_cutoff_hz 0"):
        OneEuroFilter(0)
