"""Signatures to log templates, with examples, and the class of each."""
