"""Everything that counts: takes submissions exactly once, keeps tallies, shows figures."""
