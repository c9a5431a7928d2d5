"""The subcommands of `tools/score.py`."""
