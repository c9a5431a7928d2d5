"""Read and write the YAML of recipes, run records and command lines."""
