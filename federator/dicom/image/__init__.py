"""What an image's attributes say: how its pixels lie and become gray, where it is, what it is beside others.

In: an instance's attributes as DICOM JSON, whatever an archive made of them, and the number of a frame. Out: frozen
values (`header`, `tables`, `windows`, `overlays`), places and directions (`geometry`), and words (`describe`, `masks`,
`remarks`); `aspects` and `choice` say what tells images of a series apart, and which of them to show. No pixel is
decoded here; that is the matter of `pixels`, and `render` makes pictures.
"""
