"""Class lists: of a dataset, of a head, and how one becomes the other."""
