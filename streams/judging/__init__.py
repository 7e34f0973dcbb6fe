"""Summaries to evidence to risk: one statistical question per file."""
