"""One workload's life: the revisions seen lately, the comparisons running, and production."""
