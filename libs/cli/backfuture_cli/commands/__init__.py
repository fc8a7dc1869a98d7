"""One module for each family of commands; each registers its own with the app."""
