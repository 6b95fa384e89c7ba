# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page looks: the style sheet, in light and dark, and the signs of the verdicts.

Colours of text have a contrast of 4.5 and more with what is behind them; the test of the page in a browser computes it.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._picture.style import shared_sheet
from ansible_collections.inference.ollama.plugins.plugin_utils._report.markup import Markup

# A verdict is told by word and sign as well as by colour.
_PATHS = {
    "fail": "M4 4l8 8M12 4l-8 8",
    "unreachable": "M2 8h4M10 8h4M7 4v8M9 4v8",
    "refused": "M8 2a6 6 0 100 12A6 6 0 008 2zM4 12L12 4",
    "unknown": "M5.5 6a2.5 2.5 0 113.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12.6v.4",
    "pass": "M3 8.5l3.5 3.5L13 4.5",
}
SIGNS = Markup(
    '<svg class="signs" width="0" height="0" aria-hidden="true">'
    + "".join(
        f'<symbol id="sign-{name}" viewBox="0 0 16 16"><path d="{path}"/></symbol>' for name, path in _PATHS.items()
    )
    + "</svg>"
)

_LIGHT = {
    "ground": "#f5f6f8",
    "sheet": "#ffffff",
    "text": "#1b1f24",
    "muted": "#555e68",
    "line": "#dde1e6",
    "link": "#0b5cad",
    "fail": "#b3261e",
    "fail-ink": "#ffffff",
    "unreachable": "#41484f",
    "unreachable-ink": "#ffffff",
    "refused": "#8a4b00",
    "refused-ink": "#ffffff",
    "unknown": "#e4e7ec",
    "unknown-ink": "#333b44",
    "pass": "#d7f0df",
    "pass-ink": "#0c5a2b",
    "alarm": "#fdf1f0",
}
_DARK = {
    "ground": "#0d1014",
    "sheet": "#161b21",
    "text": "#e6eaef",
    "muted": "#a3adb8",
    "line": "#2a323b",
    "link": "#7cb8f5",
    "fail": "#ff8a80",
    "fail-ink": "#2d0603",
    "unreachable": "#c3cad2",
    "unreachable-ink": "#14181d",
    "refused": "#ffb866",
    "refused-ink": "#2e1a00",
    "unknown": "#2d353f",
    "unknown-ink": "#d3dae2",
    "pass": "#12391f",
    "pass-ink": "#8fe0aa",
    "alarm": "#2a1615",
}
_RULES = """\
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;padding:1.5rem clamp(.75rem,3vw,2.5rem) 4rem;background:var(--ground);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
header,main,footer{max-width:84rem;margin:0 auto}
h1,h2,h3,h4,p,ul{margin:0}
h1{font-size:clamp(1.5rem,1.1rem + 1.8vw,2.1rem);line-height:1.2;letter-spacing:-.015em;font-weight:650}
h2{font-size:1.05rem;font-weight:650}
h3{font-size:1rem;font-weight:650;display:inline}
h4{font-size:.8rem;font-weight:650;color:var(--muted);margin:1.5rem 0 .4rem}
a{color:var(--link);text-underline-offset:.15em}
code{font:.9em/1.4 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
small{display:block;font-size:.8rem;font-weight:400;color:var(--muted);overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:4px}
.about,.none,footer{color:var(--muted)}
.about{margin-bottom:.25rem;font-size:.9rem}
.bar{display:flex;gap:2px;height:.5rem;margin:1.1rem 0 .9rem;border-radius:.25rem;overflow:hidden}
.bar span{min-width:4px}
.bar .unknown{background:#9aa4af}.bar .pass{background:#3c9a5f}
.bar .fail{background:var(--fail)}.bar .unreachable{background:var(--unreachable)}
.bar .refused{background:var(--refused)}
.tiles{display:flex;flex-wrap:wrap;gap:.5rem;padding:0;list-style:none}
.tiles a,.tiles .zero{display:flex;align-items:center;gap:.6rem;padding:.4rem .7rem .4rem .8rem;
border:1px solid var(--line);
border-radius:.5rem;background:var(--sheet);color:inherit;text-decoration:none}
.tiles a:hover{border-color:var(--muted)}
.tiles b{font-size:1.3rem;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
.tiles .zero{background:none;color:var(--muted)}
.tiles .zero b{font-weight:400}
.tiles .zero .badge{background:none;color:inherit;padding-inline:0}
.badge{display:inline-flex;align-items:center;gap:.35rem;padding:.05rem .55rem .05rem .4rem;border-radius:1rem;
font-size:.82rem;
font-weight:600;line-height:1.5;white-space:nowrap}
.signs{position:absolute}
.sign{width:.85rem;height:.85rem;flex:none;fill:none;stroke:currentColor;stroke-width:2.2;stroke-linecap:round;
stroke-linejoin:round}
.hosts{margin-top:2rem}
.hosts>div:first-child{display:flex;justify-content:space-between;align-items:baseline;gap:1rem;margin-bottom:.5rem}
.hosts>div:first-child a{font-size:.85rem;color:var(--muted)}
h2[id]{scroll-margin-top:1rem}
details>summary{cursor:pointer;list-style:none}
details>summary::-webkit-details-marker{display:none}
.list{background:var(--sheet);border:1px solid var(--line);border-radius:.5rem}
.host{content-visibility:auto;contain-intrinsic-size:auto 3rem}
.host+.host{border-top:1px solid var(--line)}
.host>summary{display:grid;grid-template-columns:7.6rem minmax(6rem,.6fr) minmax(0,1.1fr) minmax(0,1fr) 1rem;
gap:.1rem 1rem;
align-items:start;padding:.65rem .9rem}
.host>summary>.badge{justify-self:start;margin-top:.05rem}
.host>summary::after,.more>summary::before,.settings>summary::before{content:"";width:.45rem;height:.45rem;
margin:.4rem .1rem 0;
border:solid var(--muted);border-width:0 2px 2px 0;transform:rotate(45deg);justify-self:end}
.host[open]>summary::after{transform:rotate(225deg);margin-top:.7rem}
.host>summary:hover h3{text-decoration:underline;text-underline-offset:.2em}
.host[open]{content-visibility:visible}
.host[open]>summary{border-bottom:1px solid var(--line)}
.name,.reason{overflow-wrap:anywhere}
.reason{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden;white-space:pre-line}
.host[open] .reason{display:block}
.what{color:var(--muted);font-size:.85rem;line-height:1.75;overflow-wrap:anywhere}
.what .release{white-space:nowrap}
.release::after{content:" · "}
.chip{margin-left:.5rem;padding:0 .4rem;border:1px solid var(--line);border-radius:.3rem;font-size:.78rem;
color:var(--muted)}
.inside{padding:.2rem .9rem 1.4rem;scroll-margin-top:5rem}
.inside ul{padding-left:1.1rem}
.inside li{margin:.15rem 0;overflow-wrap:anywhere}
.inside p{overflow-wrap:anywhere}
.error{margin-top:1rem;padding:.6rem .8rem;border-left:3px solid var(--fail);background:var(--alarm);
white-space:pre-line}
.warnings .remedy{margin-bottom:.35rem}
.remedy{display:block}
.evidence{color:var(--muted)}
.remedy::before{content:"→ "}
.more,.settings{margin-top:.6rem}
.more>summary,.settings>summary{display:inline-flex;gap:.6rem;color:var(--link);padding:.15rem .3rem .15rem 0}
.more>summary::before,.settings>summary::before{transform:rotate(-45deg);flex:none;border-color:currentColor}
.more[open]>summary::before,.settings[open]>summary::before{transform:rotate(45deg);margin-top:.35rem}
.settings{margin-top:1.2rem}
.settings h2{font-size:.95rem;font-weight:500}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem;background:var(--sheet);margin-top:.3rem}
table{border-collapse:collapse;width:100%;min-width:46rem;font-size:.87rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.4rem .7rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th{border-top:0;font-size:.78rem;color:var(--muted);font-weight:600;white-space:nowrap}
tbody th{font-weight:400}
td code,th code{overflow-wrap:anywhere}
th[scope=row]{min-width:14rem}
th[scope=rowgroup]{background:var(--ground);font-weight:600}
td{min-width:7.5rem;max-width:22rem;overflow-wrap:anywhere}
.wrong td{min-width:10rem}
.wrong .verdict{min-width:0}
.why{min-width:20rem;max-width:none}
.picture{background:none;border:0}
.picture svg{display:block;max-width:100%;height:auto}
footer{margin-top:2.5rem;font-size:.85rem}
@media (max-width:56rem){
.host>summary{grid-template-columns:auto minmax(0,1fr) 1rem;align-items:center}
.host>summary>.reason,.host>summary>.what{grid-column:1/-1}
.host>summary::after{grid-row:1;grid-column:3;margin-top:-.3rem}
.picture svg{max-width:none}
}
@media (max-width:40rem){
.wrong{display:block;min-width:0}
.wrong thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.wrong tbody{display:flex;flex-direction:column;padding:.6rem .7rem}
.wrong tbody+tbody{border-top:1px solid var(--line)}
.wrong tr{display:contents}
.wrong th,.wrong td{border:0;padding:.1rem 0;min-width:0;max-width:none}
.wrong th{margin-top:.25rem}
.wrong small{display:inline;margin-left:.5rem}
.wrong .why{order:1;margin-top:.35rem}
.wrong td[data-label]::before{content:attr(data-label) ": ";color:var(--muted)}
}
@media print{.host{break-inside:avoid}.scroll{overflow:visible}}
"""


def sheet() -> str:
    """All rules of the page and of the pictures in it."""
    badges = "".join(f".badge.{name}{{background:var(--{name});color:var(--{name}-ink)}}\n" for name in _PATHS)
    return (
        f":root{{color-scheme:light dark;{_variables(_LIGHT)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_variables(_DARK)}}}}}\n"
        f"{_RULES}{badges}{shared_sheet()}\n"
    )


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in colours.items())


__all__ = ("SIGNS", "sheet")
