"""The databases that persist can keep things in: one file per URL scheme."""
