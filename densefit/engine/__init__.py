"""Symbol -> numbers: what computes, and the batches that it is given."""
