"""Tables, plots and pictures of scores."""
