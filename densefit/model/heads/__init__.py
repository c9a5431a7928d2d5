"""Heads: of a task, of a route of a user's symbol, and what fit and score see of them."""
