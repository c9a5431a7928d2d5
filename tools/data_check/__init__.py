"""Check the data of a recipe: annotations, files, headers, equal images, labels."""
