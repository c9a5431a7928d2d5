"""The compute engine on MXNet; only this folder and interop/ use its arrays."""
