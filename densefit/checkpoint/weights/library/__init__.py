"""Pretrained weights that are known: a table, and where their files are looked for."""
