"""Summaries to risk documents: a Faust application whose changelog holds the state of every workload."""
