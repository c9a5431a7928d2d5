"""Loss layers, whose gradient is the gradient of a loss."""
