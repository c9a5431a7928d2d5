"""The COCO evaluation."""
