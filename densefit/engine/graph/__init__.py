"""Analyses and passes on a SymbolGraph that every engine uses; they compute nothing."""
