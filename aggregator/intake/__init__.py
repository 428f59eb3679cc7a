"""Reads what comes in: submissions by HTTP or file, and CSV files of dossiers and bounds."""
