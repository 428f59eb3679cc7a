"""What comes in: submissions by HTTP or file, dossiers, tables of bounds."""
