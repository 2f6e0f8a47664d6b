"""The workbook that a MDPH or an establishment fills in: written, sent, read back."""
