"""What the console script knows of its commands: names, help pages, completion."""
