"""Networks as files of other runtimes: ONNX, with the program that runs the file."""
