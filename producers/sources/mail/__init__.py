"""The mail source: one mailbox of the centre, over IMAP or from a Maildir; headers only."""
