"""Plan a training from its data: layout, splits, size of the input, batch and length."""
