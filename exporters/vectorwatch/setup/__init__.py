"""What must be there before the stack starts: random secrets, default receivers, empty profile lists.

Runs to its end each time the stack is brought up and changes nothing that is already right. It is the only
program that writes secrets; each service gets a volume of its own, whose files only its user can read.
"""
