"""Lines in, each with its template: whatever portions they come in."""

from __future__ import annotations

import io

from streams.templates.classes import Classes
from topology.templates.listing import BATCH_LINES, Listing


def test_portions_do_not_show():
    """Promise: each line has its number, in order, also where a portion ends between two batches."""
    words = ["cart is open", "ERROR stock is low", "WARN price of <*> is old"]
    lines = [words[number % 3] for number in range(2 * BATCH_LINES + 5)]
    listing = Listing(Classes(), io.BytesIO())
    for portion in (lines[:7], lines[7:]):
        listing.read(portion)
    found = [(place, text) for place, _, text, _ in listing.each_line()]
    assert found == list(enumerate(lines, 1))
    assert listing.lines == len(lines)
