"""Readers of annotation files that several datasets share."""
