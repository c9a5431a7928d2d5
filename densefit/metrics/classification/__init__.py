"""Metrics of classes and losses."""
