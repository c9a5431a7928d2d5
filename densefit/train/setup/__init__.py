"""Setup of a training: from the arguments of `fit` to a loop that is ready to run."""
