"""Signatures to log templates and their classes."""
