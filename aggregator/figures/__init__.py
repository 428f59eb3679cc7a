"""From stored tallies to rows of figures that know how they were made."""
