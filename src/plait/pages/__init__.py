"""Pages: values in; one HTML file out that opens from disk, with nothing from elsewhere."""
