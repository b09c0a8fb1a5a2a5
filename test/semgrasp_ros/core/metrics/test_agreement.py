import pytest
from hypothesis import given
from hypothesis import strategies as st

from semgrasp_ros.core.data.manners import FINGERS, MANNERS
from semgrasp_ros.core.metrics.agreement import agreement

H, B, N = "handle", "body", ""
POWER, TRIPOD, LATERAL = MANNERS["power"], MANNERS["tripod"], MANNERS["lateral"]


def _ask(touches, manner=POWER, part=H):
    return agreement(touches, part, manner.required, manner.forbidden)


@pytest.mark.parametrize(
    ("touches", "manner", "agrees"),
    [
        ((H, H, H, H, H, H), POWER, True),
        ((H, H, H, H, N, H), POWER, True),  # one may miss
        ((H, H, H, N, N, H), POWER, False),  # two may not
        ((B, H, H, H, H, H), POWER, True),  # or be elsewhere
        ((B, B, H, H, H, H), POWER, False),
        ((B, B, B, B, B, B), POWER, False),
        ((N, N, N, N, N, N), POWER, False),
        ((H, H, H, N, N, N), TRIPOD, True),
        ((H, H, N, N, N, N), TRIPOD, True),
        ((H, N, N, N, N, N), TRIPOD, False),
        ((H, H, H, B, N, N), TRIPOD, True),  # the ring finger may do as it likes
        ((H, H, H, N, B, N), TRIPOD, False),  # the little finger not
        ((H, H, H, N, N, H), TRIPOD, False),  # nor the palm, even on the asked part
        ((H, N, N, N, N, N), LATERAL, True),
        ((H, B, N, N, N, N), LATERAL, False),  # as many elsewhere: no majority
        ((N, N, H, N, N, N), LATERAL, False),  # none of the required
    ],
)
def test_truth_table(touches, manner, agrees):
    assert _ask(touches, manner).agrees is agrees


def test_each_reason_is_told():
    wrong_part = _ask((B, B, B, N, N, N), TRIPOD)
    assert (wrong_part.right_part, wrong_part.right_fingers, wrong_part.none_forbidden) == (
        False,
        False,
        True,
    )
    palm = _ask((H, H, H, N, N, B), TRIPOD)
    assert (palm.right_part, palm.right_fingers, palm.none_forbidden) == (True, True, False)
    assert palm.part_share == 0.75 and palm.finger_f1 == pytest.approx(2 * 3 / (3 + 3 + 1))


def test_the_soft_parts():
    assert _ask((H, H, H, H, H, H)).finger_f1 == 1.0 and _ask((N,) * 6).part_share == 0.0
    half = _ask((H, H, H, B, B, B))
    assert half.part_share == 0.5 and half.finger_f1 == pytest.approx(2 * 3 / (6 + 3))


def test_words_without_a_part_and_without_fingers():
    assert agreement((H, B, N, N, N, N), None, {"thumb", "index"}).agrees
    assert not agreement((N,) * 6, None, {"thumb", "index"}).agrees
    anyhow = agreement((H, N, N, N, N, N), H, ())
    assert anyhow.agrees and anyhow.finger_f1 == 1.0


def test_the_only_required_finger_may_not_miss():
    assert not agreement((N, H, N, N, N, N), H, {"thumb"}).agrees
    assert agreement((H, N, N, N, N, N), H, {"thumb"}).agrees


@given(st.lists(st.sampled_from([H, B, N]), min_size=6, max_size=6), st.sampled_from(sorted(MANNERS)))
def test_the_soft_parts_bound_the_verdict(touches, manner):
    found = _ask(touches, MANNERS[manner])
    assert 0 <= found.part_share <= 1 and 0 <= found.finger_f1 <= 1
    assert found.agrees == (found.right_part and found.right_fingers and found.none_forbidden)
    if found.finger_f1 == 1.0 and found.part_share == 1.0:
        assert found.agrees
    # The names of the parts do not matter.
    renamed = [{H: "a", B: "b", N: N}[part] for part in touches]
    assert agreement(renamed, "a", MANNERS[manner].required, MANNERS[manner].forbidden) == found


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="must be 6 names"):
        agreement((H,), H, {"thumb"})
    with pytest.raises(ValueError, match="asked_part is empty"):
        agreement((H,) * 6, "", {"thumb"})
    with pytest.raises(ValueError, match=r"required has \['toe'\]"):
        agreement((H,) * 6, H, {"toe"})
    with pytest.raises(ValueError, match="at once"):
        agreement((H,) * 6, H, FINGERS, {"palm"})
