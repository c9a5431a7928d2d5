"""Test-time augmentation: views of one image merged into one prediction."""
