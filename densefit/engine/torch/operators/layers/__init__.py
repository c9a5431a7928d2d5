"""Layers: convolution, pooling, normalization, activation, recurrent layers, sequences."""
