"""The recipe: features, learners, and the ONNX graph that serves."""
