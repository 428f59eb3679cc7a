"""The database: tables, transactions, tallies and their roll-ups."""
