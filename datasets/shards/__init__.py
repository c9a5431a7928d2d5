"""Datasets in shards: files of records by `tools/pack.py`, and WebDataset's tar files."""

from .shards import Shards

__all__ = ["Shards"]
