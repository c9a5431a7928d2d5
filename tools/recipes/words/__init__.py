"""Settings as people write them on a command line."""
