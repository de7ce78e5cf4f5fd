"""What the bytes of one file in a folder hold: its header, all its attributes, its pixels (PS3.5, PS3.10).

In: a path. Out: DICOM JSON, frames, or in words why not. Nothing here waits for another program, trusts what a file
says of its size, or knows of the other files.
"""
