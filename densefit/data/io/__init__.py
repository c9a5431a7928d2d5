"""Image files to pixels; samples to bytes and back."""
