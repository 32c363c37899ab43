"""From untrusted text to HTML that can do nothing: markdown, fragments of HTML, terminal text, code.

Whatever agents, tools and models wrote is hostile until it has been through here. Nothing that comes out runs, loads
from the network, posts, styles the page around it or carries a name that the page could trip over.
"""

from __future__ import annotations

import functools
import html
import re

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from rich.style import Style
from rich.text import Text

PREFIX = "anb-"
"""Every class of ours starts with this, so that our styles meet nothing else on the page."""

_KEPT = """a abbr b blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins
    kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt u ul var"""
_DROPPED = """script style title textarea noscript template iframe object embed svg math select option form button
    noembed noframes xmp plaintext"""
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "td": {"colspan", "rowspan", "align"},
    "abbr": {"title"},
}
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+\Z")
_WEB_LINK = re.compile(r"https?://[^\s]+\Z", re.IGNORECASE)
_VALUES = {
    "href": _WEB_LINK,
    "src": _DATA_IMAGE,
    "width": re.compile(r"\d{1,4}\Z"),
    "height": re.compile(r"\d{1,4}\Z"),
    "start": re.compile(r"\d{1,9}\Z"),
    "colspan": re.compile(r"\d{1,4}\Z"),
    "rowspan": re.compile(r"\d{1,4}\Z"),
    "align": re.compile(r"(?:left|right|center)\Z"),
    "scope": re.compile(r"(?:row|col|rowgroup|colgroup)\Z"),
}


def escape(text: object) -> str:
    """Escape any text for element content and for quoted attributes."""
    return html.escape(_encodable(str(text)), quote=True)


def clean(fragment: str) -> str:
    """Sanitize a fragment of HTML: tables, lists, inline formatting, embedded pictures and web links remain.

    Tags are balanced, so a fragment cannot close what it was put into.
    """
    return nh3.clean(
        _encodable(fragment),
        tags=set(_KEPT.split()),
        clean_content_tags=set(_DROPPED.split()),
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes={"http", "https", "data"},
        link_rel="noopener nofollow",
        strip_comments=True,
    )


def is_empty(cleaned: str) -> bool:
    """Tell whether nothing to see is left of a fragment after ``clean`` (a widget or a plot that was all script)."""
    return "<img" not in cleaned and not html.unescape(re.sub(r"<[^>]*>", "", cleaned)).strip()


def markdown(text: str) -> str:
    """Render CommonMark with tables; HTML in it is shown as text, pictures from the network become links."""
    return clean(_markdown().render(_encodable(text)))


def code(source: str) -> str:
    """Highlight Python; the spans' classes carry ``PREFIX``."""
    return highlight(_encodable(source), PythonLexer(stripnl=False, ensurenl=False), _formatter())


def terminal(text: str) -> str:
    """Turn terminal text into spans: ANSI colours kept, other escape sequences and overwritten lines dropped."""
    lines = _decode(text)
    return "\n".join(_line(line) for line in lines)


def plain(text: str) -> str:
    """Strip terminal text of everything but its characters."""
    return "\n".join(line.plain for line in _decode(text))


def _keep_attribute(_tag: str, name: str, value: str) -> str | None:
    pattern = _VALUES.get(name)
    if pattern is None:
        return value
    value = value.strip()
    return value if pattern.match(value) else None


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def _picture(_renderer: RendererHTML, tokens: list[Token], index: int, _options: object, _env: object) -> str:
    token = tokens[index]
    source, words = str(token.attrs.get("src", "")), token.content or "picture"
    if _DATA_IMAGE.match(source):
        return f'<img src="{escape(source)}" alt="{escape(words)}">'
    return f'<a href="{escape(source)}">{escape(words)}</a>'


@functools.cache
def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _picture)
    return parser


@functools.cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True, classprefix=PREFIX)


def _decode(text: str) -> list[Text]:
    text = _encodable(text).replace("\r\n", "\n")
    if "\x1b" not in text and "\r" not in text and "\b" not in text:
        return [Text(line) for line in text.split("\n")]
    # rich splits at every odd line end that Python knows; only \n is one in a notebook's output
    from rich.ansi import AnsiDecoder

    decoder = AnsiDecoder()
    return [decoder.decode_line(line) for line in text.split("\n")]


def _line(line: Text) -> str:
    if not line.spans:
        return escape(line.plain)
    pieces: list[str] = []
    for span_start, span_end, style in _flat(line):
        piece = escape(line.plain[span_start:span_end])
        classes, css = _css(style)
        attributes = (f' class="{classes}"' if classes else "") + (f' style="{css}"' if css else "")
        pieces.append(f"<span{attributes}>{piece}</span>" if attributes else piece)
    return "".join(pieces)


def _flat(line: Text) -> list[tuple[int, int, Style]]:
    """Cut a line where its style changes; the decoder's spans never overlap."""
    parts: list[tuple[int, int, Style]] = []
    at = 0
    for span in line.spans:
        if span.start > at:
            parts.append((at, span.start, Style.null()))
        style = span.style if isinstance(span.style, Style) else Style.null()
        parts.append((span.start, span.end, style))
        at = span.end
    if at < len(line.plain):
        parts.append((at, len(line.plain), Style.null()))
    return parts


def _css(style: Style) -> tuple[str, str]:
    """Give classes for the 16 named colours, which follow the theme, and inline colours for all others."""
    classes = [
        f"{PREFIX}{word}"
        for word, given in (("bold", style.bold), ("italic", style.italic), ("under", style.underline))
        if given
    ]
    rules: list[str] = []
    for colour, kind, rule in ((style.color, "fg", "color"), (style.bgcolor, "bg", "background-color")):
        if colour is None or colour.is_default:
            continue
        if colour.number is not None and colour.number < 16:
            classes.append(f"{PREFIX}{kind}{colour.number % 8}")
        else:
            rules.append(f"{rule}:{colour.get_truecolor().hex}")
    return " ".join(classes), ";".join(rules)
