"""Score, predict, test-time augmentation."""
