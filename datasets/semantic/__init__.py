"""Layouts of semantic segmentation: an image and a mask of class indices or colours each."""
