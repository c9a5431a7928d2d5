"""Batch -> symbol: backbones, heads, and the network that joins them."""
