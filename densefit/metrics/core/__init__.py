"""Building blocks of metrics."""
