"""The shell: brings events to the core, and what the core decided to the topics. All I/O and time is here."""
