"""What a worker says it has read is never more than it has."""

from __future__ import annotations

from topology.ingest.inputs import Inputs

S = 1_000_000_000
LATENESS_NS = 1 * S
PARTITION = ("logs", 0)


def asked(inputs, now_ns):
    """Asked twice, so that the clock is believed."""
    inputs.asked(now_ns)
    inputs.asked(now_ns)
    return inputs


def test_nothing_is_reported_before_anything_is_known():
    """Promise: a partition just assigned holds windows open."""
    inputs = Inputs(LATENESS_NS)
    inputs.own([PARTITION])
    assert asked(inputs, 100 * S).reports() == {}


def test_amid_a_partition_the_newest_record_counts():
    """Promise: with more to read, event time goes as far as the newest record, less the margin."""
    inputs = Inputs(LATENESS_NS)
    inputs.own([PARTITION])
    inputs.took(PARTITION, 0, 9, 50 * S)
    assert asked(inputs, 99 * S).reports() == {"logs/0": 49 * S}


def test_at_the_end_the_clock_counts():
    """Promise: a silent partition read to its end holds nothing open."""
    inputs = Inputs(LATENESS_NS)
    inputs.own([PARTITION])
    asked(inputs, 99 * S).reached_end(PARTITION)
    assert inputs.reports() == {"logs/0": 98 * S}


def test_after_a_stall_the_clock_is_not_believed():
    """Promise: a process that slept does not claim to have read what came meanwhile."""
    inputs = Inputs(LATENESS_NS)
    inputs.own([PARTITION])
    inputs.took(PARTITION, 0, 9, 50 * S)
    asked(inputs, 60 * S).reached_end(PARTITION)
    assert inputs.reports() == {"logs/0": 59 * S}
    inputs.asked(90 * S)
    assert inputs.reports() == {"logs/0": 59 * S}
    inputs.asked(90 * S + 1)
    assert inputs.reports() == {"logs/0": 89 * S + 1}


def test_a_record_after_the_end_ends_the_claim():
    """Promise: as soon as there is more to read, records count again, and no report goes back."""
    inputs = Inputs(LATENESS_NS)
    inputs.own([PARTITION])
    asked(inputs, 99 * S).reached_end(PARTITION)
    assert inputs.reports() == {"logs/0": 98 * S}
    inputs.took(PARTITION, 0, 0, 70 * S)
    assert inputs.reports() == {"logs/0": 98 * S}


def test_a_void_transaction_is_read_again_from_where_it_began():
    """Promise: nothing read since the last commit is taken as read once the transaction is given up."""
    inputs = Inputs(LATENESS_NS)
    inputs.own([PARTITION])
    inputs.took(PARTITION, 0, 4, 10 * S)
    assert inputs.offsets() == {PARTITION: 5}
    inputs.committed()
    assert inputs.offsets() == {}
    inputs.took(PARTITION, 5, 6, 20 * S)
    inputs.took(PARTITION, 7, 9, 30 * S)
    assert inputs.offsets() == {PARTITION: 10}
    assert inputs.rewind() == {PARTITION: 5}
    assert inputs.offsets() == {}


def test_after_a_transaction_of_unknown_fate_reading_goes_on_where_it_is_told():
    """Promise: neither what was read before nor its times are held on to, in no partition."""
    inputs = Inputs(LATENESS_NS)
    inputs.own([PARTITION])
    inputs.took(PARTITION, 5, 9, 30 * S)
    assert inputs.owned() == [PARTITION]
    assert inputs.resume({PARTITION: 7}) == {PARTITION: 7}
    assert (inputs.positions(), inputs.offsets(), inputs.reports()) == ({PARTITION: 7}, {}, {})
