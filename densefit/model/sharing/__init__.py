"""What heads share of a backbone, and what each has for itself."""
