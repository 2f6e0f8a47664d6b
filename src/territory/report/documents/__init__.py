"""What is handed over, one module per document."""
