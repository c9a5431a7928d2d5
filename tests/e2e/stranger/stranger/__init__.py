"""The orientation of bars: heads, a metric and a dataset; importing this registers them."""

from stranger import dataset, head, lean, metric

__all__ = ["dataset", "head", "lean", "metric"]
