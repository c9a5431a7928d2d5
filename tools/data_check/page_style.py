"""Style sheet of pages, in light and dark: that of a data check, and that of a run."""

STYLE = """
:root{color-scheme:light dark;--paper:#f4f6f9;--card:#fff;--line:#dfe3ea;--muted:#5b6577;
--ink:#1b2230;--soft:#f7f8fa;--chip:var(--chip);--link:#1f5fbf;--faint:#b9c0cb;--cell:#f1f3f7;
--heat:#7ba6e8;--good:#166534;--good-back:#dff3e6;--bad:#a01c15;--bad-back:#fde3e1;--error:#b3261e;
--warning:#8a5300;--note:#2a67a0;--c0:#2f6fdb;--c1:#c8730a;--c2:#23875f;--c3:#a04fc4;--c4:#c9443f;
--c5:#3c7f8e;--c6:#7a6a12;--c7:#6b5be0}
@media screen and (prefers-color-scheme:dark){:root{--paper:#10141b;--card:#181d26;--line:#2e3643;
--muted:#a3adbd;--ink:#e7ebf2;--soft:#1e2530;--chip:#262e3a;--link:#8bb8f8;--faint:#56606f;
--cell:#222935;--heat:#2f62b5;--good:#8fe0ae;--good-back:#143923;--bad:#ffb4ac;--bad-back:#4a1a17;
--error:#ff9d94;--warning:#f0b65c;--note:#8bbcf0;--c0:#6ea3f5;--c1:#f0a24a;--c2:#55c596;--c3:#c98be6;
--c4:#f07f79;--c5:#72bccb;--c6:#cdbb4e;--c7:#a79df5}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1160px;margin:0 auto;padding:28px 20px 60px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:6px 16px;margin-bottom:18px}
h1{font-size:28px;margin:0}
header p{margin:0;color:var(--muted)}
.badge{padding:3px 12px;border-radius:999px;font-weight:600}
header .sound{background:var(--good-back);color:var(--good)}
header .broken{background:var(--bad-back);color:var(--bad)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:16px 20px 20px;margin:0 0 18px}
h2{font-size:18px;margin:0 0 12px}
section p{margin:8px 0;color:var(--muted)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--muted);text-align:right;font-size:13px}
td{text-align:right}
th,td{padding:6px 10px;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
td:last-child{white-space:normal}
tr:last-child td{border-bottom:0}
.finding{border-left:4px solid;border-radius:4px;background:var(--soft);
padding:8px 12px;margin:8px 0}
.finding summary{cursor:pointer}
.finding ul{margin:8px 0 2px;padding-left:20px}
.finding li{overflow-wrap:anywhere;margin:3px 0}
.error{border-color:#d3372d}.warning{border-color:#e0921e}.note{border-color:#3b82c4}
.tag{display:inline-block;min-width:66px;font-weight:600;margin-right:8px}
.error .tag{color:var(--error)}.warning .tag{color:var(--warning)}.note .tag{color:var(--note)}
.where{display:block;color:var(--muted);font-size:13px}
code{background:var(--chip);border-radius:4px;padding:1px 5px;font-size:13px}
.more{margin:4px 0 0}
.chart{display:grid;grid-template-columns:minmax(80px,max-content) 1fr;gap:8px 14px;
align-items:center}
.name{text-align:right;max-width:240px;overflow-wrap:anywhere}
.bar{display:flex;align-items:center;gap:8px;height:15px}
.bar>div{height:11px;border-radius:2px}
.bar span{font-size:12px;color:var(--muted);font-variant-numeric:tabular-nums}
.share{display:flex;height:22px;border-radius:4px;overflow:hidden;color:#fff;font-size:12px}
.share>div{display:flex;align-items:center;justify-content:center}
.legend span{margin-right:16px}
.legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:16px}
.pair{grid-column:span 2;display:grid;grid-template-columns:1fr 1fr;gap:10px;
border:1px solid var(--line);border-radius:8px;padding:10px}
figure{margin:0}
figure img{width:100%;height:auto;display:block;border-radius:6px;background:var(--chip)}
figcaption{font-size:13px;margin-top:5px;overflow-wrap:anywhere}
figcaption span{color:var(--muted);margin-left:8px}
@media(max-width:640px){.pair{grid-column:span 1}}
"""
