"""Anchors and boxes of SSD."""
