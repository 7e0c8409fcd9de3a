"""Statements, signatures, ledger and dossier; it knows nothing of what the statements claim.

The flow, each module above the next: `verifying` and `releasing` read whole folders through `manifest` and
`dossier`; a dossier is a `ledger` of `envelope`s; an envelope is a `statements` value in `canonical` bytes
signed with `keys`. `documents/` turns statements into papers for people.
"""
