"""The orientation of bars: a head, its metric and a dataset; importing this registers them."""

from stranger import dataset, head, metric

__all__ = ["dataset", "head", "metric"]
