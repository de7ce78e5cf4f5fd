"""What tests are made with: fakes that are real servers, real programs under control, and makers of data."""
