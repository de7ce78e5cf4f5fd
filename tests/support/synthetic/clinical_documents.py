"""Clinical documents (HL7 CDA R2) made up for tests."""

import base64

SAMPLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
  <title>Radiology report</title>
  <effectiveTime value="20240131091500+0100"/>
  <recordTarget><patientRole><patient>
    <name><given>Anna</given> <family>M\xc3\xbcller</family></name>
  </patient></patientRole></recordTarget>
  <author><assignedAuthor><assignedPerson>
    <name>Jane <family>Roe</family></name>
  </assignedPerson></assignedAuthor></author>
  <component><structuredBody>
    <component><section><title>Findings</title>
      <text><paragraph>Nodule of <content styleCode="Bold">8 mm</content>.</paragraph>
        <list><item>right</item><item>upper lobe</item></list>
        <table>
          <thead><tr><th>Lesion</th><th>2021</th><th>2024</th></tr></thead>
          <tbody><tr><td>1</td><td/><td>8 mm</td></tr></tbody>
        </table>
      </text>
      <component><section><title>Heart</title><text>Normal<br/>in size</text></section></component>
      <entry><observation><code code="1" displayName="not narrative"/><value>NOT NARRATIVE</value></observation></entry>
    </section></component>
  </structuredBody></component>
</ClinicalDocument>"""


def document(body: str, *, title: str = "Report", declared: str = "UTF-8", encoding: str = "utf-8") -> bytes:
    """A document around the XML of its body, a nonXMLBody or a structuredBody."""
    return (
        f'<?xml version="1.0" encoding="{declared}"?><ClinicalDocument xmlns="urn:hl7-org:v3">'
        f"<title>{title}</title><component>{body}</component></ClinicalDocument>"
    ).encode(encoding)


def section(narrative: str, *, title: str = "Findings", entries: str = "") -> str:
    """A structuredBody with one section of this narrative block."""
    inner = f"<section><title>{title}</title><text>{narrative}</text>{entries}</section>"
    return f"<structuredBody><component>{inner}</component></structuredBody>"


def other_body(content: bytes, media_type: str, *, attributes: str = "") -> str:
    """A nonXMLBody that holds another document in base64, in lines as mail programs break them."""
    encoded = base64.encodebytes(content).decode()
    return f'<nonXMLBody><text mediaType="{media_type}" representation="B64" {attributes}>{encoded}</text></nonXMLBody>'
