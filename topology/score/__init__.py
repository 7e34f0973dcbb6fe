"""Summaries to risk documents: a Faust application whose table holds the state of every workload."""
