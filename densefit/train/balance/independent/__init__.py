"""Balancers that compare the gradients of independent micro-batches."""
