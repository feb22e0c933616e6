"""Looking at a tree in a browser: a gallery of samples, drawn and escaped, on a page of Gradio."""
