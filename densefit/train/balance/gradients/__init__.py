"""Balancers that compare the heads' gradients, and sum them with factors or number by number."""
