"""How a file is replaced, locked and digested, and how arrays are kept: bytes and folders, never what they mean."""
