"""What `densefit predict` and `densefit serve` share: inputs, predictions, files."""
