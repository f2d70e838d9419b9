"""What a MeasurementSet holds: summaries, listings, header values, statistics of visibilities."""
