"""The districts as squares: a sketch of who lies where, never a map (a public map needs review, 地图管理条例).

Columns run from west to east and rows from north to south. Positions are ours and only rough.
"""

from collections.abc import Mapping

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SIDE, HIGH, GAP = 62, 46, 4
CAPTION = "示意方格，不表示行政区划界线"

# code: (column, row, name on the tile)
PLACES: dict[str, tuple[int, int, str]] = {
    "500229": (7, 0, "城口"),
    "500154": (6, 1, "开州"),
    "500238": (7, 1, "巫溪"),
    "500235": (6, 2, "云阳"),
    "500236": (7, 2, "奉节"),
    "500237": (8, 2, "巫山"),
    "500155": (4, 3, "梁平"),
    "500101": (5, 3, "万州"),
    "500152": (0, 4, "潼南"),
    "500117": (1, 4, "合川"),
    "500109": (2, 4, "北碚"),
    "500157": (3, 4, "两江新区"),
    "500231": (4, 4, "垫江"),
    "500233": (5, 4, "忠县"),
    "500240": (6, 4, "石柱"),
    "500151": (0, 5, "铜梁"),
    "500120": (1, 5, "璧山"),
    "500106": (2, 5, "沙坪坝"),
    "500103": (3, 5, "渝中"),
    "500115": (4, 5, "长寿"),
    "500230": (5, 5, "丰都"),
    "500111": (0, 6, "大足"),
    "X50001": (1, 6, "高新区"),
    "500107": (2, 6, "九龙坡"),
    "500108": (3, 6, "南岸"),
    "500102": (4, 6, "涪陵"),
    "500156": (5, 6, "武隆"),
    "500243": (6, 6, "彭水"),
    "500114": (7, 6, "黔江"),
    "500153": (0, 7, "荣昌"),
    "500118": (1, 7, "永川"),
    "500104": (2, 7, "大渡口"),
    "500113": (3, 7, "巴南"),
    "500119": (4, 7, "南川"),
    "500242": (7, 7, "酉阳"),
    "500116": (1, 8, "江津"),
    "500110": (2, 8, "綦江"),
    "X50002": (3, 8, "万盛"),
    "500241": (7, 8, "秀山"),
}
_COLUMNS = 1 + max(column for column, _, _ in PLACES.values())
_ROWS = 1 + max(row for _, row, _ in PLACES.values())


def shade(value: int, highest: int) -> int:
    """0 for none, then 1–4 by quarters of the highest."""
    return 0 if value <= 0 else min(4, -(-4 * value // max(highest, 1)))


def draw(values: Mapping[str, int], links: Mapping[str, str], *, names: Mapping[str, str], unit: str) -> SafeString:
    """An SVG with one linked square a district; the figure stands in each. Districts without a link are only drawn."""
    highest = max((values.get(code, 0) for code in PLACES), default=0)
    squares = format_html_join("", "{}", ((_square(code, values, links, names, unit, highest),) for code in PLACES))
    return format_html(
        '<svg class="chart tiles" viewBox="-2 -2 {} {}" role="group" aria-label="各区县的件数，{}">{}</svg>',
        _COLUMNS * (SIDE + GAP) + 2,
        _ROWS * (HIGH + GAP) + 2,
        CAPTION,
        squares,
    )


def _square(
    code: str,
    values: Mapping[str, int],
    links: Mapping[str, str],
    names: Mapping[str, str],
    unit: str,
    highest: int,
) -> SafeString:
    column, row, short = PLACES[code]
    x, y, value = column * (SIDE + GAP), row * (HIGH + GAP), values.get(code, 0)
    body = format_html(
        '<rect class="q{}" x="{}" y="{}" width="{}" height="{}" rx="3"/><text x="{}" y="{}">{}</text>'
        '<text class="small" x="{}" y="{}">{}</text>',
        *(shade(value, highest), x, y, SIDE, HIGH, x + SIDE // 2, y + 20, short, x + SIDE // 2, y + 37, value),
    )
    link = links.get(code)
    if not link:
        return format_html("<g>{}</g>", body)
    return format_html('<a href="{}" aria-label="{} {} {}">{}</a>', link, names.get(code, short), value, unit, body)
