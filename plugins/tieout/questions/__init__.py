"""What people answer in *Required Actions*: an operator each, parked without a worker slot."""
