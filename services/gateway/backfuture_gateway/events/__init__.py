"""The stream of changes to browsers and scripts."""
