"""From samples to what trainers eat, and back: formats, a collator, rewards."""
