"""What the outside reads: the document of one comparison."""
