import numpy as np
import pytest

from grasp2vec_ros.core.encoder import EncoderConfig
from grasp2vec_ros.core.inference import Perceiver
from grasp2vec_ros.core.relabel import Relabeller
from grasp2vec_ros.core.store import ExperienceStore
from test.grasp2vec_ros.core.helpers import make_experience

SMALL = EncoderConfig(width=8, embedding_size=16, scene_width_px=64, held_size_px=32, held_crop=1.0)


@pytest.fixture
def store(tmp_path):
    with ExperienceStore(tmp_path) as made:
        rng = np.random.default_rng(0)
        for kind in range(12):
            made.add(make_experience(rng, [kind % 6, 7, 8]))
        for _ in range(4):
            made.add(make_experience(rng, success=False))
        yield made


def test_hindsight_says_that_what_was_lifted_was_wanted(store):
    relabeller = Relabeller(store, Perceiver(encoder=SMALL))
    experience = store.get(store.ids(lifted=True)[0])
    (made,) = relabeller.relabel(experience, ("hindsight",))
    assert made.reward == 1.0 and made.scheme == "hindsight"
    assert np.array_equal(made.goal_image, experience.held[0])


def test_the_reward_is_the_cosine_with_the_goal_that_was_asked_for(store):
    perceiver = Perceiver(encoder=SMALL)
    rng = np.random.default_rng(5)
    goal_image = store.get(store.ids(lifted=True)[3]).held[0]
    goal = perceiver.embed_held([goal_image])[0]
    asked = make_experience(rng, [2, 3, 4], commanded_goal="cup")
    relabeller = Relabeller(store, perceiver, {"cup": goal})
    (made,) = relabeller.relabel(asked, ("embedding_similarity",))
    held = perceiver.embed_held([asked.held[0]])[0]
    cosine = float(goal @ held / np.linalg.norm(goal) / np.linalg.norm(held))
    assert made.reward == pytest.approx(max(0.0, cosine), abs=1e-5)
    same = make_experience(rng, [2, 3, 4], commanded_goal="cup", held=[goal_image])
    assert relabeller.relabel(same, ("embedding_similarity",))[0].reward == pytest.approx(1.0, abs=1e-5)
    unknown = make_experience(rng, [2, 3, 4], commanded_goal="plate")
    assert relabeller.relabel(unknown, ("embedding_similarity",)) == []


def test_auxiliary_goals_are_other_objects_with_their_own_reward(store):
    relabeller = Relabeller(store, Perceiver(encoder=SMALL))
    experience = store.get(store.ids(lifted=True)[0])
    made = relabeller.relabel(experience, ("auxiliary",), auxiliary_goals=3)
    assert len(made) == 3 and all(0.0 <= transition.reward <= 1.0 for transition in made)
    assert all(not np.array_equal(t.goal_image, experience.held[0]) or t.reward > 0.99 for t in made)


def test_an_empty_gripper_earns_nothing(store):
    goal = np.ones(16, np.float32)
    relabeller = Relabeller(store, Perceiver(encoder=SMALL), {"cup": goal})
    failed = store.get(store.ids(lifted=False)[0])
    failed.commanded_goal = "cup"
    made = relabeller.relabel(failed, auxiliary_goals=2)
    assert {t.scheme for t in made} == {"embedding_similarity", "auxiliary"}
    assert all(t.reward == 0.0 for t in made)


def test_a_stream_for_a_replay_buffer(store):
    relabeller = Relabeller(store, Perceiver(encoder=SMALL), seed=1)
    made = list(relabeller.transitions(60))
    assert len(made) == 60 and {t.scheme for t in made} == {"hindsight", "auxiliary"}
    again = list(Relabeller(store, Perceiver(encoder=SMALL), seed=1).transitions(60))
    assert [(t.experience.experience_id, t.reward) for t in made] == [
        (t.experience.experience_id, t.reward) for t in again
    ]


def test_an_empty_store_ends_the_stream_and_an_unknown_scheme_is_named(tmp_path):
    with ExperienceStore(tmp_path) as empty:
        relabeller = Relabeller(empty, Perceiver(encoder=SMALL))
        assert list(relabeller.transitions(5)) == []
        with pytest.raises(ValueError, match="wishful"):
            relabeller.relabel(make_experience(np.random.default_rng(0)), ("wishful",))
