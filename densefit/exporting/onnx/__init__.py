"""SymbolGraph and numpy parameters -> an ONNX model; MXNet is not needed."""
