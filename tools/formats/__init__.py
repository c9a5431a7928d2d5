"""Readers of results and ground truth in the file formats of other systems."""
