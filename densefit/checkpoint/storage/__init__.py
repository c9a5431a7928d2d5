"""Directories that are either complete or not there."""
