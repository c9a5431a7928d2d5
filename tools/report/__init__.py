"""Tables, plots and images of scores."""
