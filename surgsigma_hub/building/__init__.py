"""From a source to shards: plan, map, shuffle, commit."""
