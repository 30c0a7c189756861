"""What tasks call: a module per flow, a function per task, each safe to run again at any time."""
