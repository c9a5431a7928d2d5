"""Readers of other systems' files of results and truth."""
