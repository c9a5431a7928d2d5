"""The data of recipes: datasets, splits, streams and loaders."""
