"""The style sheet of the static HTML: small, scoped by class prefix, in Jupyter's theme variables.

Outside of Jupyter the fallbacks count: VS Code's variables first, then light or dark as the reader's system prefers.
"""

from __future__ import annotations

import functools

_SHEET = """
.anb{--anb-bg:var(--jp-layout-color0,var(--vscode-editor-background,#fff));
--anb-fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1f2328));
--anb-dim:var(--jp-content-font-color2,var(--vscode-descriptionForeground,#59636e));
--anb-line:var(--jp-border-color2,var(--vscode-panel-border,#d8dee4));
--anb-soft:var(--jp-layout-color1,var(--vscode-textCodeBlock-background,#f6f8fa));
--anb-link:var(--jp-content-link-color,#0969da);
--anb-mono:var(--jp-code-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,monospace);
background:var(--anb-bg);color:var(--anb-fg);border:1px solid var(--anb-line);border-radius:8px;overflow:hidden;
font:14px/1.5 var(--jp-content-font-family,system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif);
max-width:1000px;text-align:left}
@media (prefers-color-scheme:dark){.anb{--anb-bg:var(--jp-layout-color0,var(--vscode-editor-background,#15181d));
--anb-fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,#e3e6ea));
--anb-dim:var(--jp-content-font-color2,var(--vscode-descriptionForeground,#9aa3ad));
--anb-line:var(--jp-border-color2,var(--vscode-panel-border,#343a42));
--anb-soft:var(--jp-layout-color1,var(--vscode-textCodeBlock-background,#1d2127));
--anb-link:var(--jp-content-link-color,#5aa2f7)}}
.anb *{box-sizing:border-box}
.anb p{margin:.35em 0}
.anb a{color:var(--anb-link)}
.anb-done,.anb-completed{--anb-state:#1f8a4c}
.anb-failed,.anb-crashed,.anb-rejected{--anb-state:#cf3a41}
.anb-limit,.anb-blocked{--anb-state:#b07712}
.anb-cancelled,.anb-pending{--anb-state:#717a85}
.anb-running,.anb-in_progress,.anb-thinking,.anb-acting{--anb-state:#1f6fd6}
.anb-paused,.anb-waiting,.anb-open{--anb-state:#8058c9}
.anb-allowed,.anb-answered{--anb-state:#1f8a4c}.anb-denied{--anb-state:#cf3a41}
.anb-head{padding:12px 16px;border-left:4px solid var(--anb-state)}
.anb-title{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap}
.anb-title>b{font-size:15px;flex:1 1 60%;overflow-wrap:anywhere}
.anb-badge{background:var(--anb-state);color:#fff;border-radius:999px;padding:1px 10px 2px;font-size:12px;
font-weight:600;white-space:nowrap}
.anb-facts{color:var(--anb-dim);font-size:12.5px;font-variant-numeric:tabular-nums}
.anb-head .anb-facts{margin-top:3px}
.anb-why{margin-top:8px;padding:7px 11px;border-radius:6px;overflow-wrap:anywhere;
background:color-mix(in srgb,var(--anb-state) 11%,transparent);
border:1px solid color-mix(in srgb,var(--anb-state) 35%,transparent)}
.anb-part{border-top:1px solid var(--anb-line);padding:10px 16px}
.anb-label{font-size:11px;font-weight:600;letter-spacing:.06em;text-transform:uppercase;color:var(--anb-dim)}
.anb-label code{text-transform:none;letter-spacing:0;font-size:12px}
.anb-line{display:block;max-width:100%;height:auto;margin:4px 0 0}
.anb details{margin:0}
.anb summary{cursor:pointer;list-style:none;display:flex;gap:8px;align-items:baseline}
.anb summary::-webkit-details-marker{display:none}
.anb summary::before{content:"\\25B8";color:var(--anb-dim);flex:none;width:10px;font-size:11px;
transition:transform .1s}
.anb details[open]>summary::before{transform:rotate(90deg)}
.anb summary:hover{background:color-mix(in srgb,var(--anb-fg) 4%,transparent)}
.anb-say{flex:1 1 auto;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.anb details[open]>summary>.anb-say{white-space:normal}
.anb details[open]>summary>.anb-gist{visibility:hidden;white-space:nowrap}
.anb summary .anb-facts{flex:none;white-space:nowrap}
.anb-mark{flex:none;font-weight:700;width:13px;text-align:center;
color:color-mix(in srgb,var(--anb-state) 82%,var(--anb-fg))}
.anb-who{flex:none;font-weight:600}
.anb summary>b{flex:none;white-space:nowrap}
.anb-dot{display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:6px}
.anb-task{border:1px solid var(--anb-line);border-radius:7px;margin:8px 0!important;background:var(--anb-bg)}
.anb-task>summary{padding:6px 10px;border-radius:7px;background:var(--anb-soft)}
.anb-in{padding:2px 12px 8px 12px}
.anb-brief{color:var(--anb-dim);white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;margin:6px 0}
.anb-step{border-top:1px solid color-mix(in srgb,var(--anb-line) 60%,transparent)}
.anb-in>.anb-step:first-child,.anb-brief+.anb-step{border-top:0}
.anb-step>summary{padding:5px 0}
.anb-step>.anb-body{padding:0 0 10px 18px;border-left:2px solid var(--anb-line);margin:0 0 6px 4px}
.anb-left{color:var(--anb-dim);font-size:12.5px;padding:4px 0}
.anb pre{font-family:var(--anb-mono);font-size:12.5px;line-height:1.45;margin:6px 0;white-space:pre-wrap;
overflow-wrap:anywhere;background:none;color:inherit;border:0;padding:0}
.anb pre.anb-code{background:var(--anb-soft);border:1px solid var(--anb-line);border-radius:6px;padding:8px 11px}
.anb code{font-family:var(--anb-mono);font-size:.9em;background:var(--anb-soft);color:inherit;padding:1px 4px;
border-radius:4px}
.anb pre code{background:none;padding:0;font-size:inherit}
.anb-out{margin:6px 0;overflow-x:auto}
.anb-out pre{max-height:420px;overflow:auto}
.anb-stderr{background:color-mix(in srgb,#cf3a41 9%,transparent)!important;padding:4px 8px!important;border-radius:5px}
.anb-out img,.anb-body img{max-width:100%;height:auto;background:#fff;border-radius:4px}
.anb table{border-collapse:collapse;font-size:12.5px;margin:6px 0;color:inherit;border:0;table-layout:auto;
font-variant-numeric:tabular-nums}
.anb th,.anb td{padding:3px 10px;text-align:right;border:0;border-bottom:1px solid var(--anb-line);background:none;
max-width:none;white-space:normal}
.anb thead th{border-bottom:1.5px solid var(--anb-dim);vertical-align:bottom}
.anb tbody tr{background:none}
.anb tbody tr:hover{background:color-mix(in srgb,var(--anb-fg) 4%,transparent)}
.anb .anb-roster{width:100%}
.anb .anb-roster th,.anb .anb-roster td{text-align:left;vertical-align:top}
.anb-chips{display:flex;flex-wrap:wrap;gap:5px;margin:6px 0;padding:0;list-style:none}
.anb-chips li{font:12px var(--anb-mono);border-radius:5px;padding:1px 8px;margin:0;overflow-wrap:anywhere;
border:1px solid color-mix(in srgb,var(--anb-c) 45%,transparent);
background:color-mix(in srgb,var(--anb-c) 12%,transparent)}
.anb-added{--anb-c:#1f8a4c}.anb-rebound{--anb-c:#1f6fd6}.anb-mutated{--anb-c:#b07712}.anb-deleted{--anb-c:#cf3a41}
.anb-detail{color:var(--anb-dim);font-size:11.5px}.anb-undone li{text-decoration:line-through;opacity:.7}
.anb-request{border-left:3px solid #8058c9;padding:4px 10px;margin:6px 0}
.anb-note{font-size:12.5px;color:var(--anb-dim);border-left:3px solid #b07712;padding:1px 9px;margin:6px 0}
.anb-error{border:1px solid color-mix(in srgb,#cf3a41 40%,transparent);border-radius:6px;padding:6px 11px;margin:6px 0;
background:color-mix(in srgb,#cf3a41 7%,transparent);overflow-wrap:anywhere}
.anb-error pre{max-height:360px;overflow:auto}
.anb-bold{font-weight:700}.anb-italic{font-style:italic}.anb-under{text-decoration:underline}
@media (max-width:640px){.anb-part,.anb-head{padding-left:10px;padding-right:10px}
.anb summary .anb-facts{display:none}.anb-in{padding-left:8px;padding-right:8px}}
@media print{.anb{border:0}.anb-out pre,.anb-error pre{max-height:none}}
"""

