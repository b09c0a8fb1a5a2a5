"""The Gymnasium environment: passes Gymnasium's own checker, and its action reaches what it shall."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import grasp_cell.environment as module
from grasp2vec_ros.core.checkpoint import save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    model = make_model(EncoderConfig(width=8, embedding_size=16, scene_width_px=64, held_size_px=32))
    return save_checkpoint(tmp_path_factory.mktemp("model"), model, 1).path


@pytest.fixture(scope="module")
def environment(checkpoint):
    made = gymnasium.make(
        "GraspCell-v0", checkpoint=checkpoint, objects_per_scene=2, seen_toys=8, max_episode_steps=8
    )
    yield made
    made.close()


def test_gymnasiums_checker_finds_nothing(environment):
    check_env(environment.unwrapped, skip_render_check=True)


def test_the_goal_can_be_reached_and_is_rewarded(environment):
    """Whoever knows where a good grasp is lifts something within the steps there are."""
    inner, lifted, rewards = environment.unwrapped, 0, []
    for seed in range(4):
        environment.reset(seed=seed)
        cell = inner._cell
        frame, camera = cell.scene_frame(), cell.scene_camera
        # The arm is in the way of the camera now; a planner would have looked before.
        target = cell.ground_truth.position_m(inner._wanted)
        done = False
        for _ in range(7):
            here = cell.tool_pose()[:3, 3]
            over = np.array([target[0], target[1], 0.12])
            goal = over if np.linalg.norm((here - over)[:2]) > 0.01 else np.array([*target[:2], 0.022])
            move = np.clip((goal - here) / module.LARGEST_STEP_M, -1, 1)
            *_, truncated, _ = environment.step(np.array([*move, 0.0, -1.0], np.float32))
            done = done or truncated
        observation, reward, terminated, _, info = environment.step(np.array([0, 0, 0, 0, 1.0], np.float32))
        assert terminated and info["wanted_object"] == inner._wanted
        lifted += bool(info["held_object"])
        rewards.append((bool(info["held_object"]), reward))
        assert observation["scene"].shape == frame.rgb.shape and camera is not None
    assert lifted >= 2
    assert all(0.0 <= reward <= 1.0 for _, reward in rewards)
    assert all(reward == 0.0 for held, reward in rewards if not held)


def test_an_episode_without_closing_is_cut_off(environment):
    environment.reset(seed=1)
    ends = [environment.step(np.array([0, 0, 0.2, 0, -1], np.float32))[2:4] for _ in range(8)]
    assert ends == [(False, False)] * 7 + [(False, True)]


def test_several_at_once(checkpoint):
    many = gymnasium.make_vec(
        "GraspCell-v0",
        num_envs=2,
        vectorization_mode="sync",
        checkpoint=checkpoint,
        objects_per_scene=1,
        seen_toys=4,
    )
    observation, _ = many.reset(seed=0)
    assert observation["scene"].shape == (2, 240, 320, 3) and observation["goal"].shape == (2, 128, 128, 3)
    assert not np.array_equal(observation["goal"][0], observation["goal"][1])
    _, rewards, *_ = many.step(np.zeros((2, 5), np.float32))
    assert rewards.shape == (2,)
    many.close()


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(ValueError, match="regime: 'plaid'"):
        gymnasium.make("GraspCell-v0", checkpoint=tmp_path, regime="plaid")
