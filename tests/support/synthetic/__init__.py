"""Objects made up for tests: images, reports and documents of nobody."""
