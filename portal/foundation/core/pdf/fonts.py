"""Typefaces of the papers: compact TrueType cuts of the bundled Noto typefaces, never the typefaces themselves.

Why cuts: WeasyPrint copies and walks the whole font file for every document; some 7,000 everyday characters make that
cheap and the PDF small. A paper with a rarer character gets a small supplement, cut for just that paper.

Why TrueType: the sources are CID-keyed OpenType (CFF) whose glyph numbers differ from their CIDs. WeasyPrint writes
glyph numbers where the PDF standard expects CIDs. Poppler and PDFium forgive that; MuPDF draws blanks, while text
extraction still reads Chinese everywhere. It happens with a cut of the CFF font and with the complete one alike.
Outlines in ``glyf`` have no CIDs to get wrong.

``python -m portal.foundation.core.pdf.fonts DIRECTORY`` cuts ahead of time (image build, first start).
"""

import contextlib
import fcntl
import functools
import hashlib
import importlib.util
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Raise when the cut would come out differently for the same sources.
RECIPE = 1
# Largest distance, in font units of 1/1000 em, between a cubic outline and the quadratic one that replaces it.
TOLERANCE = 0.6
# Substitutions and positions of horizontal text. The vertical and alternate forms would triple the glyph count.
FEATURES = ["ccmp", "liga", "calt", "kern", "mark", "mkmk"]
DROPPED_TABLES = ["BASE", "DSIG", "VORG", "vhea", "vmtx"]
# Fields that a ``maxp`` table has for TrueType and lacks for CFF.
MAXIMA = (
    *("maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs", "maxStackElements"),
    *("maxSizeOfInstructions", "maxComponentElements", "maxComponentDepth", "maxPoints", "maxContours"),
    *("maxCompositePoints", "maxCompositeContours"),
)
# Signs outside GB 2312 that papers use, and letters that people type.
EXTRA = (
    "\u00a0¢£¥€§©®°±²³µ·¹¼½¾×÷‐–—―‘’“”…‰′″※№℃™ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳≤≥≠≈■□▲△●○★☆✓〇《》「」『』【】〔〕〖〗￥％"
)
# Given names of the 通用规范汉字表 which GB 2312 left out, common enough to meet daily.
NAMES = "喆堃玥珺琎琰璟祎铖镕淏昇晞翀邨菡蘅骁骐枬栢珮琤瑄瑨瓘祾禔秾旸昉昫晳甦淼焱垚犇骉鑫曌媖嫄嫕婳啓隺頔颋飏骎昪"


@dataclass(frozen=True)
class Face:
    """One typeface: CSS family and weight, its complete source file and the importable package that carries it."""

    family: str
    weight: int
    package: str
    source: str

    @property
    def path(self) -> Path:
        """Return the complete source file. Raises FileNotFoundError with a sentence when its package is missing."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f"缺少字体包 {self.package}，请重新安装 requirements/base.txt。")
        path = Path(spec.origin).with_name(self.source)
        if not path.is_file():
            raise FileNotFoundError(f"字体包 {self.package} 中没有 {self.source}，请重新安装 requirements/base.txt。")
        return path


FACES = (
    Face("Portal Serif", 400, "pylopdf_fonts_zh_cn", "NotoSerifSC-Regular.otf"),
    Face("Portal Sans", 400, "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"),
    Face("Portal Sans", 700, "noto_cjk_sans_jp_bold", "NotoSansCJKjp-Bold.otf"),
)


@functools.cache
def everyday_characters() -> frozenset[str]:
    """Return what the cuts can draw: GB 2312 (both levels and its signs), Latin-1, and the extras above."""
    found = set(EXTRA + NAMES)
    found.update(chr(point) for point in (*range(0x20, 0x7F), *range(0xA0, 0x100)))
    for row in (*range(0xA1, 0xAA), *range(0xB0, 0xF8)):
        for cell in range(0xA1, 0xFF):
            with contextlib.suppress(UnicodeDecodeError):
                found.add(bytes((row, cell)).decode("gb2312"))
    return frozenset(found)


def cut_path(face: Face, directory: Path) -> Path:
    """Return the file of a face's cut; its name changes with source, character set, tolerance and recipe."""
    source = face.path
    key = f"{RECIPE} {TOLERANCE} {FEATURES} {source.name} {source.stat().st_size} {''.join(sorted(everyday_characters()))}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return directory / f"{face.family.replace(' ', '')}-{face.weight}-{digest}.ttf"


