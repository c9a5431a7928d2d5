"""The compute engine on MXNet: the one folder beside interop/ that knows its arrays."""
