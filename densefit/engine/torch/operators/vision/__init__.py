"""Operators of images and boxes: anchors, suppression, regions, sampling, resizing."""
