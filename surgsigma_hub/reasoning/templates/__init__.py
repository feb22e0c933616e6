"""The sentences of reasoning traces, by kind of sentence."""
