"""Generated rooms, whose geometry is known."""
