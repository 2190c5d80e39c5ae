"""Guards who walk and guards who cheat, pretended and labelled; it knows nothing of detectors."""
