"""Every table and column declared once, as data: what others check, label and format comes from here."""
