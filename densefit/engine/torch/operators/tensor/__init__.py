"""Operators of tensors: arithmetic, reductions, shapes, indices, random numbers, loops."""
