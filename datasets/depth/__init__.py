"""Layouts of images with depth maps."""
