"""FINESS in each of its forms: establishments, activities, places."""
