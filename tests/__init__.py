"""What proves that federator does what it says."""
