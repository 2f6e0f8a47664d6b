"""Tables as files: CSV, Parquet, the workbook."""
