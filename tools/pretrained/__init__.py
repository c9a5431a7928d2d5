"""Files of pretrained weights: checked, stored, downloaded."""
