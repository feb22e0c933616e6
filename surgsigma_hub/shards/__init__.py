"""WebDataset tars, manifests and their index."""
