"""Looks for what is legal in an account's file and probably wrong. Pure.

::

    facts, finding         what rules look at: an account, and where in its file things stand; what they find
    at_kit, last_events    what some look at besides: what Kit has, and the events that came last
    logic, spelling        which rules of an event match together; which names are nearly the same
    tags, tag_names        rules about tags: whether they ever go again; how they are written
    placeholders, times    … about braces, and about moments
    conditions, together   … about one rule's conditions, and about the rules of an event together
    events, fields         … about event types, and about custom fields
    options, accounts      … about an account's options, and about all accounts together
    by_kit, by_kit_fields  … about tags and custom fields beside what Kit has
    by_events              … about what the file says beside the events that came
    off                    comments that turn a rule off
    lint                   `lint`: all rules, in order
"""