_ANSI = ("#6b7280", "#cf3a41", "#2a8f55", "#a97b10", "#2f74d0", "#a94fb0", "#16899a", "inherit")

_SYNTAX = {
    "k kn kr kd ow": ("--jp-mirror-editor-keyword-color", "#8250df", "#c792ea"),
    "kc bp": ("--jp-mirror-editor-atom-color", "#0550ae", "#79c0ff"),
    "s s1 s2 sa sd se si sr ss sx": ("--jp-mirror-editor-string-color", "#0a7d33", "#9ece8a"),
    "mi mf mh mo": ("--jp-mirror-editor-number-color", "#0a6fb8", "#f0a779"),
    "c c1 ch cm": ("--jp-mirror-editor-comment-color", "#6e7781", "#7f8a96"),
    "nf nc": ("--jp-mirror-editor-def-color", "#1455c0", "#7fb2ff"),
    "nb": ("--jp-mirror-editor-builtin-color", "#0d7a75", "#6fcfc4"),
    "nd": ("--jp-mirror-editor-meta-color", "#8a5a00", "#e0b566"),
    "o": ("--jp-mirror-editor-operator-color", "#57606a", "#a5b0bc"),
}


@functools.cache
def style_sheet() -> str:
    """Give the sheet as the text of a ``<style>`` element, the same for every record."""
    ansi = "".join(
        f".anb-fg{number}{{color:{colour}}}.anb-bg{number}{{background-color:{colour}}}"
        for number, colour in enumerate(_ANSI)
    )
    light = "".join(_rule(kinds, variable, colour) for kinds, (variable, colour, _) in _SYNTAX.items())
    dark = "".join(_rule(kinds, variable, colour) for kinds, (variable, _, colour) in _SYNTAX.items())
    sheet = f"{_SHEET}{ansi}{light}@media (prefers-color-scheme:dark){{{dark}}}"
    return sheet.replace("\n", "")


def _rule(kinds: str, variable: str, colour: str) -> str:
    selector = ",".join(f".anb .anb-{kind}" for kind in kinds.split())
    return f"{selector}{{color:var({variable},{colour})}}"
