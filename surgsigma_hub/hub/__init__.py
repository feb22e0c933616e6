"""What a published tree says of itself: cards, configs, loading."""
