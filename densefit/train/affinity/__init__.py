"""Measure, while a network trains, what heads do for each other, and where they conflict."""
