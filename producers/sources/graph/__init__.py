"""Mailboxes of Exchange Online, over Microsoft Graph."""
