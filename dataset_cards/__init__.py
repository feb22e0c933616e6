"""One Markdown card per source and per task, shipped as package data."""
