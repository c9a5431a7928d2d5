"""Compare ways of balancing heads, by trainings with several seeds."""
