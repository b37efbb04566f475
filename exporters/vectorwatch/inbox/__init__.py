"""The alert inbox: what Alertmanager sends, kept durably and shown as a person would read it.

It stands in for Slack and for a mail server until real ones are configured, and takes plain webhooks too. A
notification is on the disk before it is acknowledged; what cannot be stored is refused, so that the sender
tries again. The way of one notification: `routes` or `smtp` → a parser (`webhook`, `slack`, `mail`) →
`writer` → `journal` → `page`.
"""
