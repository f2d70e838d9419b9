"""Simulated observations: antenna layouts, known skies, corruptions, and MeasurementSets made of them."""
