"""What the detection metrics share."""
