"""The configurator: a tray icon and a local settings page."""
