"""Files of MXNet 1.x."""
