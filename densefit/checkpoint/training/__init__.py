"""The state of a training into a checkpoint and back."""
