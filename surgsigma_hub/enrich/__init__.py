"""Enriching: captions and traces of a built tree in a model's words, kept only where a checker finds no false claim."""
