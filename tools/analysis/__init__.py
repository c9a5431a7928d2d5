"""What a run's final score pass says beyond its scores: confusions, curves, errors, samples."""
