"""What the learners of all engines share in training."""
