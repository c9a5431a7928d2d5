"""What a student's head learns from a teacher's outputs: losses, and how they enter the graph."""
