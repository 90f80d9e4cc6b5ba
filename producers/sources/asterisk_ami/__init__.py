"""The manager interface of an Asterisk exchange: the same calls as in its queue_log, live."""
