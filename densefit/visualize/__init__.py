"""Draw predictions and plots."""
