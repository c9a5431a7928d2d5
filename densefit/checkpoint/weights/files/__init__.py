"""Readers of weight files of other systems: name -> numpy array, without running their code."""
