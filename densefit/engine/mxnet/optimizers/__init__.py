"""Gradients -> parameters: optimizers, their states, and updates without some heads."""
