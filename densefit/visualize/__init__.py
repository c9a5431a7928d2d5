"""Drawing of predictions."""
