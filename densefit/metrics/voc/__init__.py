"""The PASCAL VOC evaluation."""
