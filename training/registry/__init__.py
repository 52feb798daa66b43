"""Where versions are kept: MLflow, and the models bucket."""
