"""Single dishes: spectra of one antenna gridded onto the sky."""
