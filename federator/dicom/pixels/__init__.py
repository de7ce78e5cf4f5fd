"""From encoded bytes to stored values (PS3.5 §8).

    bytes of a file    part10.py ──┐
    metadata + frame ──────────────┴─ encoded.py → decode.py → stored values

In: a file, or a frame and its attributes. Out: arrays of stored values, or a ContentError in our words. What the stream
says of itself (`codestream`) wins over the header (`samples`); what crashes runs in a process of its own (`apart`).
"""
