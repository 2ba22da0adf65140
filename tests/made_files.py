"""Small honest files for tests: what the gate takes, so that every refusal proves something."""

import io
import zipfile

from PIL import Image

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


def pdf(said: str = "", *, size: int = 0) -> bytes:
    """Another PDF for every text; with `size` bytes of comment."""
    return PDF.replace(b"\n", f"\n% {said}{'0' * size}\n".encode(), 1)


def picture(form: str, *, width: int = 8, height: int = 6, **options: object) -> bytes:
    """A picture as «JPEG» or «PNG»."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, form, **options)
    return out.getvalue()


def package(*names: str, body: bytes = b"<x/>") -> bytes:
    """A ZIP with these members; always the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as target:
        for name in names:
            target.writestr(zipfile.ZipInfo(name), body)
    return made.getvalue()


JPG, PNG, OFD = picture("JPEG"), picture("PNG"), package("OFD.xml", "Doc_0/Document.xml")
