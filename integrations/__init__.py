"""persist inside command frameworks: one file per framework."""
