"""Levels: low-rate gauges per pod, judged against the workload's own past.

`part` is the whole; it asks `reference` (what the past gives), `track` (what each side shows) and `deviation` (how far
apart they are). Below: `checkpoints` (when), `scale` (on which scale), `contrast` (which differences), `replay` (how
large they usually are), `history`, `past`, `prior`, `cohort` (what is remembered), `tail` and `codes`.
"""
