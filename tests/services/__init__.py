"""Real services for the tests, started on loopback: brokers, an IMAP server, a browser."""
