"""A training by a recipe, from its folder to its scores."""
