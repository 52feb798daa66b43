"""The steps from a listing event to a published prediction, one file a step."""
