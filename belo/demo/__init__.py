"""The demos: the main job, and the feedback loop."""
