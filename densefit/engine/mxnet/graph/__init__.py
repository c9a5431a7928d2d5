"""Passes over Symbols: what is known of a graph, and faster graphs with equal results."""
