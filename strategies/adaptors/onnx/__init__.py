"""ONNX Runtime: what of a graph can be quantised, how, and the model that comes of it."""
