import numpy as np
import pytest

from semgrasp_ros.core.metrics.intent import IntentClassifier, grasp_features


def _heaps(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    which = rng.integers(0, 3, n)
    features = 5 * np.eye(3)[which] + rng.normal(size=(n, 3))
    # One feature that says nothing, one in another unit that never varies.
    return np.column_stack([features, rng.normal(size=n), np.full(n, 1e6)]), np.array(
        ["use", "pour", "lift"]
    )[which]


def test_heaps_apart_are_told_apart():
    classifier = IntentClassifier().fit(*_heaps(300, 0))
    features, truth = _heaps(300, 1)
    assert classifier.right(features, truth).mean() > 0.97
    assert classifier.classes == ("lift", "pour", "use")
    assert classifier.probabilities(features).sum(axis=1) == pytest.approx(np.ones(300))


def test_without_anything_to_see_it_says_the_commonest():
    intents = ["hold"] * 7 + ["move"] * 3
    classifier = IntentClassifier().fit(np.ones((10, 4)), intents)
    assert (classifier.predict(np.full((2, 4), 9.0)) == "hold").all()
    assert classifier.probabilities(np.ones((1, 4)))[0] == pytest.approx([0.7, 0.3], abs=1e-3)


def test_units_do_not_matter():
    features, truth = _heaps(200, 2)
    scale = np.array([1e3, 1e-3, 1, 10, 1])
    a, b = IntentClassifier().fit(features, truth), IntentClassifier().fit(features * scale, truth)
    assert (a.predict(features) == b.predict(features * scale)).all()


def test_features_say_what_touches_what():
    joints = np.arange(45.0).reshape(15, 3)
    features = grasp_features(("handle", "lid", "", "knob", "", ""), joints, ["handle", "lid"])
    assert features.shape == (6 * 3 + 45,)
    table = features[:18].reshape(6, 3)
    assert table.tolist() == [[1, 1, 0], [1, 0, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert features[18:].tolist() == list(range(45))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="call fit first"):
        IntentClassifier().predict(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="2 rows of features and 3 intents"):
        IntentClassifier().fit(np.zeros((2, 2)), ["a", "b", "c"])
    with pytest.raises(ValueError, match="4 columns; the classifier learned 2"):
        IntentClassifier().fit(np.zeros((2, 2)), ["a", "b"]).predict(np.zeros((1, 4)))
    with pytest.raises(ValueError, match="penalty is -1"):
        IntentClassifier(-1)
    with pytest.raises(ValueError, match="touches has 2"):
        grasp_features(("a", "b"), np.zeros((15, 3)), [])
