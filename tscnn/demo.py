"""The main job on the bundled data."""
