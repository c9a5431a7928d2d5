"""Passes over a SymbolGraph: analyses, and rewrites that compute the same results faster."""
