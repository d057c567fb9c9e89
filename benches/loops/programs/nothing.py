"""Start-up alone."""
