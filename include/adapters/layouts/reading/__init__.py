"""The engine that runs layouts over files: raw bytes to Parquet lines and quarantine."""
