"""Files of INSEE: populations, ages, equipment, communes, the grid."""
