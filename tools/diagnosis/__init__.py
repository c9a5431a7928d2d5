"""`densefit doctor`: what of an installation and a machine works, and what to do otherwise."""
