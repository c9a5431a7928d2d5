"""Writing a dataset in another layout."""
