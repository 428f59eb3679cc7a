"""Schedules of random faults between a tap and its tally, against real processes."""
