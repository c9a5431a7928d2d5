"""Checks of a user's samples, target by target."""
