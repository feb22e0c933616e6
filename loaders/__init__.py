"""One module per source dataset; discovered by ``surgsigma_hub.source``."""
