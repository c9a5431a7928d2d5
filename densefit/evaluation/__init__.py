"""Scoring, prediction and test-time augmentation."""
