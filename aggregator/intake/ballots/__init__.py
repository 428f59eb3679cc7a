"""Paper ballots: what is printed on them, and how clerks type them by keyboard."""
