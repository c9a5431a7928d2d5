"""Evaluation of exported models by ONNX Runtime; only this folder and export/ import it."""
