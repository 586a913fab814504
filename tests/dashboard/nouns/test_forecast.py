"""The month-end forecast, worked by hand: what is decided, what is likely, and what closing today would do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.nouns.forecast import BINS, PRIOR, RISK, Chances, bin_at, bin_of, dispersion, forecast


def uses(late: int = 0, **bins: int) -> list[int]:
    """Decided tickets by bin: ``b3=5`` are five that used three to four twentieths of their limit."""
    found = [0] * (BINS + 1)
    found[BINS] = late
    for name, n in bins.items():
        found[int(name[1:])] = n
    return found


def test_bins() -> None:
    assert [bin_of(share) for share in (-1, 0, 0.049, 0.05, 0.999, 1.0, 1.0001, 9)] == [0, 0, 0, 1, 19, 19, 20, 20]


def test_what_is_decided_is_the_forecast() -> None:
    found = forecast(972, 737, {}, {"u": uses(late=235, b5=737)})
    assert found.low == found.mid == found.high == 737 / 972
    assert found.close == (0, 737 / 972)
    assert found.curve == ()


def test_nothing_due_is_nothing_said() -> None:
    found = forecast(0, 0, {}, {})
    assert (found.low, found.mid, found.high, found.close) == (None, None, None, None)


def test_without_any_history_only_the_bounds_are_known() -> None:
    found = forecast(10, 4, {("u", 3): 5}, {})
    assert (found.low, found.mid, found.high) == (0.4, None, 0.9)


def test_a_chance_is_the_part_closed_in_time_of_those_that_came_so_far() -> None:
    """Ten used up a quarter, ten three quarters, five were late. After half of the limit: 10 of 15."""
    chances = Chances({"u": uses(late=5, b5=10, b15=10)})
    expected = 10 / 15
    assert chances.of("u", 10) == pytest.approx(((10 + PRIOR * expected) / (15 + PRIOR), 15 + 15))
    assert chances.of("u", 10) == pytest.approx((expected, 30))
    # In the very bin of the last closings half of them are still to come: 5 of 10.
    assert chances.of("u", 15) == pytest.approx((0.5, 10 + 10))
    # After it only the late ones went on.
    assert chances.of("u", 19) == pytest.approx((0.0, 5 + 5))


def test_a_small_unit_is_drawn_towards_all() -> None:
    chances = Chances({"big": uses(late=10, b18=90), "small": uses(b18=1)})
    everyone = 91 / 101
    found = chances.of("small", 10)
    assert found is not None
    assert found[0] == pytest.approx((1 + PRIOR * everyone) / (1 + PRIOR))
    assert chances.of("nobody's", 10) == pytest.approx((everyone, PRIOR))


def test_the_middle_is_the_sum_of_the_chances() -> None:
    """20 due: 8 on time, 2 late, 10 open with a chance of 2/3 each."""
    found = forecast(20, 8, {("u", 10): 10}, {"u": uses(late=5, b5=10, b15=10)})
    assert found.mid == pytest.approx((8 + 10 * 2 / 3) / 20)
    assert found.low is not None
    assert found.mid is not None
    assert found.high is not None
    assert found.close is not None
    assert 0.4 <= found.low < found.mid < found.high <= 0.9
    assert found.close == pytest.approx((10, 18 / 20))
    assert found.curve[0] == pytest.approx((0, found.mid))
    assert found.curve[-1] == pytest.approx((10, 0.9))


def test_those_to_close_are_the_least_likely() -> None:
    history = {"u": uses(late=10, b2=400, b18=20)}
    found = forecast(12, 0, {("u", 0): 10, ("u", 19): 2}, history)
    late = Chances(history).of("u", 19)
    assert late is not None
    assert late[0] < RISK
    assert found.close is not None
    assert found.mid is not None
    assert found.close[0] == 2
    assert found.close[1] - found.mid == pytest.approx(2 * (1 - late[0]) / 12)


def test_what_is_still_to_come_counts_at_the_chance_of_a_fresh_ticket() -> None:
    history = {"u": uses(late=20, b10=180)}
    found = forecast(100, 90, {}, history, to_come=100)
    assert found.mid == pytest.approx((90 + 100 * 0.9) / 200)
    assert found.low is not None
    assert found.low < 0.9 - 0.01


def test_what_was_handled_in_time_and_waits_for_inspection_counts_as_in_time() -> None:
    found = forecast(10, 4, {}, {"u": uses(b5=4)}, handled=5)
    assert found.mid == found.high == 0.9
    with pytest.raises(ValueError, match="more than"):
        forecast(10, 6, {}, {}, handled=5)


def test_more_open_than_due_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        forecast(5, 3, {("u", 1): 3}, {})


counts = st.integers(0, 60)


@given(
    st.lists(counts, min_size=BINS + 1, max_size=BINS + 1),
    st.dictionaries(st.tuples(st.sampled_from(["u", "v"]), st.integers(0, BINS - 1)), counts, max_size=6),
    counts,
    counts,
    st.floats(0, 500),
)
def test_no_forecast_leaves_what_is_possible(
    history: list[int], open_: dict[tuple[str, int], int], won: int, lost: int, to_come: float
) -> None:
    waiting = sum(open_.values())
    found = forecast(won + lost + waiting, won, open_, {"u": history}, to_come)
    whole = won + lost + waiting + found.to_come
    if not whole:
        assert found.mid is None
        return
    assert found.low is not None
    assert found.high is not None
    assert won / whole - 1e-9 <= found.low <= found.high <= (won + waiting + found.to_come) / whole + 1e-9
    if found.mid is not None:
        assert found.low <= found.mid <= found.high
        rates = [rate for _, rate in found.curve]
        assert rates == sorted(rates)


def test_days_that_differ_more_than_chance_widen_the_range() -> None:
    """80 and 100 of 100: 90 expected of each, 100 ÷ (100 × 0.9 × 0.1) twice, over one degree of freedom."""
    assert dispersion([(80, 100), (100, 100)]) == pytest.approx(200 / 9)
    assert dispersion([(90, 100), (91, 100), (0, 0)]) == 1.0
    assert dispersion([(90, 100)]) == dispersion([]) == dispersion([(5, 5), (7, 7)]) == 1.0
    calm = forecast(20, 8, {("u", 10): 10}, {"u": uses(late=5, b5=10, b15=10)}, 100)
    stormy = forecast(20, 8, {("u", 10): 10}, {"u": uses(late=5, b5=10, b15=10)}, 100, dispersion=4.0)
    assert calm.mid == stormy.mid
    assert calm.low is not None
    assert calm.mid is not None
    assert stormy.low == pytest.approx(calm.mid - 2 * (calm.mid - calm.low))


def test_a_limit_of_no_length_has_a_bin() -> None:
    assert [bin_at(10, moment, 10) for moment in (9, 10, 11)] == [0, 0, BINS]
    assert bin_at(0, 5, 10) == 10
