"""A wait is spoken of ever more seldom, at once when its reason changes, and once when it is over."""

from grasp_node_kit.waits import Waits

PATIENCE_S = 5.0


def spoken(waits: Waits, text_at, until_s: int, what: str = "/camera") -> list[int]:
    """Seconds at which something is said; looked at once a second from 5 s on, as the watchdog does."""
    return [s for s in range(5, until_s) if waits.note(float(s), {what: text_at(s)})[0]]


def test_ever_more_seldom_but_once_a_minute_at_least():
    times = spoken(Waits(PATIENCE_S), lambda s: f"nothing for {s} s on /camera", 400)
    assert times == [5, 10, 20, 40, 80, 140, 200, 260, 320, 380]


def test_another_reason_is_said_at_once_and_keeps_the_times():
    def text(s: int) -> str:
        return "nobody publishes /camera" if s < 23 else "nothing ever came on /camera from 1 publisher(s)"

    assert spoken(Waits(PATIENCE_S), text, 100) == [5, 10, 20, 23, 40, 80]


def test_each_wait_has_times_of_its_own():
    waits, said = Waits(PATIENCE_S), {}
    for s in range(5, 50):
        texts = {"a": "no a"} | ({"b": "no b"} if s >= 12 else {})
        for text in waits.note(float(s), texts)[0]:
            said.setdefault(text, []).append(s)
    assert said == {"no a": [5, 10, 20, 40], "no b": [12, 17, 27, 47]}


def test_the_end_is_said_once_with_what_was_said_last():
    waits = Waits(PATIENCE_S)
    waits.note(5.0, {"a": "nothing for 5 s", "b": "no b"})
    waits.note(6.0, {"a": "nothing for 6 s", "b": "no b"})
    assert waits.note(7.0, {"b": "no b"}) == ([], ["nothing for 6 s"])
    assert waits.note(8.0, {"b": "no b"}) == ([], [])
    # What stays away again is a new wait.
    assert waits.note(9.0, {"a": "nothing for 5 s", "b": "no b"})[0] == ["nothing for 5 s"]


def test_a_node_that_stops_to_work_waits_for_nothing():
    waits = Waits(PATIENCE_S)
    waits.note(5.0, {"a": "no a"})
    waits.clear()
    assert waits.note(6.0, {}) == ([], [])
