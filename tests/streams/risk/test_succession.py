"""What the streams alone tell of rollouts, minute by minute, and what they leave to others."""

from __future__ import annotations

import msgspec
import pytest

from streams.risk.succession import Succession, SuccessionState

S = 1_000_000_000
SETTLED_NS = 300 * S
T0 = 1_787_300_000 * S


class Played:
    """Minutes as text: which revisions are heard, a letter each; 12 windows a minute."""

    def __init__(self) -> None:
        self.state = SuccessionState()
        self.now_ns = T0
        self.pairs: list[tuple[str, str]] = []
        self.back: list[str] = []

    def play(self, heard: str, minutes: float) -> Played:
        """So many minutes of these; each window from its snapshot."""
        for _ in range(round(minutes * 12)):
            self.state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=SuccessionState)
            self.back += Succession(SETTLED_NS, self.state).hear(self.now_ns, set(heard))
            trial = self.succession.on_trial
            if trial is not None and trial not in self.pairs:
                self.pairs.append(trial)
            self.now_ns += 5 * S
        return self

    @property
    def succession(self) -> Succession:
        """As it stands."""
        return Succession(SETTLED_NS, self.state)

    def outcome(self, pair: str) -> str | None:
        """Of a pair."""
        return self.succession.outcome(*pair, since_ns=T0)


@pytest.mark.parametrize(
    ("played", "pairs"),
    [
        ([("A", 30)], []),  # a first deployment
        ([("A", 10), ("AB", 0.9)], []),  # not heard for a minute yet
        ([("A", 10), ("AB", 3)], ["AB"]),
        ([("A", 10), ("AB", 300)], ["AB"]),  # a pause of hours
        ([("AB", 60)], []),  # which came first nobody knows
        ([("A", 4), ("AB", 60)], []),
        ([("A", 10), ("AXY", 20), ("A", 10)], []),  # an Experiment's two
        ([("A", 10), ("AXY", 20), ("AY", 0.5), ("A", 10)], []),  # whose pods end one after the other
        ([("A", 10), ("AB", 5), ("ABXY", 20), ("AB", 20)], ["AB"]),  # four at once
        ([("A", 10), ("AB", 5), ("AC", 5)], ["AB", "AC"]),  # another canary instead
        ([("A", 10), ("AB", 0.5), ("A", 30)], []),  # a stray
    ],
)
def test_who_is_on_trial(played, pairs):
    """Promise: a lone newcomer beside one that had settled, and nothing where that cannot be told."""
    life = Played()
    for heard, minutes in played:
        life.play(heard, minutes)
    assert ["".join(pair) for pair in life.pairs] == pairs


@pytest.mark.parametrize(
    ("last", "outcome"),
    [
        ([("A", 6)], "aborted"),
        ([("B", 6)], "promoted"),
        ([("A", 4)], None),  # time for somebody to tell
        ([("", 60)], None),
        ([("", 60), ("AB", 1)], None),  # shippers were away
        ([("AB", 120)], None),
        ([("ABXY", 10), ("AB", 10)], None),
        (([("AB", 0.5), ("A", 3)] * 5), None),  # seldom heard
    ],
)
def test_what_became_of_it(last, outcome):
    """Promise: the one that falls silent while the other is heard has vanished; both or neither tell nothing."""
    life = Played().play("A", 10).play("AB", 10)
    for heard, minutes in last:
        life.play(heard, minutes)
    assert life.outcome("AB") == outcome


def test_a_rollback_is_a_rollout_of_the_former_baseline():
    """Promise: a hash that comes back is the canary, and what replaced it the baseline; at once, without settling."""
    life = Played().play("A", 10).play("AB", 5)
    life.succession.conclude("A", "B", "promoted")
    life.play("AB", 0.5).play("B", 10)
    assert life.pairs == [("A", "B")]
    life.play("AB", 3)
    assert life.pairs == [("A", "B"), ("B", "A")]
    assert life.back == ["A"]


def test_what_is_over_is_not_on_trial_again_while_it_stays():
    """Promise: an aborted canary whose pods live on begins nothing; one that was away and is back does."""
    life = Played().play("A", 10).play("AB", 5)
    life.succession.conclude("A", "B", "aborted")
    life.pairs.clear()
    life.play("AB", 60)
    assert life.pairs == []
    life.play("A", 6).play("AB", 2)
    assert life.pairs == [("A", "B")]


def test_it_is_bounded():
    """Promise: however many hashes come by, few are remembered."""
    life = Played()
    for number in range(300):
        Succession(SETTLED_NS, life.state).hear(T0 + number * 5 * S, {"A", f"h{number}"})
    assert len(life.state.known) <= 101