def prepare(directory: Path) -> dict[Face, Path]:
    """Cut what is not cut yet and return the file of every face. About 13 s the first time, then microseconds.

    Safe with several processes: one cuts, the others wait; a file appears whole or not at all.
    Raises FileNotFoundError when a font package is missing, OSError when the directory cannot be written or is
    not ours (a stranger who owns it could have planted typefaces there).
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if directory.stat().st_uid not in (os.getuid(), 0):
        raise PermissionError(f"字体缓存目录 {directory} 属于其他用户，请删除它，或用 PORTAL_DATA 指定别的数据目录。")
    paths = {face: cut_path(face, directory) for face in FACES}
    if all(path.is_file() for path in paths.values()):
        return paths
    with _only_one(directory / ".lock"):
        for face, path in paths.items():
            if not path.is_file():
                part = path.with_suffix(f".{os.getpid()}.part")
                cut(face, part, everyday_characters(), FEATURES)
                part.replace(path)
    return paths


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def cut(face: Face, target: Path, characters: frozenset[str], features: Sequence[str] = ()) -> frozenset[str]:
    """Write a TrueType font with these characters of a face to `target`; return those the face cannot draw.

    The same characters give the same bytes on every machine.
    """
    # fontTools costs 0.2 s to import and is needed only here.
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    options = Options(
        layout_features=list(features),
        name_IDs=[0, 1, 2, 4, 5, 6, 13, 14],  # copyright and licence travel with the outlines (OFL)
        hinting=False,
        drop_tables=DROPPED_TABLES if features else [*DROPPED_TABLES, "GDEF", "GPOS", "GSUB"],
    )
    with TTFont(face.path, lazy=True) as font:
        _build_in_mainland_shapes(font)
        unknown = frozenset(characters - {chr(point) for point in font.getBestCmap()})
        # Set the outlines aside and cut only the other tables: cutting CFF as well would triple the time.
        outlines = font["CFF "].cff[0].CharStrings
        font.getGlyphOrder()
        del font["CFF "]
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=[ord(character) for character in characters])
        subsetter.subset(font)
        _add_truetype(font, outlines)
        # The date of the cut would make two machines embed different bytes for one paper.
        font.recalcTimestamp = False
        font.save(target)
    return unknown


def _build_in_mainland_shapes(font: Any) -> None:
    """Point the character map at the glyphs that ``locl`` chooses for simplified Chinese.

    The bold source is pan-regional and draws Japanese shapes otherwise; in all three the dashes and quotation marks
    get their full width this way. Keeping ``locl`` itself would drag the other regions' glyphs into the cut.
    """
    layout = font["GSUB"].table
    chosen: dict[str, str] = {}
    for script in layout.ScriptList.ScriptRecord:
        for language in script.Script.LangSysRecord:
            if script.ScriptTag != "hani" or language.LangSysTag.strip() != "ZHS":
                continue
            for index in language.LangSys.FeatureIndex:
                feature = layout.FeatureList.FeatureRecord[index]
                if feature.FeatureTag != "locl":
                    continue
                for number in feature.Feature.LookupListIndex:
                    for table in layout.LookupList.Lookup[number].SubTable:
                        chosen.update(getattr(table, "ExtSubTable", table).mapping)
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format != 14:
            table.cmap = {point: chosen.get(name, name) for point, name in table.cmap.items()}


def _add_truetype(font: Any, outlines: Any) -> None:
    """Give the cut font quadratic ``glyf`` outlines drawn from cubic CFF ones, within TOLERANCE."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import newTable

    order = font.getGlyphOrder()
    glyphs = {}
    for name in order:
        pen = TTGlyphPen(None)
        # PostScript outlines turn the other way round.
        outlines[name].draw(Cu2QuPen(pen, TOLERANCE, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"] = newTable("loca")
    font["glyf"] = glyf = newTable("glyf")
    glyf.glyphOrder = order
    glyf.glyphs = glyphs
    for name, glyph in glyphs.items():
        # The left bearing must equal the outline's left edge, or readers shift the glyph ("（" drifts to the left).
        glyph.recalcBounds(glyf)
        font["hmtx"].metrics[name] = (font["hmtx"].metrics[name][0], glyph.xMin if glyph.numberOfContours else 0)
    limits = font["maxp"]
    limits.tableVersion = 0x00010000
    # Instructions there are none; fontTools recounts points and contours when it saves.
    for field in MAXIMA:
        setattr(limits, field, 0)
    limits.maxZones = 1
    post = font["post"]
    post.formatType = 3.0
    font.sfntVersion = "\x00\x01\x00\x00"


def rare_characters(text: str) -> frozenset[str]:
    """Return the printable characters of a text that the everyday cuts cannot draw."""
    return frozenset(
        character
        for character in set(text) - everyday_characters()
        if not character.isspace() and unicodedata.category(character) not in {"Cc", "Cf", "Mn"}
    )


if __name__ == "__main__":
    for made in prepare(Path(sys.argv[1])).values():
        print(made, made.stat().st_size)
