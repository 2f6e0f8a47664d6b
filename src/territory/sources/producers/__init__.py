"""One folder of readers per producer: a validated table, or one error with every problem; no indicator is computed."""
