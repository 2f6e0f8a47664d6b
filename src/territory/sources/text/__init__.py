"""Text, numbers, codes and sheets as they are really written in official files, whoever their producer."""
