"""Metrics of maps: segmentation, depth, normals."""
