"""Objects that are no images: what they are, what they say of themselves, which images they refer to, what reads them.

In: a SOP Class UID, or an instance's metadata as DICOM JSON. Out: words and plain UIDs. It knows nothing of archives
and tags, and decodes nothing; pictures are the matter of `render`, reports of `report`.
"""
