"""What a geometric transform does to an image and all its targets."""
