"""The look of the report: light or dark as the reader's system has it, and fit for paper."""

STYLE = """
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--ink:#1b1f24;--soft:#667085;--line:#e4e6ea;--accent:#2457d6;
--gain:#12805c;--loss:#c0362c;--warn:#8a5a00;--warnbg:#fff6e0;--price:#9aa4b2}
@media(prefers-color-scheme:dark){:root{--bg:#111418;--card:#191d23;--ink:#e7eaee;--soft:#98a2b3;--line:#2b313a;
--accent:#7ea2ff;--gain:#4ac598;--loss:#ff8278;--warn:#f2c66d;--warnbg:#2c2412;--price:#667085}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1160px;margin:0 auto;padding:32px 20px 64px}h1{font-size:26px;margin:0 0 4px}
h2{font-size:17px;margin:36px 0 10px}
.sub,.note,.tick{color:var(--soft)}.sub{margin:0 0 20px}.note{font-size:13px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:10px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.card b{display:block;font-size:20px;font-variant-numeric:tabular-nums}.card span{color:var(--soft);font-size:13px}
.panel{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px;overflow-x:auto}
svg{display:block;width:100%;height:auto;min-width:640px}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
.grid{stroke:var(--line)}.base{stroke:var(--soft);stroke-dasharray:4 4}
.equity{fill:none;stroke:var(--accent);stroke-width:1.8}.low{fill:var(--accent);opacity:.16}
.fall{fill:var(--loss);opacity:.22}.fall-line{fill:none;stroke:var(--loss);stroke-width:1.2}
.price{fill:var(--price);stroke:var(--price);stroke-width:1;opacity:.75}
.avg{stroke-width:1.4}.won .avg{stroke:var(--gain)}.lost .avg{stroke:var(--loss)}.open .avg{stroke:var(--warn)}
.entry{fill:var(--accent)}.add_on{fill:var(--warn)}.exit{fill:var(--gain)}.lost .exit{fill:var(--loss)}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:5px 9px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--soft);font-weight:600}th.w,td.w{text-align:left;white-space:normal}tr:last-child td{border-bottom:0}
.gain{color:var(--gain)}.loss{color:var(--loss)}
.warn{background:var(--warnbg);color:var(--warn);border-radius:8px;padding:8px 12px;margin:6px 0}
.key{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 5px 0 14px}
@media print{body{background:#fff}.panel,.card{break-inside:avoid}}
"""
