"""Parts of a document, from what was read of a run to blocks."""
