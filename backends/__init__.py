"""The databases that persist can store data in: one file per URL scheme."""
