"""Exports: the answers themselves, one joined table in four formats, and its codebook."""
