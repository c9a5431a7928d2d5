"""Trainings as typed settings: recipes, their data, their runs."""
