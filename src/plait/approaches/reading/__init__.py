"""What a model reads of a text: its tokens, words and slices, and what is left out."""
