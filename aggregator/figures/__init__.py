"""From stored tallies to figures: numbers with the explanation of how they were computed."""
