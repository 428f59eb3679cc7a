"""Files as Vietnamese offices make them, made by us, each with what the desk must make of it."""
