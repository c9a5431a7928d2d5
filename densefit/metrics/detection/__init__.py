"""Parts that detection metrics share."""
