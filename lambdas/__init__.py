"""The functions that run on AWS Lambda, one module each."""
