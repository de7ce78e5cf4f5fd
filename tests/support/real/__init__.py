"""Real archives: which Orthanc is started, archives of other makers, and what each tells of itself."""
