"""Balancers that keep an array of the gradient's size for each head."""
